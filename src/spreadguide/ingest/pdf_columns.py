"""Puts the lines and tables of a page in reading order, in one column or in several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import mean, median

from spreadguide.ingest.pdf_page import SAME_LINE, Line, line_of
from spreadguide.ingest.pdf_tables import Table

Block = Line | Table

COLUMN_LINES = 4
"""A column has at least so many lines; fewer side by side are labels, addresses or signatures."""

COLUMN_WORDS = 3.0
"""Words on the average line of a column; a narrow one of 4 cm has four."""

FULL_SHARE = 0.6
"""The usual line of a column fills this share of it; the entries of a list of terms do not."""

SLACK = 2.0
"""Points by which a line may reach over the edge of its column."""

CANDIDATES = 8
"""Left edges, the most frequent ones, that are tried as the start of a second column."""

DEPTH = 4
"""How often a column may be parted again."""


def in_order(blocks: Sequence[Block]) -> list[Block]:
    """Return the lines and tables of a page in reading order; what stands side by side in one column becomes a line."""
    return list(_order(sorted(blocks, key=_height), 0))


def _height(block: Block) -> float:
    return block.base if isinstance(block, Line) else block.top


def _order(blocks: Sequence[Block], depth: int) -> Iterator[Block]:
    """Yield blocks band by band, and the columns of a band one after the other."""
    edge = _edge(blocks) if depth < DEPTH and len(blocks) >= 2 * COLUMN_LINES else None
    if edge is None:
        yield from _rows(blocks)
        return
    for band in _bands(blocks, edge):
        left = [block for block in band if block.x1 <= edge + SLACK]
        right = [block for block in band if block.x0 >= edge - SLACK]
        if _are_columns(left, right, edge):
            yield from _order(left, depth + 1)
            yield from _order(right, depth + 1)
        else:
            yield from _order(band, depth + 1)


def _edge(blocks: Sequence[Block]) -> float | None:
    """Return where the second column starts: the left edge that parts the most lines into two columns."""
    lines = [block for block in blocks if isinstance(block, Line)]
    starts = Counter(round(line.x0 / SLACK) * SLACK for line in lines)
    first = min(block.x0 for block in blocks)
    best, most = None, 0
    for start, count in starts.most_common(CANDIDATES):
        if count < COLUMN_LINES or start < first + 10 * SLACK:
            continue
        parted = sum(
            len(band)
            for band in _bands(blocks, start)
            if _are_columns(
                [block for block in band if block.x1 <= start + SLACK],
                [block for block in band if block.x0 >= start - SLACK],
                start,
            )
        )
        if parted > most:
            best, most = start, parted
    return best


def _bands(blocks: Sequence[Block], edge: float) -> Iterator[list[Block]]:
    """Cut blocks, from top to bottom, where one crosses ``edge``; those that cross make bands of their own."""
    band: list[Block] = []
    crossing = False
    for block in blocks:
        crosses = block.x0 < edge - SLACK and block.x1 > edge + SLACK
        if band and crosses is not crossing:
            yield band
            band = []
        crossing = crosses
        band.append(block)
    if band:
        yield band


def _are_columns(left: Sequence[Block], right: Sequence[Block], edge: float) -> bool:
    """Whether the blocks on both sides of ``edge`` read as columns of text, side by side."""
    sides = [[block for block in side if isinstance(block, Line)] for side in (left, right)]
    if any(len(side) < COLUMN_LINES for side in sides):
        return False
    if any(mean(len(line.words) for line in side) < COLUMN_WORDS for side in sides):
        return False
    if max(line.x1 for line in sides[0]) > edge + SLACK:
        return False
    top, bottom = max(side[0].top for side in sides), min(side[-1].bottom for side in sides)
    beside = [sum(top <= line.base <= bottom for line in side) for side in sides]
    return min(beside) >= COLUMN_LINES / 2 and all(_is_full(side) for side in sides)


def _is_full(lines: Sequence[Line]) -> bool:
    width = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    return median(line.x1 - line.x0 for line in lines) >= FULL_SHARE * width


def _rows(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield the blocks of one column; lines on one base become one line."""
    row: list[Line] = []
    for block in blocks:
        if isinstance(block, Line):
            if row and abs(block.base - row[0].base) < SAME_LINE * min(block.size, row[0].size):
                row.append(block)
                continue
            yield from _joined(row)
            row = [block]
        else:
            yield from _joined(row)
            row = []
            yield block
    yield from _joined(row)


def _joined(row: Sequence[Line]) -> Iterator[Line]:
    if len(row) > 1:
        words = [word for line in sorted(row, key=lambda line: line.x0) for word in line.words]
        yield line_of(words, row[0].page)
    else:
        yield from row
