"""The order in which the boxes of a slide are read: by where they stand, columns before rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

ROW_TOLERANCE = 0.3
"""Two boxes stand in one row where their upper edges differ by at most this share of the lower one's height."""

LABEL_SHARE = 0.6
"""A column at most this share as wide as the next one holds labels for it, and is read row by row with it."""


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """Something with a place: left and upper edge, width and height, in any one measure."""

    x: float
    y: float
    width: float
    height: float
    item: T


def in_reading_order(boxes: Sequence[Placed[T]]) -> list[Placed[T]]:
    """Return the boxes as they are read: cut into bands by gaps across the slide, and bands into columns.

    Columns are read one after the other, unless the first holds short labels for the second. This is the recursive
    cut of Nagy and Seth (1984), with gaps of any size, since the boxes of a slide rarely touch.
    """
    return list(_ordered(list(boxes)))


def _ordered(boxes: list[Placed[T]]) -> Iterator[Placed[T]]:
    columns = _parts(boxes, vertical=False)
    if _is_labelled(columns):
        for row in zip(*(sorted(column, key=lambda box: box.y) for column in columns), strict=True):
            yield from row
        return
    parts = columns if len(columns) > 1 else _bands(boxes)
    if len(parts) == 1:
        yield from sorted(boxes, key=lambda box: (box.y, box.x))
        return
    for part in parts:
        yield from _ordered(part)


def _bands(boxes: list[Placed[T]]) -> list[list[Placed[T]]]:
    """Cut the boxes into bands; those that share their columns stay together."""
    bands: list[list[Placed[T]]] = []
    for band in _parts(boxes, vertical=True):
        if bands and len(_parts([*bands[-1], *band], vertical=False)) > 1:
            bands[-1] += band
        else:
            bands.append(band)
    return bands


def _parts(boxes: Sequence[Placed[T]], *, vertical: bool) -> list[list[Placed[T]]]:
    """Cut the boxes where no box reaches across: into bands from the top, or into columns from the left."""
    parts: list[list[Placed[T]]] = []
    reach = float("-inf")
    for box in sorted(boxes, key=lambda box: (box.y, box.x) if vertical else (box.x, box.y)):
        start, size = (box.y, box.height) if vertical else (box.x, box.width)
        if start >= reach:
            parts.append([])
        parts[-1].append(box)
        reach = max(reach, start + size)
    return parts


def _is_labelled(columns: Sequence[Sequence[Placed[T]]]) -> bool:
    """Whether the first of two columns names, row by row, what stands in the second."""
    if len(columns) != 2 or len(columns[0]) != len(columns[1]) or len(columns[0]) < 2:
        return False
    labels, texts = (sorted(column, key=lambda box: box.y) for column in columns)
    narrow = max(box.width for box in labels) <= LABEL_SHARE * min(box.width for box in texts)
    level = all(
        abs(label.y - text.y) <= ROW_TOLERANCE * max(label.height, text.height)
        for label, text in zip(labels, texts, strict=True)
    )
    return narrow and level
