"""The number of writing threads follows what the machine gives, on a machine that is made up here.

That the real model writes the same with any number is tested, too. How fast the real one is with a core kept busy is
measured by ``benchmarks/answer.py --hog``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import pytest

from spreadguide.adapters.llama_engine import Engine, EngineOptions
from spreadguide.adapters.llama_threads import MOST_PATIENCE, TRIED, WATCHED, WritingThreads, idle_seconds


class Machine:
    """Cores of which some are busy, and a clock that stands still unless a token is written."""

    def __init__(self, cores: int) -> None:
        self.cores = cores
        self.busy = 0
        self.now = self.idle = 0.0
        self.choice = WritingThreads(cores, lambda: self.idle)
        self.slow = 1.0

    def seconds(self, threads: int) -> float:
        """Return what a token takes: a thread on a core that another program uses makes all wait."""
        alone = 0.1 * self.slow * self.cores / threads
        return alone if threads + self.busy <= self.cores else 5 * alone

    def write(self, tokens: int) -> list[int]:
        """Write, and return how many threads each token got."""
        counts = []
        for _ in range(tokens):
            counts.append(self.choice.count)
            began, took = self.now, self.seconds(counts[-1])
            self.now += took
            self.idle += took * max(0, self.cores - self.busy - counts[-1])
            self.choice.took(began, self.now)
        return counts


def settled(machine: Machine) -> int:
    """Return how many threads are taken after a while, trials aside."""
    counts = machine.write(20 * (WATCHED + TRIED))[-3 * (WATCHED + TRIED) :]
    return max(set(counts), key=counts.count)


@pytest.mark.parametrize("cores", [2, 4, 8])
def test_all_cores_write_where_all_are_free(cores: int) -> None:
    assert settled(Machine(cores)) == cores


@pytest.mark.parametrize("cores", [2, 4, 8])
def test_a_busy_core_is_left_alone_and_taken_back(cores: int) -> None:
    machine = Machine(cores)
    settled(machine)
    machine.busy = 1
    assert settled(machine) == cores - 1
    machine.busy = 0
    assert settled(machine) == cores


def test_a_core_that_is_busy_from_the_start_is_found() -> None:
    machine = Machine(2)
    machine.busy = 1
    assert settled(machine) == 1


def test_two_busy_cores_of_four_are_left_alone() -> None:
    machine = Machine(4)
    settled(machine)
    machine.busy = 2
    assert settled(machine) == 2


def test_within_two_watches_of_a_core_becoming_busy_fewer_threads_write() -> None:
    machine = Machine(2)
    settled(machine)
    machine.busy = 1
    assert machine.write(2 * WATCHED + TRIED + 1)[-1] == 1


def test_a_quiet_machine_is_tried_once_only() -> None:
    machine = Machine(2)
    counts = machine.write(400)
    assert len(counts) - counts.count(2) == TRIED
    for machine.slow in (1.3, 0.9, 1.2, 1.7):
        assert 1 not in machine.write(100)


def test_more_threads_that_are_no_faster_are_tried_ever_less_often() -> None:
    machine = Machine(2)
    machine.busy = 1
    settled(machine)
    # As where a container may use one core only, and the machine has others that are idle.
    machine.choice = WritingThreads(2, lambda: 10 * machine.now)
    machine.write(30 * (WATCHED + TRIED))
    tokens = 2 * MOST_PATIENCE * WATCHED
    assert machine.write(tokens).count(2) <= 4 * TRIED


def test_a_pause_is_no_idle_core() -> None:
    machine = Machine(2)
    machine.busy = 1
    assert settled(machine) == 1
    for _ in range(10):
        machine.write(WATCHED - 1)
        machine.idle += 100
        machine.now += 50
        machine.choice.pause()
    assert 2 not in machine.write(WATCHED)


def test_one_core_has_no_choice() -> None:
    assert set(Machine(1).write(50)) == {1}


def test_the_idle_time_of_this_machine_does_not_run_backwards() -> None:
    before = idle_seconds()
    assert 0 < before <= idle_seconds()


class Told:
    """Threads by a list, over and over."""

    def __init__(self, counts: list[int]) -> None:
        self.counts: Iterator[int] = cycle(counts)

    @property
    def count(self) -> int:
        return next(self.counts)

    def took(self, began: float, ended: float) -> None:
        assert began < ended

    def pause(self) -> None:
        """There is nothing to forget."""


@pytest.mark.llm
def test_the_model_writes_the_same_with_threads_that_come_and_go(smollm, monkeypatch):
    options = EngineOptions(str(smollm), "chatml", 1024, 128, 2, 0.0, 1.0, 1)
    written = set()
    for told in (Told([2]), Told([1]), Told([2, 2, 1])):
        monkeypatch.setattr("spreadguide.adapters.llama_engine.WritingThreads", lambda _, told=told: told)
        engine = Engine(options, lambda: False)
        engine.evaluate(engine.render([("user", "Tell a story about a ship and a storm.")]))
        written.add(b"".join(engine.generate(60)))
    assert len(written) == 1
    assert len(written.pop()) > 100
