"""Leaves a service alone for a while after it failed again and again, so that nobody waits for it in vain.

The breakers on the package index read the wall clock, count a cancelled call as a failure, or let every waiting call
through at once when the rest is over. None can be given a clock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """Closed while all is well, open after ``failures`` in a row; safe for threads.

    After ``rest`` seconds one call may try; its success closes the breaker, its failure opens it again.
    Each call that `admit` lets through must end with one of `succeeded`, `failed` and `gave_up`.
    """

    def __init__(self, failures: int, rest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = failures
        self._rest = rest
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._until = clock()
        self._trying = False

    @property
    def seconds_left(self) -> float:
        """How long calls are still refused; 0 when one may go through."""
        return max(0.0, self._until - self._clock())

    def admit(self) -> bool:
        """Return whether a call may go ahead."""
        with self._lock:
            if self._until > self._clock() or self._trying:
                return False
            self._trying = self._failures >= self._most
            return True

    def succeeded(self) -> None:
        """The call went well."""
        with self._lock:
            self._failures = 0
            self._trying = False

    def failed(self, rest: float = 0.0) -> None:
        """The service failed, and may have asked for ``rest`` seconds; one failure too many opens the breaker."""
        with self._lock:
            self._failures += 1
            self._trying = False
            if self._failures >= self._most:
                rest = max(rest, self._rest)
            self._until = max(self._until, self._clock() + rest)

    def gave_up(self, rest: float = 0.0) -> None:
        """The call ended in a way that says nothing about the service; it may have asked for ``rest`` seconds."""
        with self._lock:
            self._trying = False
            self._until = max(self._until, self._clock() + rest)
