"""How many threads write the next token: all of them, or fewer while other programs keep a core busy.

The threads of one computation wait for each other at every layer. Where one of them shares its core with another
program, all wait for it, and two threads become slower than one (1.5B model, two cores, one of them kept busy: 3
tokens a second in place of 15). So the writer watches its pace, tries a few tokens with one thread more or fewer when
there is reason to, and keeps what is faster. What is written does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import psutil

WATCHED = 8
"""Tokens whose median time is the pace."""

TRIED = 4
"""Tokens that are written with another number of threads, to see how fast it is; the first sets up, and is left out."""

SLOWER = 1.5
"""How many times slower the pace must have become since the last choice, at least, before fewer threads are tried. The
speed of a quiet machine goes up and down by a third. Besides, n - 1 threads cannot be faster before n have become
n / (n - 1) times slower: twice, for two."""

FASTER = 1.1
"""How many times faster another number of threads must be to be kept."""

FREE_CORES = 0.5
"""Cores that had nothing to do, on average since the last look, for one more thread to be tried."""

MOST_PATIENCE = 64
"""Watches that pass at most before more threads are tried again where they were not faster."""


def idle_seconds() -> float:
    """Return the seconds that all cores together have had nothing to do since the machine was started."""
    times = psutil.cpu_times()
    return float(times.idle + getattr(times, "iowait", 0.0))


class WritingThreads:
    """Chooses the number of threads for each token, from one to ``most``; not safe for threads.

    Ask `count`, write one token with so many threads, and tell `took` when that began and ended, in seconds of any
    steady clock; tell `pause` where the next token does not follow at once. ``idle`` is `idle_seconds` or its like.
    """

    def __init__(self, most: int, idle: Callable[[], float] = idle_seconds) -> None:
        self._most = most
        self._idle = idle
        self._kept = most
        self._tried: int | None = None
        self._times: list[float] = []
        self._pace: float | None = None
        """Best seconds per token since the present number was chosen."""
        self._watch: tuple[float, float] | None = None
        """When the watch began, and the idle seconds up to then; only where more threads could be taken."""
        self._next: list[int] = []
        """What else is to be tried before the present number is taken for the best."""
        self._patience = self._waited = 0

    @property
    def count(self) -> int:
        """Threads for the next token."""
        return self._kept if self._tried is None else self._tried

    def took(self, began: float, ended: float) -> None:
        """Take notice of one token."""
        if self._most == 1:
            return
        if self._watch is None and self._kept < self._most:
            self._watch = began, self._idle()
        self._times.append(ended - began)
        if self._tried is not None and len(self._times) == TRIED:
            self._decide(self._tried, median(self._times[1:]))
            self.pause()
        elif self._tried is None and len(self._times) == WATCHED:
            self._look(median(self._times), ended)
            self.pause()

    def pause(self) -> None:
        """Begin a new watch, or the trial again: what the clock says from now on is no time of writing."""
        self._times.clear()
        self._watch = None

    def _look(self, pace: float, now: float) -> None:
        """Start a trial where there is reason for one."""
        best = self._pace
        self._pace = pace if best is None else min(best, pace)
        if self._kept > 1 and (best is None or pace > best * max(SLOWER, self._kept / (self._kept - 1))):
            # One core is busy, or, where that does not help, several are.
            self._tried, *self._next = sorted({self._kept - 1, max(1, self._kept // 2)}, reverse=True)
            self._pace = pace
        elif self._free(now) >= FREE_CORES:
            self._waited += 1
            if self._waited > self._patience:
                self._tried, self._pace, self._waited = self._kept + 1, pace, 0

    def _free(self, now: float) -> float:
        """Return how many cores had nothing to do since the watch began; none where all threads write already."""
        if self._watch is None:
            return 0.0
        began, idle = self._watch
        return (self._idle() - idle) / max(now - began, 1e-9)

    def _decide(self, tried: int, pace: float) -> None:
        """End a trial: keep what is faster. Fewer threads must be clearly faster, more of them only as fast."""
        more, now = tried > self._kept, self._pace or pace
        if pace * (1.0 if more else FASTER) <= now:
            self._kept, self._pace, self._patience = tried, pace, 0
            self._next.clear()
        elif more:
            self._patience = min(MOST_PATIENCE, 2 * self._patience + 1)
        self._tried = self._next.pop(0) if self._next else None
