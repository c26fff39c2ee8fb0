"""The application behind a real uvicorn, over real sockets: clients that leave, floods, and many at once."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest
from scripted_generator import ScriptedGenerator
from small_corpus import HOW_LONG, HOW_MANY_WARDS, WHY_SLOW

from spreadguide.types import FinishReason

PATIENCE_SECONDS = 60
PIECE_SECONDS = 0.1
WORDS = 300
"""One sentence that would take half a minute to write."""


class _SlowGenerator(ScriptedGenerator):
    """Writes one long sentence slowly, and tells when it has begun."""

    def __init__(self) -> None:
        super().__init__("word " * WORDS, before_piece=self._hold)
        self.begun = threading.Event()
        self._never = threading.Event()

    def _hold(self, number: int) -> None:
        if number == 2:
            self.begun.set()
        self._never.wait(PIECE_SECONDS)

    def wait_until_over(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.finished and time.monotonic() < deadline:
            self._never.wait(PIECE_SECONDS)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_stops_the_writing(serve, stream):
    generator = _SlowGenerator()
    with serve(generator) as address:
        place = urlsplit(address)
        body = json.dumps({"question": HOW_LONG, "stream": stream}).encode()
        head = f"POST /v1/ask HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
        with socket.create_connection((place.hostname, place.port)) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert generator.begun.wait(PATIENCE_SECONDS)
        generator.wait_until_over()
        assert generator.finished == [FinishReason.CANCELLED]
        assert generator.written < WORDS / 2
        assert httpx.get(f"{address}/healthz").status_code == 200


def test_events_arrive_while_the_model_writes(serve):
    """A claim quoted from the reports is there before the first word is written, and words come one by one."""
    held = threading.Event()
    generator = ScriptedGenerator(
        "The Harbour Trust funds partner hospitals for up to three years [1].",
        before_piece=lambda number: held.wait(PATIENCE_SECONDS) if number == 5 else None,
    )
    seen = []
    with serve(generator) as address:
        body = {"question": HOW_LONG, "stream": True}
        with httpx.stream("POST", f"{address}/v1/ask", json=body, timeout=PATIENCE_SECONDS) as response:
            for line in response.iter_lines():
                if line.startswith("event: "):
                    seen.append(line.removeprefix("event: "))
                if seen.count("token") == 5 and not held.is_set():
                    assert "final" not in seen
                    held.set()
    assert seen[:2] == ["retrieved", "claim"]
    assert seen[-1] == "final"
    assert generator.finished == [FinishReason.STOP]


def test_a_flood_without_an_announced_length_is_cut_off(serve):
    def flood():
        yield b'{"question": "'
        for _ in range(40):
            yield b"w" * 65_536

    with serve(None) as address:
        headers = {"Content-Type": "application/json"}
        try:
            status = httpx.post(f"{address}/v1/ask", content=flood(), headers=headers).status_code
        except httpx.WriteError:  # the server answered and closed while the flood still came
            status = 413
        assert status == 413
        assert httpx.get(f"{address}/healthz").status_code == 200


def test_many_questions_at_once_get_their_own_answers(serve):
    questions = [HOW_LONG, HOW_MANY_WARDS, WHY_SLOW] * 6
    expected = {HOW_LONG: "three years", HOW_MANY_WARDS: "33 wards", WHY_SLOW: "took longer"}
    with serve(None) as address, httpx.Client(base_url=address, timeout=PATIENCE_SECONDS) as client:

        def ask(question: str) -> str:
            return client.post("/v1/ask", json={"question": question}).json()["text"]

        with ThreadPoolExecutor(9) as pool:
            answers = list(pool.map(ask, questions))
    assert [expected[question] in answer for question, answer in zip(questions, answers, strict=True)] == [True] * 18
