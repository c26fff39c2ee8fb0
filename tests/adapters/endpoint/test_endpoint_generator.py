"""A generator behind an OpenAI-compatible address: its text, its pace, its faults and its limits."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import pytest
from endpoint_site import (
    DONE,
    GOOD,
    HANG_UP_SECONDS,
    KEY,
    PROMPT,
    USAGE,
    WAIT_SECONDS,
    Make,
    Site,
    chunk,
    endless,
    event,
    replies,
    streams,
    trouble,
    written,
)

from spreadguide.adapters import endpoint_exchange
from spreadguide.adapters.endpoint_settings import estimated_tokens
from spreadguide.errors import GeneratorUnavailable
from spreadguide.types import Draft, FinishReason

SAID = "words-of-the-endpoint"


def test_a_text_is_streamed_and_the_usage_is_told(site: Site, make: Make) -> None:
    generator = make()
    pieces, draft = written(generator, stop=["\nQuestion:"])
    assert pieces == ["Hello", " there."]
    assert draft == Draft("Hello there.", FinishReason.STOP, 12, 2)
    assert generator.ready
    assert (generator.model_id, generator.pid) == ("the-model", None)
    assert site.headers[-1][""] == "/v1/chat/completions"
    assert site.headers[-1]["authorization"] == f"Bearer {KEY}"
    assert site.bodies == [
        {
            "model": "the-model",
            "messages": [
                {"role": "system", "content": "You answer."},
                {"role": "user", "content": "One?"},
                {"role": "assistant", "content": "1."},
                {"role": "user", "content": "Say hello."},
            ],
            "max_tokens": 9,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
            "stop": ["\nQuestion:"],
        }
    ]


def test_without_a_key_none_is_sent(site: Site, make: Make) -> None:
    written(make(key=""))
    assert "authorization" not in site.headers[-1]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((chunk("Cut"), chunk(finish="length"), DONE), Draft("Cut", FinishReason.LENGTH, 0, 0)),
        ((chunk("No"), chunk(finish="content_filter"), DONE), Draft("No", FinishReason.LENGTH, 0, 0)),
        ((chunk("Whole.", "stop"), USAGE), Draft("Whole.", FinishReason.STOP, 12, 2)),
        ((chunk("Whole."), DONE), Draft("Whole.", FinishReason.LENGTH, 0, 0)),
        ((b": ping\n\n", b"event: x\r\n\r\n", *GOOD), Draft("Hello there.", FinishReason.STOP, 12, 2)),
        ((b"".join(GOOD)[:90], b"".join(GOOD)[90:]), Draft("Hello there.", FinishReason.STOP, 12, 2)),
        ((chunk("Grüße 🙂.", "stop"), DONE), Draft("Grüße 🙂.", FinishReason.STOP, 0, 0)),
    ],
    ids=["length", "filtered", "no-done", "no-reason", "pings", "cut-anywhere", "other-letters"],
)
def test_streams_of_all_sorts_are_read(site: Site, make: Make, parts: tuple[bytes, ...], expected: Draft) -> None:
    site.manners = [streams(*parts)]
    assert written(make())[1] == expected


def test_a_stream_that_only_forgets_to_end_is_whole(site: Site, make: Make) -> None:
    site.manners = [streams(chunk("Whole.", "stop"), then_hold=True)]
    assert written(make(between=0.2))[1] == Draft("Whole.", FinishReason.STOP, 0, 0)


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        (replies(400, {"error": SAID}), "did not accept the request"),
        (replies(401, {"error": SAID}), "does not accept the key"),
        (replies(403, {"error": SAID}), "does not allow"),
        (replies(404, {"error": SAID}), "does not know the address or the model"),
        (replies(413, {"error": SAID}), "too long"),
        (replies(422, {"error": SAID}), "did not accept the request"),
        (replies(418, {"error": SAID}), "not understood"),
        (replies(204), "not understood"),
        (replies(302, SAID.encode(), Location="/v1/chat/elsewhere"), "another address"),
        (replies(200, {"choices": [SAID]}), "another form"),
        (replies(200, SAID.encode(), kind="text/html"), "another form"),
        (replies(200, b"".join(GOOD), kind="text/event-stream", Content_Encoding="gzip"), "another form"),
        (streams(f"data: {SAID}\n\n".encode()), "another form"),
        (streams(event([SAID])), "another form"),
        (streams(event({"choices": [{"delta": {"content": 3}}]})), "another form"),
        (streams(b'data: {"choices":' + b"[" * 5000 + b"\n\n"), "another form"),
    ],
)
def test_what_another_attempt_cannot_cure_is_said_at_once(
    site: Site, make: Make, caplog: pytest.LogCaptureFixture, manner: Callable, words: str
) -> None:
    caplog.set_level(logging.DEBUG)
    site.manners = [manner]
    found = trouble(make())
    assert words in found.message
    assert len(site.bodies) == 1
    shown = f"{found!r} {found.message} {found.hint} {caplog.text}"
    assert KEY not in shown
    assert SAID not in shown


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        (replies(500, {"error": SAID}), "has a fault (500)"),
        (replies(503, b"", Retry_After="0"), "has a fault (503)"),
        (replies(429, b"", Retry_After="0"), "busy"),
        (lambda _exchange: None, "broke"),
        (streams(), "broke off"),
        (streams(DONE[:-3]), "broke off"),
        (streams(event({"error": {"message": SAID}})), "error of its own"),
    ],
)
def test_what_may_pass_is_tried_three_times(site: Site, make: Make, manner: Callable, words: str) -> None:
    site.manners = [manner]
    found = trouble(make())
    assert words in found.message
    assert SAID not in f"{found.message} {found.hint}"
    assert len(site.bodies) == 3


def test_two_faults_and_then_a_text(site: Site, make: Make) -> None:
    site.manners = [replies(500), replies(502), streams(*GOOD)]
    assert written(make())[1].text == "Hello there."
    assert len(site.bodies) == 3


@pytest.mark.parametrize("rest", [(), (event({"error": {"message": SAID}}),), (b"data: {", b"\n\n")])
def test_nothing_is_written_twice(site: Site, make: Make, rest: tuple[bytes, ...]) -> None:
    site.manners = [streams(chunk("Hel"), *rest), streams(*GOOD)]
    running = make().generate(PROMPT, max_tokens=9)
    assert next(running) == "Hel"
    with pytest.raises(GeneratorUnavailable):
        next(running)
    assert len(site.bodies) == 1


@pytest.mark.parametrize(
    ("manner", "settings", "words"),
    [
        (streams(then_hold=True), {"first_text": 0.2}, "first words"),
        (endless(b": ping\n\n"), {"first_text": 0.2}, "first words"),
        (endless(chunk("")), {"first_text": 0.2}, "first words"),
        (streams(chunk("Hel"), then_hold=True), {"between": 0.2}, "next words"),
        (endless(chunk("a ")), {"whole": 0.4}, "whole answer"),
    ],
)
def test_a_slow_endpoint_is_left(site: Site, make: Make, manner: Callable, settings: dict, words: str) -> None:
    site.manners = [manner]
    found = trouble(make(**settings))
    assert words in found.message
    assert len(site.bodies) == 1
    assert site.hung_up.wait(WAIT_SECONDS)


@pytest.mark.parametrize("part", [b"data: " + b"x" * 60_000, b"x" * 60_000, chunk("a" * 5000), b"\n" * 60_000])
def test_no_more_is_read_than_an_answer_needs(
    site: Site, make: Make, monkeypatch: pytest.MonkeyPatch, part: bytes
) -> None:
    monkeypatch.setattr(endpoint_exchange, "MAX_REPLY_BYTES", 200_000)
    site.manners = [endless(part)]
    assert "more than is read" in trouble(make()).message
    assert site.hung_up.wait(WAIT_SECONDS)
    assert len(site.bodies) == 1


@pytest.mark.parametrize("first", [(), (chunk("Hel"),)], ids=["before-any-text", "while-it-writes"])
def test_a_cancel_closes_the_connection(site: Site, make: Make, first: tuple[bytes, ...]) -> None:
    site.manners = [streams(*first, then_hold=True)]
    draft = written(make(), cancelled=site.reached.is_set)[1]
    assert site.hung_up.wait(HANG_UP_SECONDS)
    assert (draft.finish, draft.completion_tokens) == (FinishReason.CANCELLED, 0)


def test_a_cancel_ends_the_wait_for_another_attempt(site: Site, make: Make) -> None:
    gone = threading.Event()

    def busy(exchange: object) -> None:
        gone.set()
        replies(429, b"", Retry_After="2")(exchange)

    site.manners = [busy]
    began = time.monotonic()
    assert written(make(), cancelled=gone.is_set)[1].finish is FinishReason.CANCELLED
    assert time.monotonic() - began < HANG_UP_SECONDS


def test_who_stops_reading_closes_the_connection(site: Site, make: Make) -> None:
    site.manners = [streams(chunk("Hel"), then_hold=True)]
    running = make().generate(PROMPT, max_tokens=9)
    assert next(running) == "Hel"
    running.close()
    assert site.hung_up.wait(HANG_UP_SECONDS)


def test_one_request_too_many_is_refused_at_once(site: Site, make: Make) -> None:
    site.manners = [streams(chunk("Hel"), then_hold=True), streams(*GOOD)]
    generator = make(parallel=1)
    first = generator.generate(PROMPT, max_tokens=9)
    assert next(first) == "Hel"
    assert "enough to do" in trouble(generator).message
    assert len(site.bodies) == 1
    first.close()
    assert written(generator)[1].text == "Hello there."
    # Whoever has the draft holds no place, even with the iterator still open.
    kept = generator.generate(PROMPT, max_tokens=9)
    assert [next(kept) for _ in range(3)][-1].text == "Hello there."
    assert written(generator)[1].text == "Hello there."


def test_texts_run_side_by_side(site: Site, make: Make) -> None:
    together = threading.Barrier(4)

    def meeting(exchange: object) -> None:
        together.wait(WAIT_SECONDS)
        streams(*GOOD)(exchange)

    site.manners = [meeting]
    generator = make(parallel=4)
    drafts: list[Draft] = []
    threads = [threading.Thread(target=lambda: drafts.append(written(generator)[1])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [draft.text for draft in drafts] == ["Hello there."] * 4


def test_tokens_are_guessed_with_caution(make: Make) -> None:
    texts = ["", "The cat sat on the mat.", "Grüße", "東京", "\ud800"]
    assert make().count_tokens(texts) == estimated_tokens(texts) == [0, 6, 2, 2, 1]
