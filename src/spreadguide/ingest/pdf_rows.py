"""Writes tables out: a row as one line of ``Column: value``, and cells of running text as lists under their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from spreadguide.ingest.boxed import Boxed, cut, join, of_line, together
from spreadguide.ingest.outline import Para, bullet_end, is_marked
from spreadguide.ingest.pdf_page import Line
from spreadguide.ingest.pdf_tables import Cell, Column, Table, is_section, name_of, named_rows, without_colon
from spreadguide.types import BlockKind

ROW_WORDS = 60
"""A row of more words than this is text set in a table; a passage of two or three sentences has as many."""

CELL_WORDS = 25
"""In such a row, cells of at most this many words stay together as a row: values, not text."""

LABEL_WORDS = 12
"""A first cell of at most this many words names its row; it is repeated in each row that it spans."""

SECTION_WORDS = 24
"""A cell across the whole table with at most this many words is a title for the rows below."""

LIST_MARKS = 2
"""A cell with so many bullets is a list."""

INDENT = 9.0
"""Points; a bullet that stands further right than the one above by this much is one level deeper."""

PARAGRAPH_GAP = 1.7
"""In sizes: lines of a cell that are further apart are two paragraphs."""

MARGIN = 10.0
"""Points; a cell's text keeps the same distance from both edges, and seldom more than this."""

ROOM = 1.15
"""A line ends a paragraph when the first word of the next would have fitted on it this many times over."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A cell's lines in one row, the name of its column, and how far right its text may reach."""

    name: Boxed
    lines: tuple[Line, ...]
    right: float
    column: int

    @property
    def count(self) -> int:
        return sum(len(line.words) for line in self.lines)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row to be written: its entries, or the text that runs across the table."""

    page: int
    entries: tuple[_Entry, ...]
    across: bool = False


def table_paras(tables: Sequence[Table], known: frozenset[str]) -> list[Para]:
    """Return the paragraphs of one table, which may go on over pages."""
    found: list[Para] = []
    starts = True
    for row in _joined(list(_rows(tables, known))):
        paras = _across(row, known) if row.across else _row(row, known)
        if starts and paras and paras[0].kind is BlockKind.TABLE_ROW:
            paras[0] = replace(paras[0], starts=True)
        starts = starts and not paras
        found += paras
    return found


def _rows(tables: Sequence[Table], known: frozenset[str]) -> Iterator[_Row]:
    for table, number, columns in named_rows(tables, known):
        cells = table.rows[number]
        here = [cell for cell in cells if cell.lines and (cell.row == number or cell.count <= LABEL_WORDS)]
        if not any(cell.row == number for cell in here):
            continue
        entries = tuple(_entry(cell, table, columns) for cell in here)
        yield _Row(table.page, entries, across=is_section(cells, table))


def _entry(cell: Cell, table: Table, columns: Sequence[Column]) -> _Entry:
    margin = min((line.x0 for line in cell.lines), default=0.0) - table.xs[cell.column]
    right = table.xs[cell.column_end] - min(max(margin, 0.0), MARGIN)
    return _Entry(name_of(cell, table, columns), cell.lines, right, cell.column)


def _joined(rows: list[_Row]) -> list[_Row]:
    """Put the two parts of a row that the end of a page has cut together."""
    found: list[_Row] = []
    for row in rows:
        last = found[-1] if found else None
        if last and row.page > last.page and not row.across and not last.across and _is_rest(row, last):
            found[-1] = replace(last, entries=_merged(last.entries, row.entries))
        else:
            found.append(row)
    return found


def _is_rest(row: _Row, last: _Row) -> bool:
    """Whether a row goes on in the middle of a sentence."""
    places = {entry.column for entry in last.entries}
    return all(entry.column in places and entry.lines[0].text[0].islower() for entry in row.entries)


def _merged(first: tuple[_Entry, ...], second: tuple[_Entry, ...]) -> tuple[_Entry, ...]:
    rest = {entry.column: entry.lines for entry in second}
    return tuple(replace(entry, lines=entry.lines + rest.get(entry.column, ())) for entry in first)


def _across(row: _Row, known: frozenset[str]) -> list[Para]:
    entry = row.entries[0]
    parts = list(_parts(entry, known))
    if entry.count <= SECTION_WORDS and len(parts) == 1:
        boxed = parts[0].boxed
        return [Para(boxed.text, page=row.page, kind=BlockKind.PARAGRAPH, boxes=boxed.boxes, caption=True)]
    return [_part_para(part, row.page, loose=True) for part in parts]


def _row(row: _Row, known: frozenset[str]) -> list[Para]:
    """Return one row in one line or, where it holds running text, its values in a line and each text as a list."""
    parts = [list(_parts(entry, known)) for entry in row.entries]
    if sum(entry.count for entry in row.entries) <= ROW_WORDS and not any(map(_is_list, parts)):
        return [_line(row.page, row.entries, parts)]
    long = [entry.count > CELL_WORDS or _is_list(each) for entry, each in zip(row.entries, parts, strict=True)]
    label = row.entries[0] if not long[0] and row.entries[0].count <= LABEL_WORDS and len(row.entries) > 1 else None
    short = [place for place, is_long in enumerate(long) if not is_long]
    found = []
    if len(short) > (label is not None):
        found.append(_line(row.page, [row.entries[place] for place in short], [parts[place] for place in short]))
    for entry, each, is_long in zip(row.entries, parts, long, strict=True):
        if is_long:
            found += _text(row.page, label, entry, each, known)
    return found


def _is_list(parts: Sequence[_Part]) -> bool:
    return sum(part.level > 0 for part in parts) >= LIST_MARKS


def _line(page: int, entries: Sequence[_Entry], parts: Sequence[Sequence[_Part]]) -> Para:
    """Return a row as ``Column: value; Column: value``, in the form of `tables.rows_as_text`."""
    cells: list[tuple[Boxed, Boxed]] = [(entry.name, _value(each)) for entry, each in zip(entries, parts, strict=True)]
    pieces: list[Boxed | str] = []
    named = any(name.text for name, _ in cells)
    for place, (name, value) in enumerate(cells):
        if place:
            before = cells[place - 1][1].text
            numbered = place == 1 and not named and is_marked(f"{before} x")
            pair = not named and len(cells) == 2
            if pair and not numbered:
                pieces[-1] = without_colon(cells[0][1])
            pieces.append(" " if numbered else ": " if pair else "; ")
        if name.text and name.text != value.text:
            pieces += [name, ": "]
        pieces.append(value)
    line = together(*pieces)
    return Para(line.text, page=page, kind=BlockKind.TABLE_ROW, boxes=line.boxes)


def _value(parts: Sequence[_Part]) -> Boxed:
    """Return the paragraphs of a cell on one line."""
    pieces: list[Boxed | str] = []
    for part in parts:
        if pieces:
            last = pieces[-1]
            ended = isinstance(last, Boxed) and last.text[-1:] in ".,;:!?"
            pieces.append(" " if ended else ", ")
        pieces.append(part.boxed)
    return together(*pieces)


def _text(
    page: int, label: _Entry | None, entry: _Entry, parts: Sequence[_Part], known: frozenset[str]
) -> Iterator[Para]:
    """Yield a cell of running text: a line that names its row and column, and its paragraphs as a list below."""
    head: list[Boxed | str] = []
    if label:
        head.append(without_colon(join([of_line(line) for line in label.lines], known)))
    if entry.name.text:
        head += [" – ", entry.name] if head else [entry.name]
    if head:
        lead = together(*head, ":")
        yield Para(lead.text, page=page, kind=BlockKind.PARAGRAPH, boxes=lead.boxes)
    for place, part in enumerate(parts):
        para = _part_para(part, page, loose=not head)
        yield replace(para, starts=True) if place == 0 and para.kind is BlockKind.LIST_ITEM else para


@dataclass(frozen=True, slots=True)
class _Part:
    """A paragraph of a cell; ``level`` is above 0 where it has a bullet or number."""

    boxed: Boxed
    level: int
    nested: bool


def _part_para(part: _Part, page: int, *, loose: bool) -> Para:
    """Return a paragraph of a cell; ``loose`` says that no line leads to it."""
    boxes, text = part.boxed.boxes, part.boxed.text
    first = boxes[0].page if boxes else page
    if loose and not part.level:
        return Para(text, page=first, kind=BlockKind.PARAGRAPH, boxes=boxes)
    level = max(1, part.level + (part.nested and not loose))
    return Para(text, page=first, kind=BlockKind.LIST_ITEM, boxes=boxes, level=level)


def _parts(entry: _Entry, known: frozenset[str]) -> Iterator[_Part]:
    """Yield the paragraphs of a cell."""
    groups: list[list[Line]] = []
    right = max(entry.right, *(line.x1 for line in entry.lines)) if len(entry.lines) > 1 else entry.right
    for line in entry.lines:
        if groups and not _starts_paragraph(groups[-1], line, right):
            groups[-1].append(line)
        else:
            groups.append([line])
    indents: list[float] = []
    plain = False
    for group in groups:
        boxed = join([of_line(line) for line in group], known)
        end = bullet_end(boxed.text)
        level = 0
        if end and boxed.text[end:]:
            boxed = cut(boxed, end)
            x0 = group[0].x0
            while indents and indents[-1] > x0 + INDENT:
                indents.pop()
            if not indents or indents[-1] < x0 - INDENT:
                indents.append(x0)
            level = len(indents)
        else:
            indents.clear()
            plain = True
        yield _Part(boxed, level, nested=plain)


def _starts_paragraph(group: Sequence[Line], line: Line, right: float) -> bool:
    """Whether a line of a cell starts a paragraph: by a mark, its distance, or the room left on the line above."""
    above = group[-1]
    if is_marked(line.text):
        return True
    if line.page == above.page and line.base - above.base > PARAGRAPH_GAP * max(above.size, line.size):
        return True
    first = line.words[0]
    room = right - above.x1 > ROOM * (first.x1 - first.x0) + above.size / 2
    return room and (first.text[0].isupper() or first.text[0].isdigit()) and not _marks(group)


def _marks(group: Sequence[Line]) -> bool:
    """Whether a paragraph is an item whose next line, set further in, still belongs to it."""
    return bool(bullet_end(group[0].text)) and len(group) == 1 and group[0].text[-1:] not in ".;:"
