"""An endpoint that fails again and again, asks for a rest, is not there yet, or goes away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from endpoint_site import (
    GOOD,
    HANG_UP_SECONDS,
    PROMPT,
    Clock,
    Make,
    Site,
    chunk,
    replies,
    streams,
    trouble,
    written,
)

from spreadguide.adapters import endpoint_exchange
from spreadguide.adapters.endpoint_failures import LONGEST_REST_SECONDS, rest_asked
from spreadguide.adapters.endpoint_generator import EndpointGenerator
from spreadguide.adapters.endpoint_settings import EndpointSettings
from spreadguide.adapters.llama_settings import GeneratorStatus
from spreadguide.errors import GeneratorUnavailable


def test_after_failures_in_a_row_it_is_left_alone_and_then_tried_once(site: Site, make: Make, clock: Clock) -> None:
    generator = make(attempts=1, failures=3, rest=30.0)
    site.manners = [replies(500), replies(500), streams(*GOOD), replies(500)]
    trouble(generator)
    trouble(generator)
    written(generator)  # a success between them: they are not in a row
    for _ in range(3):
        assert generator.ready
        trouble(generator)
    assert len(site.bodies) == 6
    assert not generator.ready
    assert generator.state.status is GeneratorStatus.CRASHED
    assert "left alone for 30 seconds" in trouble(generator).message
    with pytest.raises(GeneratorUnavailable, match="left alone"):
        generator.count_tokens(["a"])
    clock.now += 29.0
    trouble(generator)
    assert len(site.bodies) == 6
    clock.now += 2.0
    assert "(500)" in trouble(generator).message
    assert len(site.bodies) == 7
    assert "left alone for 30 seconds" in trouble(generator).message
    clock.now += 31.0
    site.manners = [streams(chunk("Hel"), then_hold=True), streams(*GOOD)]
    trial = generator.generate(PROMPT, max_tokens=9)
    assert next(trial) == "Hel"
    assert "being tried again" in trouble(generator).message
    trial.close()
    assert written(generator)[1].text == "Hello there."
    assert generator.ready


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_is_wrong_with_one_request_does_not_speak_against_the_endpoint(
    site: Site, make: Make, status: int
) -> None:
    generator = make(failures=1)
    site.manners = [replies(status), streams(*GOOD)]
    trouble(generator)
    assert written(generator)[1].text == "Hello there."


@pytest.mark.parametrize("status", [429, 503])
def test_a_rest_that_was_asked_for_is_given(site: Site, make: Make, clock: Clock, status: int) -> None:
    generator = make()
    site.manners = [replies(status, b"", Retry_After="60"), streams(*GOOD)]
    found = trouble(generator)
    assert status != 429 or found.hint == "Try again in 60 seconds."
    assert "left alone for 60 seconds" in trouble(generator).message
    assert len(site.bodies) == 1
    clock.now += 61.0
    assert written(generator)[1].text == "Hello there."


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("Sun, 22 Nov 2026 12:00:20 GMT", 20.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("9" * 5000, LONGEST_REST_SECONDS),
        ("Sun, 22 Nov 2099 12:00:20 GMT", LONGEST_REST_SECONDS),
        ("", 0.0),
        ("-5", 0.0),
        ("soon", 0.0),
        ("²", 0.0),
    ],
)
def test_how_long_a_rest_is_asked_for(header: str, seconds: float) -> None:
    assert rest_asked(header, datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    ("models", "words"),
    [
        (replies(401), "does not accept the key"),
        (replies(302, b"", Location="/elsewhere"), "another address"),
        (replies(500), "fault"),
        (replies(200, b"<p>Please log in</p>", kind="text/html"), "another form"),
        (replies(200, b"[]"), "another form"),
        (replies(200, b"x" * (endpoint_exchange.MAX_REPLY_BYTES + 1)), "more than is read"),
    ],
)
def test_an_endpoint_that_is_not_there_says_why_and_is_found_later(
    site: Site, make: Make, models: Callable, words: str
) -> None:
    healthy, site.models = site.models, models
    generator = make()
    assert words in generator.state.reason
    assert generator.state.status is GeneratorStatus.CRASHED
    assert words in trouble(generator).message
    assert site.bodies == []
    site.models = healthy
    pause = threading.Event()
    assert any(generator.ready or pause.wait(0.05) for _ in range(200))
    assert written(generator)[1].text == "Hello there."


@pytest.mark.parametrize("status", sorted(endpoint_exchange.NO_LIST))
def test_an_endpoint_need_not_list_its_models(site: Site, make: Make, status: int) -> None:
    site.models = replies(status)
    assert make().ready


def test_a_port_where_nobody_listens(make: Make) -> None:
    assert "cannot be reached" in trouble(make(address="http://127.0.0.1:1/v1")).message


def test_an_endpoint_that_goes_away_later(site: Site, make: Make) -> None:
    generator = make(look_every=0.05)
    site.models = replies(503)
    pause = threading.Event()
    assert any(not generator.ready or pause.wait(0.05) for _ in range(200))


def test_while_it_writes_it_is_not_asked_whether_it_is_there(site: Site, make: Make) -> None:
    generator = make(look_every=0.02)
    site.manners = [streams(chunk("Hel"), then_hold=True)]
    running = generator.generate(PROMPT, max_tokens=9)
    assert next(running) == "Hel"
    site.models = replies(503)
    pause = threading.Event()
    assert not any(not generator.ready or pause.wait(0.05) for _ in range(10))
    running.close()
    assert any(not generator.ready or pause.wait(0.05) for _ in range(200))


def test_the_end_ends_what_is_under_way(site: Site, make: Make) -> None:
    site.manners = [streams(chunk("Hel"), then_hold=True)]
    generator = make()
    running = generator.generate(PROMPT, max_tokens=9)
    assert next(running) == "Hel"
    generator.close()
    assert site.hung_up.wait(HANG_UP_SECONDS)
    with pytest.raises(GeneratorUnavailable, match="no longer used"):
        next(running)
    with pytest.raises(GeneratorUnavailable, match="no longer used"):
        generator.count_tokens(["a"])


def test_before_the_start_it_is_not_there(site: Site) -> None:
    generator = EndpointGenerator(EndpointSettings(site.url, "the-model"))
    assert "being looked for" in trouble(generator).message
    generator.close()
    assert site.looks == 0
