"""How an index becomes the live one: written beside the old one, then switched to in one step.

``<index>/<fingerprint>/`` holds an index, ``<index>/CURRENT`` names the live one, ``<index>/.lock`` keeps two builds
apart. A build that is killed leaves the live index as it was, and a folder that the next build removes.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from spreadguide.errors import IndexCorrupt, IndexingError, IndexLocked, IndexMissing
from spreadguide.indexing.fingerprint import FINGERPRINT_LENGTH
from spreadguide.indexing.manifest import REBUILD

CURRENT = "CURRENT"
LOCK = ".lock"
LOCK_WAIT_SECONDS = 3.0
"""How long a build waits for another one: long enough for a run that finds nothing to do."""

_FINGERPRINT = re.compile(rf"[0-9a-f]{{{FINGERPRINT_LENGTH}}}")
_LEFTOVER = re.compile(rf"{_FINGERPRINT.pattern}\.building-\d+")


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


@contextmanager
def build_lock(index_dir: Path) -> Iterator[None]:
    """Keep other builds out of ``index_dir``, which is made if need be, and clear what killed builds left.

    Raises `IndexLocked` when another build is still running after `LOCK_WAIT_SECONDS`.
    """
    lock = FileLock(index_dir / LOCK)
    with _writing(index_dir):
        index_dir.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=LOCK_WAIT_SECONDS)
        except Timeout as error:
            hint = "Wait until it has finished, then try again."
            raise IndexLocked(f"Another build of the index in {index_dir} is running.", hint=hint) from error
    try:
        _clear(index_dir, keep=None)
        yield
    finally:
        lock.release()


@contextmanager
def building_folder(index_dir: Path, fingerprint: str) -> Iterator[Path]:
    """Give an empty folder to write the new index into; whatever is still there afterwards is removed."""
    folder = index_dir / f"{fingerprint}.building-{os.getpid()}"
    try:
        with _writing(index_dir):
            folder.mkdir()
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(built: Path, index_dir: Path, fingerprint: str) -> None:
    """Move the finished folder ``built`` to its place and make it the live index.

    A damaged index with the same fingerprint is replaced. Of the other indexes only the one that was live until now
    stays: a running server may still read it.
    """
    for path in (*built.rglob("*"), built):
        _sync(path)
    target = index_dir / fingerprint
    if target.exists():
        target.rename(index_dir / f"{fingerprint}.building-0")
    built.rename(target)
    _sync(index_dir)
    make_live(index_dir, fingerprint)


def make_live(index_dir: Path, fingerprint: str) -> None:
    """Point ``CURRENT`` at a published index, and remove indexes that are neither this one nor the last one."""
    try:
        previous = live_folder(index_dir).name
    except (IndexMissing, IndexCorrupt):
        previous = fingerprint
    beside = index_dir / f"{CURRENT}.new"
    with _writing(index_dir):
        beside.write_text(f"{fingerprint}\n", encoding="ascii")
        _sync(beside)
        beside.replace(index_dir / CURRENT)
        _sync(index_dir)
    _clear(index_dir, keep=(fingerprint, previous))


def _clear(index_dir: Path, *, keep: tuple[str, str] | None) -> None:
    """Remove what killed builds left and, where ``keep`` names indexes, every other index."""
    for path in index_dir.iterdir():
        old = keep is not None and _FINGERPRINT.fullmatch(path.name) and path.name not in keep
        if old or _LEFTOVER.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    """Wait until the file or folder is on disk, so that a power cut cannot leave ``CURRENT`` naming half an index."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _writing(index_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"The index in {index_dir} could not be written: {error.strerror or error}."
        hint = "Check that the disk has room and that you may write to this folder. The index in use is unchanged."
        raise IndexingError(message, hint=hint) from error
