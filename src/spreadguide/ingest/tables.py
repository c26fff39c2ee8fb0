"""Writes the rows of a table out in words, so that each can be read and cited alone."""

from __future__ import annotations

from collections.abc import Sequence

from spreadguide.text import normalise, squeeze


def rows_as_text(rows: Sequence[Sequence[str]], *, headed: bool = True) -> list[str]:
    """Return one line per row, as ``Column: value; Column: value``.

    With ``headed``, the first row names the columns and is not returned, unless it is the only one. Empty cells
    are left out, and so is the name of a column that has none. Without names, two cells are a term and what is said
    of it.
    """
    cleaned = [[squeeze(normalise(cell)) for cell in row] for row in rows]
    cleaned = [row for row in cleaned if any(row)]
    if not cleaned:
        return []
    names = cleaned[0] if headed and len(cleaned) > 1 else []
    body = cleaned[1:] if names else cleaned
    return [_row(row, names) if names else _bare_row(row) for row in body]


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
