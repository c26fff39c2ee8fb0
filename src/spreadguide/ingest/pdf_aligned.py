"""Finds tables that are set by alignment alone: short texts in at least three columns, without ruled edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, median

from spreadguide.ingest.pdf_page import SAME_LINE, Line
from spreadguide.ingest.pdf_tables import Cell, Table

COLUMNS = 3
"""Two columns without rules are a list of terms, or text."""

FULL_ROWS = 3
"""A table has at least so many rows with a text in three columns, the names of the columns among them."""

CELL_WORDS = 5.0
"""The usual cell has at most this many words on a line; a column of text has more."""

TEXT_WORDS = 3.0
"""Where every column has more words on a line than this, the columns are text."""

GUTTER = 0.8
"""In sizes: what is left free between two columns."""

ROW_GAP = 3.0
"""In sizes: rows further apart are not of one table."""

SAME_ROW = 0.9
"""A line that starts no row stands closer to the one above than this share of the usual distance of rows."""

MOST_LINES = 600
"""A page with more runs of words is a drawing."""


@dataclass(slots=True)
class _Run:
    """Rows that go together, and the room of their columns across the page."""

    rows: list[list[Line]]
    columns: list[tuple[float, float]]


def find_aligned(lines: Sequence[Line], page: int) -> tuple[list[Table], list[Line]]:
    """Return the tables that alignment shows among ``lines`` (runs of words) of a page, and the other lines."""
    rows = _rows(lines)
    if len(lines) > MOST_LINES or sum(len(row) >= COLUMNS for row in rows) < FULL_ROWS:
        return [], list(lines)
    tables: list[Table] = []
    rest: list[Line] = [line for line in lines if line.words and line.words[0].turn]
    place = 0
    while place < len(rows):
        run = _run(rows, place) if len(rows[place]) >= COLUMNS else None
        if run is None:
            rest += rows[place]
            place += 1
            continue
        tables.append(_table(run, page))
        place += len(run.rows)
    return tables, rest


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Return lines that stand side by side, from top to bottom and from left to right."""
    rows: list[list[Line]] = []
    for line in sorted((line for line in lines if not (line.words and line.words[0].turn)), key=lambda line: line.base):
        if rows and line.base - rows[-1][0].base < SAME_LINE * line.size:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.x0) for row in rows]


def _run(rows: Sequence[list[Line]], start: int) -> _Run | None:
    """Return the table whose first row is the one at ``start``; None where there is none."""
    run = _Run([], [])
    for row in rows[start:]:
        far = run.rows and row[0].base - run.rows[-1][0].base > ROW_GAP * row[0].size
        columns = None if far else _columns(run.columns, row)
        if columns is None:
            break
        run.rows.append(row)
        run.columns = columns
    while run.rows and len(run.rows[-1]) == 1 and run.rows[-1][0].x1 < run.columns[1][0]:
        run.rows.pop()  # a line of text right below, too short to reach the second column
    full = sum(len(row) >= COLUMNS for row in run.rows)
    return run if full >= FULL_ROWS and not _is_text(run) else None


def _is_text(run: _Run) -> bool:
    """Whether the columns are columns of text: long lines on the whole, or in each of them."""
    lines = [line for row in run.rows for line in row]
    columns = [[len(line.words) for line in lines if _column(run, line) == place] for place in range(len(run.columns))]
    return mean(len(line.words) for line in lines) > CELL_WORDS or min(mean(words) for words in columns) > TEXT_WORDS


def _columns(columns: Sequence[tuple[float, float]], row: Sequence[Line]) -> list[tuple[float, float]] | None:
    """Return the columns with the room that ``row`` takes added; None where it would close a gap between them."""
    if not columns:
        return [(line.x0, line.x1) for line in row]
    wider = list(columns)
    for line in row:
        near = [place for place, (x0, x1) in enumerate(wider) if line.x0 < x1 and line.x1 > x0]
        if len(near) != 1:
            return None
        wider[near[0]] = (min(wider[near[0]][0], line.x0), max(wider[near[0]][1], line.x1))
    gutter = GUTTER * row[0].size
    return wider if all(right - left >= gutter for (_, left), (right, _) in pairwise(wider)) else None


def _table(run: _Run, page: int) -> Table:
    """Return the table of ``run``; lines without a text in the first column go on in the row above."""
    groups: list[list[list[Line]]] = []
    gaps = [below[0].base - above[0].base for above, below in pairwise(run.rows) if len(below) >= COLUMNS]
    usual = median(gaps) if gaps else 0.0
    for row in run.rows:
        new = not groups or (_column(run, row[0]) == 0 and not _is_rest(groups[-1][-1], row, usual))
        if new:
            groups.append([row])
        else:
            groups[-1].append(row)
    lines = [line for row in run.rows for line in row]
    left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
    xs = (left, *((a + b) / 2 for (_, a), (b, _) in pairwise(run.columns)), right)
    cells = tuple(
        tuple(
            Cell(number, place, number + 1, place + 1, tuple(line for line in flat if _column(run, line) == place))
            for place in range(len(run.columns))
        )
        for number, flat in enumerate([line for row in group for line in row] for group in groups)
    )
    return Table(page, xs, cells, left, min(line.top for line in lines), right, max(line.bottom for line in lines))


def _is_rest(above: Sequence[Line], row: Sequence[Line], usual: float) -> bool:
    """Whether a row is the second line of cells above."""
    return len(row) < len(above) and row[0].base - above[0].base < SAME_ROW * usual


def _column(run: _Run, line: Line) -> int:
    return next(place for place, (x0, x1) in enumerate(run.columns) if line.x0 < x1 and line.x1 > x0)
