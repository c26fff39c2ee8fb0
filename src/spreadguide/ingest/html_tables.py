"""HTML's tables: spans, header cells, captions; and tables that only lay a page out."""

from __future__ import annotations

from selectolax.lexbor import LexborNode

from spreadguide.ingest.builder import Piece
from spreadguide.ingest.tables import (
    MOST_COLUMNS,
    MOST_SPANNED_ROWS,
    Cell,
    cell_text,
    cells_as_text,
    looks_headed,
    row_pieces,
)
from spreadguide.text import squeeze

LAYOUT_WORDS = 150
"""A cell of a real table holds a few words, at most a paragraph; a longer one with blocks in it is a part of a page."""


def is_layout(table: LexborNode) -> bool:
    """Whether a table only lays the page out: it holds tables, headings or long texts, or has one column."""
    if len(table.css("table")) > 1 or (table.attributes.get("role") or "") in ("presentation", "none"):
        return True
    widest = 0
    for row in _rows(table):
        cells = _cells(row)
        widest = max(widest, len(cells))
        if any(_is_page_part(cell) for cell in cells):
            return True
    return widest < 2


def _is_page_part(cell: LexborNode) -> bool:
    if cell.css_first("h1, h2, h3, form") is not None:
        return True
    return len(cell.css("p, div, ul")) > 1 and len(cell.text().split()) > LAYOUT_WORDS


def table_pieces(table: LexborNode) -> list[Piece]:
    """Return a table's caption and rows, those of its foot last."""
    caption = table.css_first("caption")
    title = squeeze(caption.text(separator=" ")) if caption is not None else ""
    rows = [row for row in _rows(table) if _cells(row)]
    cells = [[_cell(cell) for cell in _cells(row)] for row in rows]
    header_rows = _header_rows(rows)
    if not header_rows and looks_headed([[cell.text for cell in row] for row in cells]):
        header_rows = 1
    return row_pieces(cells_as_text(cells, header_rows=header_rows), title)


def _rows(table: LexborNode) -> list[LexborNode]:
    """Return the rows, those of the head first and those of the foot last, wherever the page has them."""
    rows = table.css("tr")
    order = {"thead": 0, "tfoot": 2}
    return sorted(rows, key=lambda row: order.get((row.parent.tag if row.parent is not None else "") or "", 1))


def _cells(row: LexborNode) -> list[LexborNode]:
    return [cell for cell in row.iter() if cell.tag in ("td", "th")]


def _header_rows(rows: list[LexborNode]) -> int:
    """Return how many rows name the columns: those of the head, or those with nothing but header cells."""
    count = 0
    for row in rows:
        in_head = row.parent is not None and row.parent.tag == "thead"
        if not in_head and any(cell.tag == "td" for cell in _cells(row)):
            # A blank corner is often no header cell.
            first, *others = _cells(row)
            if count or not others or squeeze(first.text()) or any(cell.tag == "td" for cell in others):
                break
        count += 1
    return count if count < len(rows) else 0


def _cell(node: LexborNode) -> Cell:
    return Cell(_text(node), _number(node, "colspan", MOST_COLUMNS), _number(node, "rowspan", MOST_SPANNED_ROWS))


def _number(node: LexborNode, name: str, most: int) -> int:
    text = (node.attributes.get(name) or "").strip()
    return max(1, min(int(text), most)) if text.isdecimal() and len(text) < len(str(most)) + 2 else 1


def _text(cell: LexborNode) -> str:
    """Return the words of a cell, its list items parted by commas, the marks of notes left out."""
    for mark in cell.css("sup"):
        if mark.css_first("a") is not None:
            mark.decompose()
    items = cell.css("li")
    if not items:
        return squeeze(cell.text(separator=" "))
    listed = [(squeeze(item.text(separator=" ")), True) for item in items]
    for item in items:
        item.decompose()
    return cell_text([(squeeze(cell.text(separator=" ")), False), *listed])
