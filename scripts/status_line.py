"""One line of progress for the set-up scripts: redrawn on a terminal, printed now and then elsewhere."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType

PRINT_EVERY_SECONDS = 30.0
"""How often a log that is no terminal gets a line."""

REDRAW_SECONDS = 0.5


class StatusLine:
    """Shows what a long step is doing and for how long; use it as a context manager."""

    def __init__(self, step: str) -> None:
        self._step = step
        self._detail = ""
        self._began = time.monotonic()
        self._printed = self._began
        self._terminal = sys.stdout.isatty()
        self._done = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> StatusLine:
        if not self._terminal:
            print(f"{self._step} …", flush=True)
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._ticker.join()
        if self._terminal:
            print("\r\033[K", end="")
        if kind is None:
            print(f"{self._step}: done in {self._elapsed()}.", flush=True)

    def show(self, detail: str) -> None:
        """Say what is being done right now."""
        self._detail = detail

    def _elapsed(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

    def _tick(self) -> None:
        while not self._done.wait(REDRAW_SECONDS):
            line = f"{self._step}: {self._detail or 'working'} ({self._elapsed()})"
            if self._terminal:
                print(f"\r\033[K{line[: shutil.get_terminal_size().columns - 1]}", end="", flush=True)
            elif time.monotonic() - self._printed >= PRINT_EVERY_SECONDS:
                self._printed = time.monotonic()
                print(line, flush=True)
