"""The memory of a prompt's fixed part, kept on disk from one start to the next.

What llama.cpp is given must be exactly what llama.cpp wrote: it trusts such bytes. So files lie in a folder of the
user's own, each with its key and its hash in front, and anything that differs is removed and worked out anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from blake3 import blake3

from spreadguide.durable import put_in_place

log = logging.getLogger(__name__)

MOST_FILES = 4
"""Files kept at most, the last used ones: a model, another one being tried, and room for a changed prompt."""

MOST_BYTES = 256 * 2**20
"""Largest file: a token of the fixed part takes 28 KB with the default model, 250 KB with one of 30 billion weights."""

ABANDONED_SECONDS = 3600.0
"""After so long, a half-written file belongs to a process that was killed."""

_SUFFIX = ".kept"
_HALF = ".half"
_HEADER_BYTES = 4096
"""The header's length: a JSON object, filled up with spaces."""


def file_stamp(path: Path) -> str:
    """Return what changes when the file at ``path`` is replaced or written to, without reading it.

    The time of change (ctime) cannot be set by hand, unlike the time of modification. Raises `OSError`.
    """
    facts = path.stat()
    return f"{path.resolve()}:{facts.st_ino}:{facts.st_size}:{facts.st_mtime_ns}:{facts.st_ctime_ns}"


class KeptStates:
    """A folder of states. Every failure is a state that is not there: the worker then reads the prompt itself."""

    def __init__(self, folder: Path, key: Mapping[str, object]) -> None:
        """``key`` names everything that the state depends on; it must hold what JSON can."""
        self._folder = folder
        self._key = json.dumps(key, sort_keys=True)
        self._name = hashlib.sha256(self._key.encode()).hexdigest()[:32] + _SUFFIX

    def load(self) -> bytes | None:
        """Return the state that was saved under the key, or ``None``; a file that is not right is removed."""
        path = self._folder / self._name
        try:
            content = _read_own(path)
            state = None if content is None else self._checked(content)
            if state is None:
                self.forget()
            else:
                os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("the kept state cannot be read: %s", error.strerror)
            return None
        return state

    def save(self, state: bytes) -> bool:
        """Keep ``state`` under the key; return whether it is on disk. Two processes may do so at once."""
        header = json.dumps({"key": self._key, "blake3": blake3(state).hexdigest(), "bytes": len(state)}).encode()
        if len(header) > _HEADER_BYTES or len(state) > MOST_BYTES:
            return False
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_private(self._folder.stat()):
                self._folder.chmod(0o700)
            # Made readable by its owner alone.
            descriptor, half = tempfile.mkstemp(_HALF, dir=self._folder)
            with os.fdopen(descriptor, "wb") as file:
                file.write(header.ljust(_HEADER_BYTES))
                file.write(state)
            put_in_place(Path(half), self._folder / self._name)
            self._tidy()
        except OSError as error:
            log.warning("the state cannot be kept: %s", error.strerror)
            return False
        return True

    def forget(self) -> None:
        """Remove what is kept under the key."""
        (self._folder / self._name).unlink(missing_ok=True)

    def _checked(self, content: bytes) -> bytes | None:
        """Return the state in a file's bytes, or ``None`` where header, size, key or hash are not right."""
        state = content[_HEADER_BYTES:]
        try:
            header = json.loads(content[:_HEADER_BYTES])
        except ValueError:
            return None
        right = {"key": self._key, "blake3": blake3(state).hexdigest(), "bytes": len(state)}
        return state if header == right else None

    def _tidy(self) -> None:
        """Remove the files used longest ago, and those that were never finished."""
        used: list[tuple[float, Path]] = []
        for path in self._folder.iterdir():
            try:
                changed = path.stat(follow_symlinks=False).st_mtime
            except FileNotFoundError:
                continue  # Another process is tidying up, too.
            if path.suffix == _SUFFIX:
                used.append((changed, path))
            elif path.suffix == _HALF and time.time() - changed > ABANDONED_SECONDS:
                path.unlink(missing_ok=True)
        for _, path in sorted(used, reverse=True)[MOST_FILES:]:
            path.unlink(missing_ok=True)


def _read_own(path: Path) -> bytes | None:
    """Return the bytes of a file that only this user can have written, or ``None``; raises `OSError`."""
    if not _is_private(path.parent.stat()):
        return None
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not _is_private(facts) or facts.st_size > MOST_BYTES + _HEADER_BYTES:
            return None
        return file.read(MOST_BYTES + _HEADER_BYTES)


def _is_private(facts: os.stat_result) -> bool:
    """Whether a file or folder belongs to this user and is closed to all others, where the system has such rights."""
    return os.name != "posix" or (facts.st_uid == os.geteuid() and not facts.st_mode & 0o077)
