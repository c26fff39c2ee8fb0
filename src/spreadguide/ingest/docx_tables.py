"""Word's tables: merged cells, header rows, tables within tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from docx.oxml.ns import qn

from spreadguide.ingest.builder import Piece
from spreadguide.ingest.docx_lists import value
from spreadguide.ingest.tables import Cell, cell_text, cells_as_text, looks_headed, row_pieces
from spreadguide.types import BlockKind

_UNSHADED = (None, "auto", "FFFFFF")
_SCHEMES = "/".join(map(qn, ("w:rPr", "w:b")))

ParagraphText = Callable[[Any], tuple[str, bool]]
"""The words of a paragraph, and whether it is a list item."""


def rows_of(table: Any) -> list[Any]:
    """Return a table's own rows; they can stand inside content controls."""
    return [row for row in table.iter(qn("w:tr")) if next(row.iterancestors(qn("w:tbl")), None) is table]


def table_rows(table: Any, style: Any | None, text_of: ParagraphText, deeper: int) -> Iterator[Piece]:
    """Yield a table row by row. ``style`` is its style's element; tables within it are followed ``deeper`` levels.

    Lines across the whole width above the first row are captions. A table within a cell follows its row.
    """
    rows = rows_of(table)
    cells = _merged(rows, text_of)
    captions = 0
    while captions + 1 < len(rows) and len(cells[captions]) == 1:
        captions += 1
    yield from (Piece(BlockKind.PARAGRAPH, row[0].text) for row in cells[: max(0, captions - 1)])
    header_rows = _header_rows(rows[captions:], cells[captions:], table, style)
    lines = cells_as_text(cells[captions:], header_rows=header_rows)
    yield from row_pieces(lines, cells[captions - 1][0].text if captions else "")
    if deeper > 0:
        for inner in table.iter(qn("w:tbl")):
            if next(inner.iterancestors(qn("w:tbl")), None) is table:
                yield from table_rows(inner, None, text_of, deeper - 1)


def _merged(rows: list[Any], text_of: ParagraphText) -> list[list[Cell]]:
    """Return each row's cells; one that is merged with the cell above it makes that one taller, and is left out."""
    made: list[list[Cell]] = []
    above: dict[int, tuple[int, int]] = {}
    """Column to the row and place of the cell that ends there."""
    for row in rows:
        line: list[Cell] = []
        now: dict[int, tuple[int, int]] = {}
        column = int(value(row, "w:trPr/w:gridBefore") or 0)
        line += [Cell("")] * column
        for cell in row.iter(qn("w:tc")):
            if next(cell.iterancestors(qn("w:tr")), None) is not row:
                continue
            wide = max(1, int(value(cell, "w:tcPr/w:gridSpan") or 1))
            merge = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
            carried = merge is not None and merge.get(qn("w:val")) != "restart" and column in above
            text = _text(cell, text_of)
            if carried and not text:
                at, nth = above[column]
                taller = made[at][nth]
                made[at][nth] = Cell(taller.text, taller.columns, taller.rows + 1)
                now[column] = above[column]
            else:
                now[column] = (len(made), len(line))
                line.append(Cell(text, wide))
            column += wide
        above = now
        made.append(line)
    return made


def _text(cell: Any, text_of: ParagraphText) -> str:
    """Return the words of a cell, without those of tables within it."""
    own = [part for part in cell.iter(qn("w:p")) if next(part.iterancestors(qn("w:tc")), None) is cell]
    return cell_text(text_of(part) for part in own)


def _header_rows(rows: list[Any], cells: list[list[Cell]], table: Any, style: Any | None) -> int:
    """Return how many rows name the columns: those that say so, or the first where it alone is marked out.

    A header with merged cells goes on for as long as the rows are marked out too.
    """
    if len(rows) < 2:
        return 0
    says_so = [row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None for row in rows]
    if says_so[0]:
        return says_so.index(False) if False in says_so else 1
    marked = [_is_marked_out(row) for row in rows]
    if _style_marks_first_row(table, style):
        marked[0] = True
    if not any(marked) and looks_headed([[cell.text for cell in row] for row in cells]):
        return 1
    if not marked[0] or all(marked):
        return 0
    count = marked.index(False)
    merged = any(cell.columns > 1 or cell.rows > 1 for cell in cells[0])
    return count if count == 1 or merged else 0


def _style_marks_first_row(table: Any, style: Any | None) -> bool:
    """Whether the table's style sets its first row apart, and the table uses that."""
    look = table.find(f"{qn('w:tblPr')}/{qn('w:tblLook')}")
    if look is None or style is None:
        return False
    flags = look.get(qn("w:val")) or "0"
    uses = look.get(qn("w:firstRow")) == "1" or bool(int(flags, 16) & 0x20)
    return uses and any(part.get(qn("w:type")) == "firstRow" for part in style.findall(qn("w:tblStylePr")))


def _is_marked_out(row: Any) -> bool:
    """Whether every cell of a row is shaded, or every run in it is bold."""
    fills = [cell.find(f"{qn('w:tcPr')}/{qn('w:shd')}") for cell in row.findall(qn("w:tc"))]
    shaded = all(fill is not None and fill.get(qn("w:fill")) not in _UNSHADED for fill in fills)
    runs = [run for run in row.iter(qn("w:r")) if run.find(qn("w:t")) is not None]
    return shaded or (bool(runs) and all(run.find(_SCHEMES) is not None for run in runs))
