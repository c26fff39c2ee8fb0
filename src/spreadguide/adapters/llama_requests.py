"""Requests to the child: their order, their answers, their cancelling, and the watch over a silent child."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spreadguide.adapters.llama_child import Child
from spreadguide.errors import GeneratorUnavailable
from spreadguide.types import Draft, FinishReason, Queued

POLL_SECONDS = 0.05
"""How often a waiting request asks whether it was cancelled."""

CANCEL_SECONDS = 5.0
"""How long the child may take to obey a cancel before it is killed; it asks many times per token."""

FIRST_TURN_SECONDS = 11.0
"""How long a turn is taken to last before there was one: the default model's median answer (docs/quality-card.md)."""

LATEST_WEIGHT = 0.25
"""Weight of the latest turn in the running average of how long a turn lasts."""

LEAST_LEFT_SECONDS = 1.0
"""What a turn is taken to last still when it has lasted longer than the average."""


@dataclass(eq=False, slots=True)
class _Job:
    number: int
    mail: queue.SimpleQueue[Mapping[str, Any]] = field(default_factory=queue.SimpleQueue)
    started: float = field(default_factory=time.monotonic)
    turn_began: float = 0.0


class Requests:
    """One request runs, at most ``max_queue`` wait in order; safe for threads."""

    def __init__(self, max_queue: int, stall_timeout: float) -> None:
        self._max_queue = max_queue
        self._stall_timeout = stall_timeout
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._running: _Job | None = None
        self._jobs: dict[int, _Job] = {}
        self._numbers = itertools.count(1)
        self._last_sign = time.monotonic()
        self._turn_seconds = FIRST_TURN_SECONDS

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return len(self._waiting)

    def take(self, event: Mapping[str, Any]) -> None:
        """Deliver one event of the child; called by the thread that reads from it."""
        with self._changed:
            self._last_sign = time.monotonic()
            job = self._jobs.get(event.get("id", 0))
            # The turn ends when the child is done, not when a slow reader has read everything.
            if job is not None and job is self._running and event["event"] in {"done", "error"}:
                self._end_running(job)
        if job is not None:
            job.mail.put(event)

    def gone(self, reason: str, hint: str) -> None:
        """Tell every request that the child has ended."""
        with self._changed:
            self._running = None
            jobs = list(self._jobs.values())
            self._changed.notify_all()
        for job in jobs:
            job.mail.put({"event": "gone", "reason": reason, "hint": hint})

    def warm(self, child: Child, request: Mapping[str, Any]) -> None:
        """Let the child read a prompt's fixed part; requests that follow wait for it in the child."""
        child.send({**request, "id": next(self._numbers)})

    def count(self, child: Child, texts: Sequence[str]) -> list[int]:
        """Return the texts' lengths in tokens; works beside a running request."""
        job = self._new_job()
        try:
            self._send(child, {"op": "count", "id": job.number, "texts": list(texts)})
            event = job.mail.get(timeout=self._stall_timeout)
        except queue.Empty as error:
            raise _silent() from error
        finally:
            self._forget(job)
        if event["event"] != "counts":
            raise _unavailable(event)
        return [int(count) for count in event["counts"]]

    def generate(
        self, ready_child: Callable[[], Child], request: Mapping[str, Any], cancelled: Callable[[], bool]
    ) -> Iterator[str | Queued | Draft]:
        """Wait for a turn, then yield what the child writes; see `LlamaProcess.generate`."""
        ready_child()
        job, child = self._new_job(), None
        try:
            if not (yield from self._wait_for_turn(job, cancelled)):
                yield Draft("", FinishReason.CANCELLED, 0, 0)
                return
            child = ready_child()
            self._send(child, {**request, "id": job.number})
            yield from self._relay(child, job, cancelled)
        finally:
            self._end_turn(child, job)

    def _wait_for_turn(self, job: _Job, cancelled: Callable[[], bool]) -> Generator[Queued, None, bool]:
        """Yield the place at first and when it changes; return whether the job's turn came, before it was cancelled."""
        self._line_up(job)
        told = None
        try:
            while not cancelled():
                with self._changed:
                    if self._running is None and self._waiting[0] is job:
                        self._running = job
                        job.started = job.turn_began = time.monotonic()
                        return True
                    queued = self._queued(job)
                    is_news = told is None or queued.place != told.place
                    if not is_news:
                        self._changed.wait(POLL_SECONDS)
                if is_news:
                    told = queued
                    yield queued
            return False
        finally:
            with self._changed:
                self._waiting.remove(job)
                self._changed.notify_all()

    def _line_up(self, job: _Job) -> None:
        with self._changed:
            busy = self._running is not None or bool(self._waiting)
            if busy and len(self._waiting) >= self._max_queue:
                raise GeneratorUnavailable(
                    "The generator is busy, and its waiting list is full.", hint="Try again in a minute."
                )
            self._waiting.append(job)

    def _queued(self, job: _Job) -> Queued:
        """Return where the job stands and about how long it waits; needs the lock."""
        before = self._waiting.index(job)
        left = 0.0
        if self._running is not None:
            left = max(self._turn_seconds - (time.monotonic() - self._running.turn_began), LEAST_LEFT_SECONDS)
        return Queued(before + 1, left + before * self._turn_seconds)

    def _end_running(self, job: _Job) -> None:
        """End the job's turn and remember how long it was; needs the lock."""
        self._turn_seconds += LATEST_WEIGHT * (time.monotonic() - job.turn_began - self._turn_seconds)
        self._running = None
        self._changed.notify_all()

    def _end_turn(self, child: Child | None, job: _Job) -> None:
        """Make sure that the child no longer works on ``job``, then forget it."""
        with self._changed:
            unfinished = self._running is job
        if unfinished and child is not None and child.send({"op": "cancel", "id": job.number}):
            with self._changed:
                obeyed = self._changed.wait_for(lambda: self._running is not job, CANCEL_SECONDS)
            if not obeyed:
                child.kill("it did not stop when it was told to")
        with self._changed:
            if self._running is job:
                self._end_running(job)
        self._forget(job)

    def _relay(self, child: Child, job: _Job, cancelled: Callable[[], bool]) -> Iterator[str | Draft]:
        pieces: list[str] = []
        stopping = False
        while True:
            if not stopping and cancelled():
                stopping = True
                job.started = time.monotonic()
                child.send({"op": "cancel", "id": job.number})
            try:
                event = job.mail.get(timeout=POLL_SECONDS)
            except queue.Empty:
                self._check_alive(child, job, CANCEL_SECONDS if stopping else self._stall_timeout)
                continue
            if event["event"] == "text":
                pieces.append(event["text"])
                yield event["text"]
            elif event["event"] == "done":
                yield _draft("".join(pieces), event)
                return
            elif event["event"] != "alive":
                raise _unavailable(event)

    def _check_alive(self, child: Child, job: _Job, patience: float) -> None:
        with self._changed:
            silent = time.monotonic() - max(self._last_sign, job.started)
        if silent > patience:
            # Its end is noticed by the supervisor, which starts another one.
            child.kill("it fell silent")
            raise _silent()

    def _new_job(self) -> _Job:
        job = _Job(next(self._numbers))
        with self._changed:
            self._jobs[job.number] = job
        return job

    def _forget(self, job: _Job) -> None:
        with self._changed:
            self._jobs.pop(job.number, None)

    @staticmethod
    def _send(child: Child, request: Mapping[str, Any]) -> None:
        if not child.send(request):
            raise GeneratorUnavailable("The generator has just ended.", hint="Ask again; it starts by itself.")


def _draft(text: str, done: Mapping[str, Any]) -> Draft:
    finish = FinishReason(done["finish"])
    return Draft(text, finish, done["prompt_tokens"], done["completion_tokens"], done["reused_tokens"])


def _silent() -> GeneratorUnavailable:
    return GeneratorUnavailable("The generator fell silent and is started again.", hint="Ask again in a minute.")


def _unavailable(event: Mapping[str, Any]) -> GeneratorUnavailable:
    hint = event.get("hint") or ("Ask a shorter question." if event.get("kind") == "long" else "Ask again.")
    return GeneratorUnavailable(str(event.get("reason", "The generator could not answer.")), hint=str(hint))
