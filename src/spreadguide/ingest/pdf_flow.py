"""Pages to lines and tables in reading order, without running headers and footers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spreadguide.ingest.pdf_aligned import find_aligned
from spreadguide.ingest.pdf_columns import Block, in_order
from spreadguide.ingest.pdf_grid import Grid, find_grids
from spreadguide.ingest.pdf_page import Line, Page, Word, segments_of
from spreadguide.ingest.pdf_running import MARGIN_SHARE, find_running
from spreadguide.ingest.pdf_tables import Table, fill


@dataclass(frozen=True, slots=True)
class Flow:
    """What is to be read of a document: for each page its blocks; and the number printed on each page."""

    blocks: tuple[tuple[Block, ...], ...]
    labels: dict[int, str]


def flow_of(pages: Sequence[Page]) -> Flow:
    """Return the lines and tables of ``pages`` in reading order."""
    segments = [segments_of(page.words, page.number) for page in pages]
    grids = [
        find_grids(page.rules) if page.rules and lines else [] for page, lines in zip(pages, segments, strict=True)
    ]
    free = [
        [line for line in lines if not any(_holds(grid, line, page) for grid in each)]
        for page, lines, each in zip(pages, segments, grids, strict=True)
    ]
    running = find_running(pages, free)
    blocks = tuple(
        tuple(_blocks(page, [line for line in lines if line not in running.lines[page.number]], each))
        for page, lines, each in zip(pages, segments, grids, strict=True)
    )
    return Flow(blocks, running.labels)


def _holds(grid: Grid, line: Line, page: Page) -> bool:
    """Whether a line is part of a table that is more than a ruled header or footer."""
    height = grid.ys[-1] - grid.ys[0]
    return (
        height > MARGIN_SHARE * page.height
        and grid.at((line.x0 + line.x1) / 2, (line.top + line.bottom) / 2) is not None
    )


def _blocks(page: Page, lines: list[Line], grids: Sequence[Grid]) -> list[Block]:
    """Return the blocks of a page: its tables, and the lines outside them."""
    tables: list[Table] = []
    words: list[Word] = [word for line in lines for word in line.words]
    for grid in grids:
        table, words = fill(grid, words, page.number)
        tables += [table] if table else []
    if tables:
        lines = segments_of(words, page.number)
    aligned, lines = find_aligned(lines, page.number)
    return in_order([*lines, *tables, *aligned])
