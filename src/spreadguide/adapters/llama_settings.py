"""How the local generator is run, where it can stand, and what each failure means in plain words."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil
from platformdirs import user_cache_path

POLITE_THREADS = {"OMP_WAIT_POLICY": "passive"}
"""OpenMP threads that wait sleep. Spinning as long as libgomp does by itself, they fall to a tenth of the speed as soon
as other processes are busy (1.5B model, 2 cores, load 5: 5.3 tokens a second against 1.0). On a quiet machine sleeping
costs a tenth at most."""

BRIEF_SPINS = "10000"
"""Turns that a waiting thread spins before it sleeps, about half a millisecond: longer than the threads of one
computation mostly wait for each other, and shorter than the turn that the system gives to another process. Against
sleeping at once it saved 6% of an answer's time on a quiet machine, and cost 3% with one core of two busy (`tune`);
twice as many turns saved 9% and cost 21%."""

WAITING = {"sleep": POLITE_THREADS, "brief": {"GOMP_SPINCOUNT": BRIEF_SPINS}}
"""How threads wait for each other, by name: what the worker's environment must say before it starts. Threads that spin
without end are no choice: they keep a core busy for minutes after the last answer."""

FLASH = {"auto": -1, "off": 0, "on": 1}
"""llama.h's ``llama_flash_attn_type`` by name."""

CACHE_TYPES = {"f16": 1, "q8_0": 8}
"""ggml.h's types in which a context's memory can be kept, by name."""

FIRST_RESTART_WAIT_SECONDS = 1.0
"""Wait before a model that crashed twice in a row is started again; it doubles with each further crash. After the first
one it is started at once."""

LONGEST_RESTART_WAIT_SECONDS = 30.0
"""The doubling ends here: a model that crashes on every load then takes a processor for a small part of the time only
(the default one is loaded in some 4 seconds), and one that can be loaded again is back soon."""

STEADY_SECONDS = 20.0
"""A model that was ready for so long ran well (about two answers of the default model): its next crash counts as the
first."""

MANY_CRASHES = 4
"""After so many crashes in a row, people are told to look for the cause."""


class GeneratorStatus(StrEnum):
    """Where the generator stands."""

    MISSING = "missing"
    LOADING = "loading"
    READY = "ready"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class GeneratorState:
    """Status, and in plain words why; ``reason`` is empty while all is well."""

    status: GeneratorStatus
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class LlamaSettings:
    """How the model is run; times in seconds.

    ``context`` is the room for prompt and answer together and ``batch`` the prompt tokens evaluated in one go, both in
    tokens. ``threads`` 0 means one per physical core this process may use, and ``threads_batch``, for reading prompts,
    0 as many as that. ``flash``, ``cache_type`` and ``waiting`` are names of `FLASH`, `CACHE_TYPES` and `WAITING`.
    ``repeat_penalty`` 1 is off: penalties spoil verbatim quotes and numbers, and loops are stopped anyway. At most
    ``max_queue`` requests wait. A load may take ``start_timeout``, and a request may be silent for ``stall_timeout``.
    A model that crashed is started again: at once, then after ``restart_wait``, which doubles up to
    ``longest_restart_wait``, until it has been ready for ``steady``. ``kept`` is the folder in which the memory of a
    prompt's fixed part is kept between starts.
    """

    context: int = 4096
    batch: int = 256
    threads: int = 0
    threads_batch: int = 0
    flash: str = "auto"
    cache_type: str = "f16"
    waiting: str = "brief"
    temperature: float = 0.0
    repeat_penalty: float = 1.0
    seed: int = 1
    max_queue: int = 4
    start_timeout: float = 180.0
    stall_timeout: float = 30.0
    restart_wait: float = FIRST_RESTART_WAIT_SECONDS
    longest_restart_wait: float = LONGEST_RESTART_WAIT_SECONDS
    steady: float = STEADY_SECONDS
    kept: Path | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a child could not start or has ended; kinds as in `EngineError`, and ``crash``."""

    kind: str
    reason: str

    def state(self, reason: str = "", hint: str = "") -> GeneratorState:
        """Return the state to show, with ``reason`` and ``hint`` in place of our own."""
        status = GeneratorStatus.MISSING if self.kind in {"engine", "missing"} else GeneratorStatus.CRASHED
        return GeneratorState(status, reason or self.reason, hint or _HINTS.get(self.kind, ""))


_HINTS = {
    "engine": "Run `pip install 'spreadguide[llama]'`, or `make run` in a checkout. Until then, answers are quotes.",
    "missing": "Run `spreadguide models pull`. Until then, answers are quotes.",
    "corrupt": "Run `spreadguide models verify`, then `spreadguide models pull`.",
    "memory": "Close other programs, or choose a smaller model. Until then, answers are quotes.",
    "crash": "Run `spreadguide doctor`. Until it is back, answers are quotes.",
}


def engine_dir() -> Path:
    """Return the folder of what was worked out once for this machine: ``spreadguide/engine`` in the user's cache."""
    return user_cache_path("spreadguide", appauthor=False) / "engine"


def usable_cores() -> int:
    """Return how many physical cores this process may use: hyper-threads do not help llama.cpp."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = min(allowed, psutil.cpu_count(logical=False) or allowed)
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return cores
    return max(1, min(cores, round(int(quota) / int(period)))) if quota.isdigit() else cores
