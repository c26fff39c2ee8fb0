"""More questions than the server can work on, and a real model that is busy, left alone or killed: over sockets."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import httpx
import pytest
from scripted_generator import ScriptedGenerator
from serving import serving
from shapes import check_problem
from small_corpus import HOW_LONG, HOW_MANY_WARDS, WHY_SLOW

from spreadguide.adapters.llama_settings import LlamaSettings
from spreadguide.adapters.local_generator import LocalGenerator
from spreadguide.api.app import create_app
from spreadguide.api.streaming import start_events
from spreadguide.api.workers import PLACES, Workers
from spreadguide.models.catalogue import load_catalogue
from spreadguide.models.files import is_present, models_dir, resolve_generator
from spreadguide.settings import load_settings
from spreadguide.types import Draft, Prompt
from spreadguide.wiring import Services

MODEL = "smollm2-135m-instruct"
PATIENCE_SECONDS = 120
STOP_SECONDS = 1.0
"""How soon the model must rest once nobody waits for its answer."""

CROWD = 40

TALE = Prompt(
    "You tell tales.", (), "The ward took part in the trial. " * 400 + "Go on, with at least fifty sentences."
)
"""Takes many seconds to read, and longer to answer."""

needs_model = pytest.mark.skipif(
    importlib.util.find_spec("llama_cpp") is None or not is_present(load_catalogue().get(MODEL), models_dir()),
    reason=f"needs llama.cpp and the model: spreadguide models pull {MODEL}",
)


class _Watched(LocalGenerator):
    """The real generator; it tells when it was last asked to write and when the model came to rest."""

    def __init__(self) -> None:
        def resolve():
            return resolve_generator(MODEL, models_dir(), load_catalogue())

        super().__init__(resolve, MODEL, LlamaSettings())
        self.asked = threading.Event()
        self.rested = threading.Event()
        self.rested_at = 0.0

    def generate(self, prompt, **options):
        self.rested.clear()
        self.asked.set()
        try:
            for piece in super().generate(prompt, **options):
                if isinstance(piece, Draft):
                    self._rest()
                yield piece
        finally:
            self._rest()

    def _rest(self) -> None:
        if not self.rested.is_set():
            self.rested_at = time.monotonic()
            self.rested.set()


@pytest.fixture(scope="module")
def watched():
    generator = _Watched()
    generator.start()
    assert generator.wait(PATIENCE_SECONDS), generator.state
    yield generator
    generator.close()


@contextmanager
def real_server(index_dir, **settings):
    """Serve the real thing with the small model; yields the address and the services."""
    services = Services(load_settings(index_dir=index_dir, model=MODEL, open_questions="written", **settings))
    try:
        assert services.generator.wait(PATIENCE_SECONDS), services.generator.state
        with serving(lambda _address: create_app(services)) as address:
            yield address, services
    finally:
        services.close()


@pytest.fixture(scope="module")
def real(index_dir):
    """A real server with the small model; it remembers answers, so each test asks something of its own."""
    with real_server(index_dir) as (address, services):
        yield address, services


class _Stream:
    """The events of one question, read when they are asked for."""

    def __init__(self, response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.names: list[str] = []
        self._lines = response.iter_lines()

    def until(self, *names):
        """Read on to the next event with one of ``names``; return its data."""
        for line in self._lines:
            if line.startswith("event: "):
                self.names.append(line.removeprefix("event: "))
            elif line.startswith("data: ") and self.names[-1] in names:
                return json.loads(line.removeprefix("data: "))
        raise AssertionError(f"the stream ended after {self.names}")


@contextmanager
def asking(address, question, **more):
    body = {"question": question, "stream": True, **more}
    with httpx.stream("POST", f"{address}/v1/ask", json=body, timeout=PATIENCE_SECONDS) as response:
        yield _Stream(response)


@contextmanager
def busy(generator):
    """Let the model read and write at length for somebody else, for as long as the context lasts."""
    enough = threading.Event()
    # Not by the method of `_Watched`, which is to see the question of the test only.
    written = LocalGenerator.generate(generator, TALE, max_tokens=400, cancelled=enough.is_set)
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(list, written)
        try:
            yield
            assert not working.done(), "the model was not busy for long enough"
        finally:
            enough.set()


@pytest.mark.llm
@needs_model
@pytest.mark.parametrize("moment", ["reading the prompt", "writing"])
def test_the_model_rests_within_a_second_once_the_client_has_left(serve, watched, moment):
    watched.asked.clear()
    with serve(watched) as address:
        with asking(address, WHY_SLOW) as stream:
            if moment == "writing":
                stream.until("token")
            assert watched.asked.wait(PATIENCE_SECONDS)
            left = time.monotonic()
        assert watched.rested.wait(PATIENCE_SECONDS)
        assert 0 < watched.rested_at - left < STOP_SECONDS


@pytest.mark.llm
@needs_model
def test_who_leaves_while_waiting_is_out_of_the_queue_within_a_second(serve, watched):
    with serve(watched) as address, busy(watched):
        with asking(address, WHY_SLOW) as stream:
            assert stream.until("queued")["place"] == 1
            left = time.monotonic()
        assert watched.rested.wait(PATIENCE_SECONDS)
        assert 0 < watched.rested_at - left < STOP_SECONDS


@pytest.mark.llm
@needs_model
def test_a_model_that_is_killed_in_the_middle_leaves_quotes_and_comes_back(real):
    address, services = real
    with asking(address, WHY_SLOW) as stream:
        stream.until("token")
        killed = services.generator.pid
        os.kill(killed, signal.SIGKILL)
        answer = stream.until("final", "error")
    assert stream.names[-1] == "final"
    assert "adoption took longer on their wards" in answer["text"]
    assert [warning for warning in answer["warnings"] if "quotes" in warning and "memory ran out" in warning]
    assert services.generator.wait(PATIENCE_SECONDS)
    assert services.generator.pid != killed
    assert httpx.get(f"{address}/readyz").status_code == 200
    body = {"question": WHY_SLOW}
    healed = httpx.post(f"{address}/v1/ask", json=body, timeout=PATIENCE_SECONDS).raise_for_status().json()
    assert (healed["trace"]["model"], healed["trace"]["cached"]) == (MODEL, False)
    assert not [warning for warning in healed["warnings"] if "quotes" in warning]


@pytest.mark.llm
@needs_model
def test_who_waits_is_told_and_who_cannot_wait_gets_quotes_at_once(index_dir):
    with real_server(index_dir, max_queue=1) as (address, services), ExitStack() as all_of_them:
        with busy(services.generator):
            second = all_of_them.enter_context(asking(address, HOW_LONG))
            queued = second.until("queued")
            third = all_of_them.enter_context(asking(address, HOW_MANY_WARDS))
            refused = third.until("final")
        assert second.names == ["retrieved", "claim", "queued"]
        assert queued["place"] == 1
        assert 1 <= queued["expected_seconds"] < 60
        assert third.names == ["retrieved", "claim", "final"]
        assert "33 wards" in refused["text"]
        assert [warning for warning in refused["warnings"] if "waiting list is full" in warning]
        assert second.until("final")["trace"]["model"] == MODEL
        assert second.names.index("queued") < second.names.index("token")
        with asking(address, HOW_MANY_WARDS) as again:
            found = again.until("final")
        assert (found["trace"]["model"], found["trace"]["cached"]) == (MODEL, False)


@pytest.mark.slow
@pytest.mark.llm
@needs_model
def test_everyone_in_a_crowd_gets_an_answer_or_is_told_when_to_come_back(real):
    address, _ = real
    together = threading.Barrier(CROWD)

    def ask(number: int):
        question = (HOW_LONG, HOW_MANY_WARDS, WHY_SLOW)[number % 3]
        together.wait()
        # A role of its own: none is to be served from what another one asked.
        with asking(address, question, role=f"asker {number}") as stream:
            if stream.status == 200:
                stream.until("final", "error")
            return stream

    with ThreadPoolExecutor(CROWD) as pool:
        streams = list(pool.map(ask, range(CROWD)))
    assert httpx.get(f"{address}/readyz").status_code == 200
    served = [stream for stream in streams if stream.status == 200]
    assert len(served) >= PLACES
    assert {stream.names[-1] for stream in served} == {"final"}
    refused = [stream for stream in streams if stream.status != 200]
    assert refused
    assert {stream.status for stream in refused} == {429}
    assert all(int(stream.headers["retry-after"]) >= 1 for stream in refused)


@pytest.mark.parametrize("stream", [False, True])
def test_one_question_too_many_is_told_when_to_come_back(serve, stream):
    released = threading.Event()
    all_there = threading.Barrier(PLACES + 1)

    def hold(number: int) -> None:
        if number == 0:
            all_there.wait(PATIENCE_SECONDS)
            released.wait(PATIENCE_SECONDS)

    text = "The Harbour Trust funds partner hospitals for up to three years [1]."
    body = {"question": HOW_LONG, "stream": stream}
    with (
        serve(ScriptedGenerator(text, before_piece=hold)) as address,
        httpx.Client(base_url=address, timeout=PATIENCE_SECONDS) as client,
        ThreadPoolExecutor(PLACES) as pool,
    ):
        held = [pool.submit(client.post, "/v1/ask", json=body) for _ in range(PLACES)]
        all_there.wait(PATIENCE_SECONDS)
        refused = client.post("/v1/ask", json=body)
        problem = check_problem(refused, 429)
        assert problem["title"] == "TooManyQuestions"
        assert int(refused.headers["Retry-After"]) >= 1
        assert client.get("/healthz").status_code == 200
        assert client.post("/v1/search", json={"query": HOW_LONG}).status_code == 200
        released.set()
        answers = [each.result().text for each in held]
        assert all("up to three years" in answer for answer in answers)


def test_a_place_is_free_again_after_any_end():
    workers, done = Workers(1), threading.Event()
    hold, begun = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        hold.wait(PATIENCE_SECONDS)
        raise ValueError("it went wrong")

    assert workers.start(work)
    assert begun.wait(PATIENCE_SECONDS)
    assert not workers.start(done.set)
    hold.set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not workers.start(done.set):
        assert time.monotonic() < deadline
        hold.wait(0.01)
    assert done.wait(PATIENCE_SECONDS)
    workers.close()


def test_when_to_come_back_follows_how_long_questions_take():
    workers = Workers(1)
    first = workers.retry_seconds
    for _ in range(50):
        while not workers.start(lambda: None):
            threading.Event().wait(0.001)
    assert 1 == workers.retry_seconds < first
    workers.close()


def test_work_stops_when_the_client_leaves_before_its_response_begins():
    stopped = threading.Event()

    def run(cancelled):
        while not cancelled():
            stopped.wait(0.01)
        stopped.set()
        yield from ()

    async def gone() -> bool:
        return True

    async def leave() -> None:
        workers = Workers(1)
        events = start_events(run, SimpleNamespace(is_disconnected=gone), workers)
        assert events is not None
        assert await asyncio.to_thread(stopped.wait, PATIENCE_SECONDS)
        assert [event async for event in events] == []
        workers.close()

    asyncio.run(leave())
