"""Finds the settings with which a model runs best on this machine, by measuring; `llama_tuned` keeps what it found.

Each change is measured against the settings so far in turn (old, new, new, old …), so that a machine that becomes
slower or faster meanwhile favours neither. Nothing here is random, but machines are: a change must win clearly.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from spreadguide.adapters.llama_child import Child
from spreadguide.adapters.llama_engine import EngineOptions
from spreadguide.adapters.llama_settings import WAITING, LlamaSettings
from spreadguide.adapters.llama_tuned import Calibration, Trial, Tuned, start_settings
from spreadguide.errors import GeneratorUnavailable

LEAST_GAIN = 0.05
"""Share of an answer's time that a change must save to be taken: the noise of one core pair here is 3 to 4%."""

MOST_LOSS_BUSY = 0.1
"""Share by which a change to threads may make answers slower while another process keeps a core busy."""

FIRST_PAIRS = 2
"""After so many pairs a change that does not look good is given up."""

HOPELESS_LOSS = 0.15
"""A change that loses as much as this in a pair is given up at once."""

ALL_PAIRS = 4
"""Pairs measured of a change that looks good."""

MOST_SECONDS = 90.0
"""After so long no other change is begun."""

READ_TOKENS, WRITE_TOKENS = 64, 8
"""Tokens read and written for one measurement: two seconds with the default model on two cores."""

LONG_READ_TOKENS = 320
"""Tokens read where the size of a batch is what is looked at: more than one batch as it is."""

ANSWER_READS, ANSWER_WRITES = 308, 60
"""Tokens that a typical answer reads, after the fixed part, and writes: golden questions, docs/quality-card.md."""

Measure = Callable[[Tuned, int, int], tuple[float, float]]
"""Settings, tokens to read and tokens to write → the seconds that a token read and a token written took."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to try: in plain words, what it sets, and whether it may do harm on a busy machine."""

    name: str
    sets: dict[str, Any]
    crowded: bool = False
    read: int = READ_TOKENS


def changes(start: Tuned, logical: int) -> Iterator[Change]:
    """Yield what is tried, most promising first; ``logical`` counts the threads that the processors run at once."""
    yield Change("threads that wait sleep at once", {"waiting": "sleep"}, crowded=True)
    counts = sorted({max(1, start.threads - 1), max(start.threads, logical)} - {start.threads})
    for count in counts:
        yield Change(f"{_threads(count)} for writing", {"threads": count}, crowded=True)
        yield Change(f"{_threads(count)} for reading", {"threads_batch": count}, crowded=True)
    yield Change("no flash attention", {"flash": "off"})
    yield Change("memory of the context in 8 bits", {"flash": "on", "cache_type": "q8_0"})
    yield Change(f"{2 * start.batch} tokens read in one go", {"batch": 2 * start.batch}, read=LONG_READ_TOKENS)


def calibrate(
    measure: Measure, tried: Sequence[Change], say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
) -> Calibration:
    """Try each change on top of those taken before it; ``say`` is told what is being tried.

    Raises `GeneratorUnavailable` when the model does not run at all.
    """
    began = clock()
    current = start_settings()
    rates = measure(current, READ_TOKENS, WRITE_TOKENS)
    trials: list[Trial] = []
    for change in tried:
        candidate = current.model_copy(update=change.sets)
        if clock() - began > MOST_SECONDS:
            trials.append(_left_out(change, "There was no time left for it."))
            continue
        say(change.name)
        try:
            trial = _try(measure, current, candidate, change)
        except GeneratorUnavailable:
            trials.append(_left_out(change, "The model does not run with it."))
            continue
        trials.append(trial)
        current = candidate if trial.taken else current
    if any(trial.taken for trial in trials):
        rates = measure(current, READ_TOKENS, WRITE_TOKENS)
    read, write = (round(1 / seconds, 2) for seconds in rates)
    return Calibration(
        chosen=current,
        trials=tuple(trials),
        prompt_rate=read,
        writing_rate=write,
        seconds=round(clock() - began, 1),
    )


def _try(measure: Measure, current: Tuned, candidate: Tuned, change: Change) -> Trial:
    gains = _gains(measure, current, candidate, change, FIRST_PAIRS)
    if median(gains) >= LEAST_GAIN:
        gains += _gains(measure, current, candidate, change, ALL_PAIRS - FIRST_PAIRS)
    gain, busy = median(gains), None
    taken, why = gain >= LEAST_GAIN, f"It saves less than {LEAST_GAIN:.0%} of an answer's time."
    if taken:
        why = "It saves time."
        if change.crowded:
            with one_core_busy():
                busy = median(_gains(measure, current, candidate, change, FIRST_PAIRS))
            if busy < -MOST_LOSS_BUSY:
                taken, why = False, "It makes answers slower while another program is busy."
    return Trial(
        change=change.name,
        gain=round(gain, 3),
        busy=None if busy is None else round(busy, 3),
        pairs=len(gains),
        taken=taken,
        why=why,
    )


def _gains(measure: Measure, current: Tuned, candidate: Tuned, change: Change, pairs: int) -> list[float]:
    """Return the share of an answer's time that ``candidate`` saves, for each pair; the first of a pair changes."""
    found = []
    for number in range(pairs):
        order = (current, candidate) if number % 2 == 0 else (candidate, current)
        took = [_answer_seconds(measure(one, change.read, WRITE_TOKENS)) for one in order]
        old, new = took if number % 2 == 0 else reversed(took)
        found.append(1 - new / old)
        if found[-1] < -HOPELESS_LOSS:
            break
    return found


def _answer_seconds(rates: tuple[float, float]) -> float:
    return ANSWER_READS * rates[0] + ANSWER_WRITES * rates[1]


def _left_out(change: Change, why: str) -> Trial:
    return Trial(change=change.name, gain=None, busy=None, pairs=0, taken=False, why=why)


def _threads(count: int) -> str:
    return f"{count} thread{'' if count == 1 else 's'}"


@contextmanager
def one_core_busy() -> Iterator[None]:
    """Run a process beside the block that computes all the time."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


class TrialProcess:
    """Measures in a child process; another one is started when threads shall wait in another way."""

    def __init__(self, model: Path, context: int) -> None:
        """Prepare; nothing is started before the first measurement."""
        plain = LlamaSettings()
        self._options = EngineOptions(
            str(model), "chatml", context, plain.batch, 1, plain.temperature, plain.repeat_penalty, plain.seed
        )
        self._child: Child | None = None
        self._events: Iterator[dict[str, Any]] = iter(())
        self._waiting = ""

    def measure(self, settings: Tuned, read: int, write: int) -> tuple[float, float]:
        """Return the seconds per token read and per token written; raises `GeneratorUnavailable`."""
        if self._child is None or self._waiting != settings.waiting:
            self._start(settings.waiting)
            # The first use of a model that was just loaded is slower, which is no fault of the settings.
            self._measured(settings, READ_TOKENS, WRITE_TOKENS)
        return self._measured(settings, read, write)

    def _measured(self, settings: Tuned, read: int, write: int) -> tuple[float, float]:
        options = settings.model_dump(exclude={"waiting"})
        if self._child is not None:
            self._child.send({"read": read, "write": write, **options})
        event = self._next("measured")
        return float(event["prompt"]), float(event["writing"])

    def close(self) -> None:
        """End the child; safe to call twice."""
        if self._child is not None:
            self._child.stop()
            self._child.release()
            self._child = None

    def _start(self, waiting: str) -> None:
        self.close()
        command = [sys.executable, "-P", "-m", "spreadguide.adapters.llama_trial", json.dumps(asdict(self._options))]
        self._child = Child(command, {**os.environ, **WAITING[waiting]})
        self._waiting = waiting
        self._events = self._child.events()
        self._next("ready")

    def _next(self, wanted: str) -> dict[str, Any]:
        event = next(self._events, {})
        if event.get("event") == wanted:
            return event
        self.close()
        reason = str(event.get("reason", "The model's process ended while it was measured."))
        raise GeneratorUnavailable(reason, hint="Run `spreadguide doctor`.")
