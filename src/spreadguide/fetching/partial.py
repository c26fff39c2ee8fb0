"""The part of a document that has arrived: kept over breaks and stops, so that the rest can be asked for."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

KEEP_SECONDS = 14 * 24 * 3600.0
"""How long a part that nobody comes back for is kept."""

_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e]*"')
"""RFC 9110, 8.8.3, without the characters beyond ASCII; a weak tag (W/) does not promise the same bytes."""

STRONG_DATE = timedelta(seconds=60)
"""RFC 9110, 8.8.2.2: a date promises the same bytes when it lies so far before the answer's own date. The RFC asks for
one second at least; servers' clocks deserve more."""


class Part:
    """One file in the hidden folder ``folder``, and beside it the mark by which the server knows its version."""

    def __init__(self, folder: Path, url: str) -> None:
        key = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self.file = folder / f"{key}.part"
        self._notes = folder / f"{key}.json"

    @property
    def size(self) -> int:
        """How many bytes have arrived."""
        return self.file.stat().st_size if self.file.exists() else 0

    def resume_headers(self) -> dict[str, str]:
        """Return what asks for the rest; empty when nothing is there or the server gave its version no mark."""
        mark = self._mark()
        return {"Range": f"bytes={self.size}-", "If-Range": mark} if self.size and mark else {}

    def continues(self, headers: Mapping[str, str]) -> bool:
        """Return whether a partial answer is of our version: some servers do not look at If-Range."""
        mark = self._mark() or ""
        return headers.get("etag" if mark.startswith('"') else "last-modified", mark) == mark

    def start(self, mark: str | None) -> None:
        """Begin again from nothing, with the mark of the version that comes now.

        Old bytes go before the new mark is written: whenever this stops, bytes and mark never belong to two versions.
        """
        self.file.write_bytes(b"")
        self._notes.write_text(json.dumps({"mark": mark}), "utf-8")

    def head(self, count: int) -> bytes:
        """Return the first ``count`` bytes."""
        with self.file.open("rb") as stream:
            return stream.read(count)

    def drop(self) -> None:
        """Forget what has arrived."""
        self.file.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def _mark(self) -> str | None:
        try:
            found = json.loads(self._notes.read_text("utf-8"))["mark"]
        except (OSError, ValueError, KeyError, TypeError):
            return None  # without a mark the fetch starts from nothing, which is always right
        return found if isinstance(found, str) else None


def mark_of(headers: Mapping[str, str]) -> str | None:
    """Return the mark (ETag or date) by which a version can be asked for again byte by byte; keys in lower case."""
    tag = headers.get("etag", "")
    if _STRONG_TAG.fullmatch(tag):
        return tag
    changed, sent = _date(headers.get("last-modified", "")), _date(headers.get("date", ""))
    strong = changed is not None and sent is not None and sent - changed >= STRONG_DATE
    return headers["last-modified"] if strong else None


def sweep(folder: Path) -> None:
    """Remove parts that nobody came back for."""
    oldest = time.time() - KEEP_SECONDS
    for file in folder.iterdir():
        if file.suffix in (".part", ".json") and file.stat().st_mtime < oldest:
            file.unlink()


def _date(text: str) -> datetime | None:
    """Return a date in the one form that RFC 9110 lets servers send."""
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    plain = found.tzinfo is not None and format_datetime(found.astimezone(UTC), usegmt=True) == text
    return found if plain else None
