"""Writes the rows of a table out in words, so that each can be read and cited alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from spreadguide.ingest.builder import Piece
from spreadguide.text import normalise, squeeze
from spreadguide.types import BlockKind

MOST_COLUMNS = 100
"""Word stops at 63 columns and no page can be read with more than this; a cell that claims more is cut short."""

MOST_SPANNED_ROWS = 1000
"""How many rows one cell may reach over; HTML itself allows 65,534, which only an attack would use."""

MOST_GROWTH = 30
GROWTH_FLOOR = 20_000
"""Names and merged cells are repeated in each row. A table may grow by so many times its own characters, or to the
second number of them; where it would grow further (an attack, or pages of text set in a table), nothing is repeated."""

SECTION_WORDS = 12
"""A line across the whole table with at most this many words, and no final stop, names the rows below it."""

HEADER_JOINT = " – "
"""Between the parts of a column's name where the header has several rows."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as the file has it: its text, and how many columns and rows it covers."""

    text: str
    columns: int = 1
    rows: int = 1


def rows_as_text(
    rows: Sequence[Sequence[str]], *, headed: bool = True, header_rows: int = 1, fill_down: bool = False
) -> list[str]:
    """Return one line per row, as ``Column: value; Column: value``.

    With ``headed``, the first ``header_rows`` rows name the columns and are not returned, unless there are no others.
    Empty cells are left out, and so is the name of a column that has none. Without names, two cells are a term and
    what is said of it. With ``fill_down``, an empty first cell takes the text of the one above: its label reaches
    over several rows.
    """
    cleaned = [[squeeze(normalise(cell)) for cell in row] for row in rows]
    cleaned = [row for row in cleaned if any(row)]
    if fill_down:
        cleaned = _filled_down(cleaned, header_rows if headed else 0)
    if not cleaned:
        return []
    names = _names(cleaned[:header_rows]) if headed and len(cleaned) > header_rows else []
    body = cleaned[header_rows:] if names else cleaned
    written = (_row(row, names) if names else _bare_row(row) for row in body)
    return _bounded(written, cleaned) or [_bare_row(row) for row in cleaned]


def cells_as_text(rows: Sequence[Sequence[Cell]], *, header_rows: int) -> list[str]:
    """Return one line per row of a table whose cells may be merged; see `rows_as_text` for the form.

    What a merged cell says is said for each column and each row that it covers. A short line across the whole table
    names the rows below it: each of them starts with it.
    """
    own = [[squeeze(normalise(cell.text)) for cell in row] for row in rows]
    headed = 0 < header_rows < len(rows)
    lines = _merged_rows(_expanded(rows), header_rows if headed else 0)
    return _bounded(lines, own) or [_bare_row(row) for row in own if any(row)]


def _merged_rows(grid: Iterator[list[Cell]], header_rows: int) -> Iterator[str]:
    names = _names([[cell.text for cell in row] for row in islice(grid, header_rows)])
    section = ""
    for row in grid:
        texts = [cell.text for cell in row]
        if not any(texts):
            continue
        if row[0].columns >= len(row) > 1:
            section = texts[0] if _is_section(texts[0]) else section
            yield texts[0]
            continue
        line = _row(texts, names) if names else _bare_row([cell.text for cell in _once(row)])
        yield f"{section}; {line}" if section else line


def _bounded(lines: Iterable[str], own: Sequence[Sequence[str]]) -> list[str]:
    """Return ``lines``, or nothing where they are far longer than the table's ``own`` texts."""
    most = max(GROWTH_FLOOR, MOST_GROWTH * sum(len(text) for row in own for text in row))
    kept: list[str] = []
    for line in lines:
        most -= len(line)
        if most < 0:
            return []
        kept.append(line)
    return kept


def _expanded(rows: Sequence[Sequence[Cell]]) -> Iterator[list[Cell]]:
    """Yield each row with one cell per column: a merged cell stands in every place it covers."""
    hanging: dict[int, tuple[Cell, int]] = {}
    for row in rows:
        line: list[Cell] = []
        below: dict[int, tuple[Cell, int]] = {}
        queue = list(row)[::-1]
        last = max(hanging, default=-1)
        while (queue or len(line) <= last) and len(line) < MOST_COLUMNS:
            cell, left = hanging.get(len(line)) or _next_cell(queue)
            wide = 1 if len(line) in hanging else max(1, min(cell.columns, MOST_COLUMNS - len(line)))
            for _ in range(wide):
                if left > 1:
                    below[len(line)] = (cell, left - 1)
                line.append(cell)
        hanging = below
        yield line


def _next_cell(queue: list[Cell]) -> tuple[Cell, int]:
    """Return the next cell of a row, cleaned, and how many rows it covers; an empty one where there is none left."""
    if not queue:
        return Cell(""), 1
    raw = queue.pop()
    return Cell(squeeze(normalise(raw.text)), raw.columns, raw.rows), min(raw.rows, MOST_SPANNED_ROWS)


def _filled_down(rows: list[list[str]], start: int) -> list[list[str]]:
    filled = rows[: start + 1]
    for row in rows[start + 1 :]:
        above = filled[-1][0] if filled else ""
        filled.append([row[0] or above, *row[1:]])
    return filled


def _names(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the name of each column, from all rows of the header; a part that a merge repeats is said once."""
    names = []
    for place in range(max(map(len, rows), default=0)):
        parts = [row[place].rstrip(":") for row in rows if place < len(row) and row[place]]
        names.append(HEADER_JOINT.join(dict.fromkeys(parts)))
    return names


def _once(row: Sequence[Cell]) -> list[Cell]:
    """Return the cells of one row, each of the merged ones once."""
    return [cell for place, cell in enumerate(row) if not place or cell is not row[place - 1]]


def _is_section(text: str) -> bool:
    return len(text.split()) <= SECTION_WORDS and text[-1:] not in ".;!?"


def _row(row: Sequence[str], names: Sequence[str]) -> str:
    cells = []
    for place, cell in enumerate(row):
        name = names[place].rstrip(":") if place < len(names) else ""
        if cell:
            cells.append(f"{name}: {cell}" if name and name != cell else cell)
    return "; ".join(cells)


def _bare_row(row: Sequence[str]) -> str:
    cells = [cell for cell in row if cell]
    return ": ".join((cells[0].rstrip(":"), cells[1])) if len(cells) == 2 else "; ".join(cells)


def row_pieces(lines: Sequence[str], caption: str = "") -> list[Piece]:
    """Return the pieces of one table: what it says it shows, if anything, and its rows."""
    named = [Piece(BlockKind.PARAGRAPH, caption, caption=True)] if caption and lines else []
    return named + [Piece(BlockKind.TABLE_ROW, line, starts_list=at == 0) for at, line in enumerate(lines)]


def cell_text(parts: Iterable[tuple[str, bool]]) -> str:
    """Join the paragraphs of one cell; each comes with whether it is a list item.

    A comma goes between list items that end without a sign, so that two of them cannot be read as one.
    """
    text = ""
    after_item = False
    for part, is_item in parts:
        if not part:
            continue
        joint = ", " if is_item and after_item and text[-1].isalnum() else " "
        text = f"{text}{joint}{part}" if text else part
        after_item = is_item
    return text


_FIGURE = re.compile(r"[^\w(]*\(?[<>≤≥~±+−–-]?\s*[£$€]?\d[\d.,]*\s*(?:%|[a-zA-Z]{1,3}\b)?")


def looks_headed(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row seems to name the columns, for files that do not say so.

    It does when it is full and holds no figure, and another column than the first has figures in all rows below it.
    """
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    first, body = rows[0], rows[1:]
    if not all(first[1:]) or any(_FIGURE.match(cell) for cell in first):
        return False
    return any(
        all(place < len(row) and (not row[place] or _FIGURE.match(row[place])) for row in body)
        and any(place < len(row) and row[place] for row in body)
        for place in range(1, len(first))
    )
