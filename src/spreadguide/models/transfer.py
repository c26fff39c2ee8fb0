"""What every way of fetching a file shares: reporting, joining with a hash, and how a source fails."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from spreadguide.protocols import Progress

CHUNK = 1 << 20
"""Bytes read or written at a time."""


class SourceFailed(Exception):
    """One source of a model's file failed, for the reason given in plain words. Never leaves this package."""

    def __init__(self, reason: str, *, wrong_bytes: bool = False) -> None:
        super().__init__(reason)
        self.wrong_bytes = wrong_bytes
        """Whether the source delivered a whole file that is not the model."""


class Meter:
    """Turns positions in a file into the steps forward that a `Progress` wants."""

    def __init__(self, progress: Progress | None, step: str, total: int) -> None:
        self._progress = progress
        self._step = step
        self._total = total
        self._reported = 0

    def reach(self, position: int) -> None:
        """Say that ``position`` bytes of the total are there; going back or past the end is not reported."""
        position = min(position, self._total)
        if self._progress is not None and position > self._reported:
            self._progress(self._step, self._total, position - self._reported)
            self._reported = position


def hash_file(path: Path, meter: Meter) -> str:
    """Return the SHA-256 of ``path`` in hexadecimal."""
    digest = hashlib.sha256()
    position = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            position += len(chunk)
            meter.reach(position)
    return digest.hexdigest()


def join(parts: Sequence[Path], target: Path, meter: Meter) -> str:
    """Write ``parts`` one after the other into ``target`` and return the SHA-256 of the whole."""
    digest = hashlib.sha256()
    position = 0
    with target.open("wb") as out:
        for part in parts:
            with part.open("rb") as file:
                while chunk := file.read(CHUNK):
                    out.write(chunk)
                    digest.update(chunk)
                    position += len(chunk)
                    meter.reach(position)
    return digest.hexdigest()


def size_of(path: Path) -> int:
    """Return the size of ``path`` in bytes, 0 when there is no such file."""
    return path.stat().st_size if path.exists() else 0


def in_words(count: int) -> str:
    """Return a number of bytes as people write it: ``1.1 GB``, ``98 MB``, ``12 bytes``."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count:,} bytes"
