"""Which version of the readers is at work: an index keeps what it read until that changes."""

from __future__ import annotations

import hashlib
import shutil
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = (
    "charset-normalizer",
    "markdown-it-py",
    "mdit-py-plugins",
    "pypdfium2",
    "python-docx",
    "python-pptx",
    "PyStemmer",
    "PyYAML",
    "selectolax",
    "sentencex",
    "trafilatura",
)
"""The libraries whose version can change what is read."""


@cache
def reader_version() -> str:
    """Return a hash of the readers' own source and of their libraries' versions.

    Nobody has to remember to raise a number: any change of a reader makes the next build read all reports again.
    Whether text recognition is installed is part of it, so that installing it is enough to have scans read.
    """
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for source in sorted((*here.glob("*.py"), here.parent / "text.py")):
        digest.update(source.read_bytes())
    for library in LIBRARIES:
        digest.update(f"{library}=={_version(library)}\n".encode())
    digest.update(str(shutil.which("tesseract") is not None).encode())
    return digest.hexdigest()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"
