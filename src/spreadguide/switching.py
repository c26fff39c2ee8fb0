"""Something that is opened, lent out, and replaced while it is in use: the index of a running server."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Generic, Protocol, TypeVar

from spreadguide.errors import SpreadGuideError

log = logging.getLogger(__name__)


class Closable(Protocol):
    """What can be lent out."""

    def close(self) -> None:
        """Let go of it; it is of no use afterwards."""


T = TypeVar("T", bound=Closable)


RETRY_SECONDS = 30.0
"""How long after a failure the same version is tried again: a machine short of memory or files may have recovered."""


def _said(error: SpreadGuideError | OSError) -> tuple[object, ...]:
    return (error.message, error.hint) if isinstance(error, SpreadGuideError) else (error,)


@dataclass(slots=True)
class _Held(Generic[T]):
    """One version, and how many are using it."""

    value: T
    users: int = 0
    retired: bool = False


class Switching(Generic[T]):
    """Lends out the current version; a newer one is opened in the background, the old one closed after its last use.

    Nobody waits for the newer one: until it is open, and where it cannot be opened, the old one goes on.
    """

    def __init__(self, opener: Callable[[], T], stamp: Callable[[], Hashable]) -> None:
        """Open the first version; ``stamp`` tells cheaply which version there is now, and changes with it."""
        self._opener = opener
        self._stamp = stamp
        self._seen = stamp()
        self._lock = Lock()
        self._held = _Held(opener())
        self._opening: Thread | None = None
        self._failed: float | None = None
        self._closed = False

    @contextmanager
    def lease(self) -> Iterator[T]:
        """Lend the current version until the block ends."""
        self._look()
        with self._lock:
            held = self._held
            held.users += 1
        try:
            yield held.value
        finally:
            with self._lock:
                held.users -= 1
                last = held.retired and not held.users
            if last:
                held.value.close()

    def settle(self) -> None:
        """Wait until a version that is being opened has taken its place."""
        opening = self._opening
        if opening is not None:
            opening.join()

    def close(self) -> None:
        """Close the current version as soon as nobody uses it; closing again does nothing."""
        with self._lock:
            already, self._closed = self._closed, True
        self.settle()
        if not already:
            self._retire(self._held)

    def _look(self) -> None:
        stamp = self._stamp()
        with self._lock:
            busy = self._closed or (self._opening is not None and self._opening.is_alive())
            again = self._failed is not None and time.monotonic() - self._failed > RETRY_SECONDS
            if busy or (stamp == self._seen and not again):
                return
            self._seen = stamp
            self._failed = None
            self._opening = Thread(target=self._switch, name="open the new index", daemon=True)
            self._opening.start()

    def _switch(self) -> None:
        try:
            fresh = _Held(self._opener())
        except (SpreadGuideError, OSError) as error:
            log.warning("the new index cannot be used, and the old one stays: %s", " ".join(map(str, _said(error))))
            self._failed = time.monotonic()
            return
        with self._lock:
            retired = fresh if self._closed else self._held
            self._held = self._held if self._closed else fresh
        self._retire(retired)

    def _retire(self, held: _Held[T]) -> None:
        with self._lock:
            held.retired = True
            idle = not held.users
        if idle:
            held.value.close()
