"""Files that outlive a loss of power: synchronised before and after the rename that puts them in place."""

from __future__ import annotations

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until the file or folder is on disk; a folder only where the system can open one."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(path: Path, target: Path) -> None:
    """Move ``path`` to ``target`` in one step, with its bytes on disk first, so that a power cut leaves no half."""
    sync(path)
    path.replace(target)
    sync(target.parent)
