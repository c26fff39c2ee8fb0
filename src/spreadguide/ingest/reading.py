"""What a format's reader hands over: pieces in reading order, and what the file's own header says about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from spreadguide.ingest.builder import Piece
from spreadguide.ingest.catalogue import Entry
from spreadguide.ingest.limits import IngestLimits
from spreadguide.types import PageInfo


@dataclass(frozen=True, slots=True)
class Reading:
    """One file, read but not laid out yet.

    ``header`` is what the file says about itself outside its text (front matter, HTML meta elements).
    ``fallback_title`` is used when neither the catalogue nor the text has a title. ``pages`` is empty for formats
    without pages. ``complete`` is false where a time limit cut the reading short.
    """

    pieces: tuple[Piece, ...]
    header: Entry = field(default_factory=Entry)
    fallback_title: str = ""
    warnings: tuple[str, ...] = ()
    pages: tuple[PageInfo, ...] = ()
    complete: bool = True


FormatReader = Callable[[bytes, str, IngestLimits], Reading]
"""Reads a file's bytes; the text is its path, for messages. Raises `UnreadableDocument`."""
