"""The threads that work on questions: only so many at once, and nobody waits for one without knowing."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

PLACES = 16
"""Questions worked on at once. The generator takes one at a time and lets a few wait; the others only search."""

FIRST_SECONDS = 5.0
"""How long a question is taken to last before there was one: between quotes (1 s) and a model's answer (11 s)."""

LATEST_WEIGHT = 0.1
"""Weight of the latest question in the running average of how long one takes."""


class Workers:
    """Runs work in threads of its own; safe for threads."""

    def __init__(self, places: int = PLACES) -> None:
        self._pool = ThreadPoolExecutor(places, thread_name_prefix="ask")
        self._lock = threading.Lock()
        self._free = places
        self._usual_seconds = FIRST_SECONDS

    def start(self, work: Callable[[], None]) -> bool:
        """Begin ``work`` at once; return false, and do nothing, when all places are taken."""
        with self._lock:
            if not self._free:
                return False
            self._free -= 1
        self._pool.submit(self._run, work)
        return True

    @property
    def retry_seconds(self) -> int:
        """After how many whole seconds a place is likely to be free: what one question takes, at least 1."""
        return max(1, math.ceil(self._usual_seconds))

    def close(self) -> None:
        """Take nothing more; what is being worked on goes on to its end."""
        self._pool.shutdown(wait=False)

    def _run(self, work: Callable[[], None]) -> None:
        began = time.monotonic()
        try:
            work()
        finally:
            with self._lock:
                self._free += 1
                self._usual_seconds += LATEST_WEIGHT * (time.monotonic() - began - self._usual_seconds)
