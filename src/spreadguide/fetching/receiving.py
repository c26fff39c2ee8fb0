"""Writes an answer's body to the part that waits for it, within the limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from spreadguide.errors import FetchFailed
from spreadguide.fetching.exchange import Reply, refusal
from spreadguide.fetching.failures import SAVE_IT, shown
from spreadguide.fetching.kinds import HEAD, kind_of_head
from spreadguide.fetching.partial import Part, mark_of
from spreadguide.fetching.unpacking import Unpacker
from spreadguide.protocols import Progress

MEGABYTE = 1024 * 1024

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class StartOver(Exception):
    """The rest cannot be joined to what is there; the document must be asked for from its beginning."""


@dataclass(frozen=True, slots=True)
class Received:
    """Where a whole document came from in the end, and its Content-Disposition header."""

    url: httpx.URL
    disposition: str


class Meter:
    """Turns positions in a document into the steps forward that a `Progress` wants, over all attempts of a fetch."""

    def __init__(self, progress: Progress | None, url: httpx.URL) -> None:
        self._progress = progress
        self._step = f"Fetching {shown(url)}".replace("[", "(")  # brackets would be read as colours
        self._reported = 0

    def reach(self, position: int, total: int | None) -> None:
        """Say that ``position`` bytes are there; going back is not reported.

        Without ``total``, where the server gives no size, what is there is all there is to say.
        """
        if self._progress is not None and position > self._reported:
            self._progress(self._step, total or position, position - self._reported)
            self._reported = position


def receive(reply: Reply, part: Part, most: int, meter: Meter) -> Received:
    """Write the body to ``part``, which holds the whole document afterwards.

    Raises `FetchFailed` when the server refuses, or the document is larger than ``most`` bytes or of a kind that
    cannot be read; `StartOver`; and what httpcore raises when the connection breaks.
    """
    encoding = reply.headers.get("content-encoding", "identity").strip().lower()
    packed = encoding not in ("", "identity")
    start = _start(reply, part, packed=packed)
    announced = _announced(reply, start)
    if announced is not None and announced > most:
        part.drop()
        raise _too_large(reply, most)
    if start == 0:
        part.start(None if packed else mark_of(reply.headers))
    unpacker = Unpacker(encoding) if packed else None
    total = None if packed else announced
    meter.reach(start, total)
    for size in _write(_plain(reply, unpacker, part, most), part, reply, most):
        meter.reach(size, total)
    return Received(reply.url, reply.headers.get("content-disposition", ""))


def _start(reply: Reply, part: Part, *, packed: bool) -> int:
    """Return how many bytes of ``part`` stay; the body continues there."""
    asked = bool(part.resume_headers())
    if reply.status == httpx.codes.OK:
        return 0
    if reply.status == httpx.codes.PARTIAL_CONTENT and asked:
        found = _RANGE.fullmatch(reply.headers.get("content-range", ""))
        if packed or found is None or int(found[1]) != part.size or not part.continues(reply.headers):
            raise StartOver
        return part.size
    if reply.status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and asked:
        raise StartOver
    raise refusal(reply.status, reply.url)


def _announced(reply: Reply, start: int) -> int | None:
    """Return the size of the whole document as the server gives it."""
    length = reply.headers.get("content-length", "")
    return start + int(length) if length.isdecimal() else None


def _plain(reply: Reply, unpacker: Unpacker | None, part: Part, most: int) -> Iterator[bytes]:
    """Yield the body as it is meant, in small pieces; what is packed must not be larger than ``most`` either."""
    arrived = 0
    for raw in reply.body:
        arrived += len(raw)
        if arrived > most:
            part.drop()
            raise _too_large(reply, most)
        if unpacker is None:
            yield raw
        else:
            yield from unpacker.feed(raw)
    if unpacker is not None:
        unpacker.finish()


def _write(pieces: Iterator[bytes], part: Part, reply: Reply, most: int) -> Iterator[int]:
    """Write the pieces, and yield after each how many bytes there are."""
    size = part.size
    looked_at = size >= HEAD
    with part.file.open("ab", buffering=0) as out:  # unbuffered: what has arrived survives whatever ends us
        for piece in pieces:
            size += len(piece)
            if size > most:
                part.drop()
                raise _too_large(reply, most)
            out.write(piece)
            yield size
            if not looked_at and size >= HEAD:
                looked_at = True
                _refuse_early(part, reply)


def _refuse_early(part: Part, reply: Reply) -> None:
    """Stop when the first bytes show a film or a picture: the rest need not be fetched."""
    head = part.head(HEAD)
    kind = kind_of_head(head)
    if not kind.endings and not head.startswith(b"PK") and head.strip():
        part.drop()
        raise FetchFailed(f"{shown(reply.url)} gave {kind.words}, which cannot be read.", hint=SAVE_IT)


def _too_large(reply: Reply, most: int) -> FetchFailed:
    return FetchFailed(
        f"The document at {shown(reply.url)} is larger than {most / MEGABYTE:.1f} MB, the limit.",
        hint="Look for a smaller edition, or raise the setting max_file_megabytes.",
    )
