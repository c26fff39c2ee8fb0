"""Text that knows where on its page each of its lines stands, through joining and cutting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from spreadguide.ingest.builder import PieceBox
from spreadguide.ingest.joining import fitted
from spreadguide.ingest.pdf_page import Line


@dataclass(frozen=True, slots=True)
class Boxed:
    """A text without line ends, and the boxes of the lines that it was made of."""

    text: str
    boxes: tuple[PieceBox, ...] = ()


def of_line(line: Line) -> Boxed:
    """Return the text of one line, in one box."""
    box = PieceBox(0, len(line.text), line.page, line.x0, line.top, line.x1, line.bottom)
    return Boxed(line.text, (box,) if line.text else ())


def join(parts: Sequence[Boxed], known: frozenset[str]) -> Boxed:
    """Join the lines of a paragraph as `joining.join_lines` does."""
    parts = [part for part in parts if part.text]
    texts = fitted([part.text for part in parts], known)
    return together(*(cut(Boxed(text, part.boxes)) for text, part in zip(texts, parts, strict=True)))


def together(*parts: Boxed | str) -> Boxed:
    """Put texts, some of them without a place on the page, one behind the other."""
    text = ""
    boxes: list[PieceBox] = []
    for part in parts:
        if isinstance(part, Boxed):
            boxes += _moved(part.boxes, len(text))
            text += part.text
        else:
            text += part
    return Boxed(text, tuple(boxes))


def cut(boxed: Boxed, start: int = 0) -> Boxed:
    """Return ``boxed`` from ``start`` on, with boxes that end where its words end."""
    end = len(boxed.text.rstrip())
    kept = (replace(box, start=max(box.start, start), end=min(box.end, end)) for box in boxed.boxes)
    return Boxed(boxed.text[start:], tuple(_moved([box for box in kept if box.start < box.end], -start)))


def _moved(boxes: Sequence[PieceBox], by: int) -> list[PieceBox]:
    return [replace(box, start=box.start + by, end=box.end + by) for box in boxes]
