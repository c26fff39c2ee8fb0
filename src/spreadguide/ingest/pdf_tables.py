"""Fills the grids of a page with its words: tables with cells that span rows and columns, and the names of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from spreadguide.ingest.boxed import Boxed, cut, join, of_line, together
from spreadguide.ingest.pdf_grid import Grid
from spreadguide.ingest.pdf_page import Line, Word, line_of, rows_of

NAME_WORDS = 15
"""The name of a column is no longer than this."""

NAME_JOIN = " – "
"""Between the name of a group of columns and the name of one of them."""

SAME_EDGE = 6.0
"""Points by which the columns of a table may shift from page to page."""

OVERLAP = 0.5
"""A column's name holds for a cell when they share half of the width of the narrower one."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its first row and column, the ones behind its last, and its lines from top to bottom."""

    row: int
    column: int
    row_end: int
    column_end: int
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """The words of the cell on one line."""
        return " ".join(line.text for line in self.lines)

    @property
    def count(self) -> int:
        """How many words it holds."""
        return sum(len(line.words) for line in self.lines)


@dataclass(frozen=True, slots=True)
class Table:
    """A ruled table on a page; ``rows[row]`` lists the cells that stand in it, those that span rows in each."""

    page: int
    xs: tuple[float, ...]
    rows: tuple[tuple[Cell, ...], ...]
    x0: float
    top: float
    x1: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Column:
    """The name of a column, with its place on the page, and the room that the column takes across the page."""

    name: Boxed
    x0: float
    x1: float


def fill(grid: Grid, words: Sequence[Word], page: int) -> tuple[Table | None, list[Word]]:
    """Return the table that ``grid`` makes of ``words`` and the words outside it.

    A grid without two cells of text side by side is a frame around text, and no table.
    """
    inside: dict[int, list[Word]] = {}
    outside: list[Word] = []
    for word in words:
        field = grid.at((word.x0 + word.x1) / 2, (word.top + word.bottom) / 2)
        if field is None:
            outside.append(word)
        else:
            inside.setdefault(field, []).append(word)
    cells = [_cell(bounds, inside.get(field, ()), page) for field, bounds in _bounds(grid).items()]
    rows = tuple(
        tuple(sorted((cell for cell in cells if cell.row <= row < cell.row_end), key=lambda cell: cell.column))
        for row in range(len(grid.fields))
    )
    if all(sum(bool(cell.lines) for cell in row) < 2 for row in rows):
        return None, list(words)
    return Table(page, grid.xs, rows, grid.xs[0], grid.ys[0], grid.xs[-1], grid.ys[-1]), outside


def _bounds(grid: Grid) -> dict[int, tuple[int, int, int, int]]:
    """Return first row, first column, and the ones behind the last, of each field."""
    found: dict[int, tuple[int, int, int, int]] = {}
    for row, fields in enumerate(grid.fields):
        for column, field in enumerate(fields):
            first, left, end, right = found.get(field, (row, column, row, column))
            found[field] = (min(first, row), min(left, column), max(end, row + 1), max(right, column + 1))
    return found


def _cell(bounds: tuple[int, int, int, int], words: Sequence[Word], page: int) -> Cell:
    lines = tuple(line_of(row, page) for row in rows_of(words))
    sideways = [word for word in words if word.turn]
    if sideways:
        lines += (line_of(sideways, page),)
    row, column, row_end, column_end = bounds
    return Cell(row, column, row_end, column_end, lines)


def is_section(row: Sequence[Cell], table: Table) -> bool:
    """Whether a row holds one cell, across the table: a title within the table, or text set in it."""
    return len(row) == 1 and row[0].column_end - row[0].column == len(table.xs) - 1


def header_rows(table: Table, first: int) -> int:
    """Return how many rows from ``first`` on name the columns: none, one, or as many as the tallest of their cells.

    They are short, have no number of their own, and are bold where the rest is not; without bold type, three columns
    and no colon are asked for.
    """
    row = table.rows[first]
    filled = [cell for cell in row if cell.lines]
    end = max(cell.row_end for cell in row)
    below = [cell for each in table.rows[end:] for cell in each if cell.lines and cell.column]
    if not below or len(filled) < max(2, len(row) - 1) or not all(_is_name(cell) for cell in filled):
        return 0
    bold = sum(_is_bold(cell) for cell in filled) / len(filled)
    if bold > sum(_is_bold(cell) for cell in below) / len(below):
        parted = any(cell.column_end - cell.column > 1 for cell in filled[1:])
        second = [cell for cell in table.rows[end] if cell.lines] if parted and end == first + 1 else []
        under = len(second) > len(filled) and all(_is_name(cell) and _is_bold(cell) for cell in second)
        return end - first + under
    plain = len(row) >= 3 and len(filled) == len(row) and not any(cell.text.endswith((":", ".")) for cell in filled)
    return end - first if plain and all(cell.count <= NAME_WORDS // 2 for cell in filled) else 0


def _is_name(cell: Cell) -> bool:
    return cell.count <= NAME_WORDS and (_is_bold(cell) or any(sign.isalpha() for sign in cell.text))


def _is_bold(cell: Cell) -> bool:
    return any(line.bold for line in cell.lines)


def columns_of(table: Table, first: int, count: int, known: frozenset[str]) -> list[Column]:
    """Return the columns that ``count`` rows from ``first`` on name; a name over several columns stands in each."""
    found = []
    for place, (x0, x1) in enumerate(pairwise(table.xs)):
        names: list[Boxed | str] = []
        for row in table.rows[first : first + count]:
            cell = next((cell for cell in row if cell.column <= place < cell.column_end), None)
            name = join([of_line(line) for line in cell.lines], known) if cell else Boxed("")
            if name.text and name not in names:
                names += [NAME_JOIN, name] if names else [name]
        found.append(Column(without_colon(together(*names)), x0, x1))
    return found


def without_colon(boxed: Boxed) -> Boxed:
    """Return a text without the colon at its end."""
    text = boxed.text.rstrip(": ")
    return cut(Boxed(text, tuple(replace(box, end=min(box.end, len(text))) for box in boxed.boxes)))


def name_of(cell: Cell, table: Table, columns: Sequence[Column]) -> Boxed:
    """Return the name of the column that a cell stands in; those of several columns, when it spans them.

    It has its boxes only on the page where it stands.
    """
    x0, x1 = table.xs[cell.column], table.xs[cell.column_end]
    names = {
        column.name.text: column.name
        for column in columns
        if column.name.text and min(x1, column.x1) - max(x0, column.x0) >= OVERLAP * min(x1 - x0, column.x1 - column.x0)
    }
    parts: list[Boxed | str] = []
    for name in names.values():
        parts += [" / ", name] if parts else [name]
    whole = together(*parts)
    return whole if all(box.page == table.page for box in whole.boxes) else Boxed(whole.text)


def goes_on(first: Table, second: Table) -> bool:
    """Whether ``second``, which comes right behind ``first``, is the same table on the next page."""
    if second.page != first.page + 1:
        return False
    shared = sum(any(abs(x - other) <= SAME_EDGE for other in first.xs) for x in second.xs)
    return abs(first.x1 - second.x1) <= SAME_EDGE and shared > OVERLAP * max(len(first.xs), len(second.xs))


def named_rows(tables: Sequence[Table], known: frozenset[str]) -> Iterator[tuple[Table, int, list[Column]]]:
    """Yield table, row and columns for the rows of a table that goes on over pages; rows of names are left out."""
    columns: list[Column] = []
    for place, table in enumerate(tables):
        row = 0
        while row < len(table.rows) and _is_before_names(table.rows[row], table):
            yield table, row, columns
            row += 1
        if row < len(table.rows):
            count = header_rows(table, row)
            named = columns_of(table, row, count, known)
            same = [column.name.text for column in named] == [column.name.text for column in columns]
            columns = named if count and same else columns
            if count and (place == 0 or not columns or same):
                columns, row = named, row + count
        for number in range(row, len(table.rows)):
            yield table, number, columns


def _is_before_names(row: Sequence[Cell], table: Table) -> bool:
    return is_section(row, table) or not any(cell.lines for cell in row)
