"""How an index becomes the live one: written beside the old one, then switched to in one step.

``<index>/<fingerprint>/`` holds the index, ``<index>/CURRENT`` names it, ``<index>/.lock`` keeps two builds apart. A
build that is killed leaves the live index as it was, and a folder ``building-…`` in which the next build finds the
vectors that were made already. The index before goes as soon as the new one is live: a report that was removed leaves
no trace. A server that still reads the old files keeps them open until it has switched.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from spreadguide.durable import put_in_place, sync
from spreadguide.errors import IndexCorrupt, IndexingError, IndexLocked, IndexMissing
from spreadguide.indexing.fingerprint import FINGERPRINT_LENGTH
from spreadguide.indexing.manifest import REBUILD, SCRATCH

CURRENT = "CURRENT"
LOCK = ".lock"
LOCK_WAIT_SECONDS = 3.0
"""How long a build waits for another one: long enough for a run that finds nothing to do."""

_FINGERPRINT = re.compile(rf"[0-9a-f]{{{FINGERPRINT_LENGTH}}}")
_LEFTOVER = re.compile(r"building-\d+|replaced-[0-9a-f]+")
_HOLDER = ".lock.json"
"""Who holds the lock, for the message to whoever waits; worth nothing without the lock itself."""


def live_folder(index_dir: Path) -> Path:
    """Return the folder of the live index.

    Raises `IndexMissing` when none was ever published, and `IndexCorrupt` when ``CURRENT`` names none.
    """
    pointer = index_dir / CURRENT
    try:
        name = pointer.read_bytes().decode("ascii").strip()
    except FileNotFoundError as error:
        hint = "Run `spreadguide index build` to build it."
        raise IndexMissing(f"There is no index in {index_dir} yet.", hint=hint) from error
    except (OSError, ValueError) as error:
        raise IndexCorrupt(f"The index is damaged: {pointer} cannot be read.", hint=REBUILD) from error
    folder = index_dir / name
    if not _FINGERPRINT.fullmatch(name) or not folder.is_dir():
        raise IndexCorrupt(f"The index is damaged: {pointer} names no index in this folder.", hint=REBUILD)
    return folder


def live_stamp(index_dir: Path) -> tuple[int, int] | None:
    """Return what changes whenever another index becomes the live one; ``None`` where there is none."""
    try:
        status = (index_dir / CURRENT).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


@contextmanager
def build_lock(index_dir: Path) -> Iterator[None]:
    """Keep other builds out of ``index_dir``, which is made if need be.

    Raises `IndexLocked`, with the process that holds the lock, when another build is still running after
    `LOCK_WAIT_SECONDS`.
    """
    lock = FileLock(index_dir / LOCK)
    holder = index_dir / _HOLDER
    with _writing(index_dir):
        index_dir.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=LOCK_WAIT_SECONDS)
        except Timeout as error:
            hint = "Wait until it has finished, then try again."
            message = f"Another build of the index in {index_dir} is running{_held_by(holder)}."
            raise IndexLocked(message, hint=hint) from error
        since = datetime.now(UTC).strftime("%H:%M:%S UTC")
        holder.write_text(json.dumps({"process": os.getpid(), "host": platform.node(), "since": since}))
    try:
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _held_by(holder: Path) -> str:
    """Say who holds the lock, as far as that is known."""
    try:
        found = json.loads(holder.read_bytes())
        return f" (process {int(found['process'])} on {found['host']}, since {found['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def leftovers(index_dir: Path) -> list[Path]:
    """Return the folders of builds that were stopped, the one with most in it first.

    A whole index that is not the live one belongs to a build that was stopped before it could point to it.
    """
    try:
        live = live_folder(index_dir).name
    except (IndexMissing, IndexCorrupt):
        live = ""
    found = [
        path
        for path in index_dir.iterdir()
        if _LEFTOVER.fullmatch(path.name) or (_FINGERPRINT.fullmatch(path.name) and path.name != live)
    ]
    return sorted(found, key=_bytes_on_disk, reverse=True)


def _bytes_on_disk(folder: Path) -> int:
    """Return what the files really take up: a row that was never written takes none."""
    return sum(file.stat().st_blocks * 512 for file in folder.iterdir())


@contextmanager
def building_folder(index_dir: Path) -> Iterator[Path]:
    """Give an empty folder to write the new index into.

    After Ctrl-C, as after a kill, it stays, so that the next build finds the vectors in it; after an error it goes.
    """
    with _writing(index_dir):
        taken = {path.name for path in index_dir.iterdir()}
        folder = next(index_dir / name for name in (f"building-{number}" for number in count(1)) if name not in taken)
        folder.mkdir()
    try:
        with _writing(index_dir):
            yield folder
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def publish(built: Path, index_dir: Path, fingerprint: str) -> None:
    """Move the finished folder ``built`` to its place, make it the live index, and remove everything else.

    A damaged index with the same fingerprint is replaced. Each step is one rename that is on disk before the next.
    """
    for path in (*built.rglob("*"), built):
        sync(path)
    target = index_dir / fingerprint
    with _writing(index_dir):
        for name in SCRATCH:
            (built / name).unlink(missing_ok=True)
        sync(built)
        if target.exists():
            target.rename(index_dir / f"replaced-{fingerprint}")
        built.rename(target)
        sync(index_dir)
        beside = index_dir / f"{CURRENT}.new"
        beside.write_text(f"{fingerprint}\n", encoding="ascii")
        put_in_place(beside, index_dir / CURRENT)
    clear(index_dir)


def clear(index_dir: Path) -> None:
    """Remove every index but the live one, and what stopped builds left; raises `IndexMissing` or `IndexCorrupt`."""
    live = live_folder(index_dir).name
    for path in index_dir.iterdir():
        if (_FINGERPRINT.fullmatch(path.name) and path.name != live) or _LEFTOVER.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def discard(folders: Iterable[Path]) -> None:
    """Remove folders of builds that were stopped."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _writing(index_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"The index in {index_dir} could not be written: {error.strerror or error}."
        hint = "Check that the disk has room and that you may write to this folder. The index in use is unchanged."
        raise IndexingError(message, hint=hint) from error
