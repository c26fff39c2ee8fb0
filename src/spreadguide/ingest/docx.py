"""Reads Word files (.docx): headings, lists by style or numbering, tables, tracked insertions included."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import docx
from docx.document import Document as WordDocument
from docx.opc.exceptions import OpcError
from docx.oxml.exceptions import InvalidXmlError
from docx.oxml.ns import qn

from spreadguide.errors import UnreadableDocument
from spreadguide.ingest.builder import Piece
from spreadguide.ingest.limits import MEGABYTE, IngestLimits
from spreadguide.ingest.reading import Reading
from spreadguide.ingest.tables import rows_as_text
from spreadguide.text import squeeze
from spreadguide.types import BlockKind

MOST_PARTS = 10_000
"""A Word file has tens of parts, or hundreds with many pictures."""

HEADING_WORDS = 24
SHORT_HEADING_WORDS = 12
"""A heading has at most the first number of words, and where it ends like a sentence, at most the second."""

_DAMAGE = (
    OpcError,
    InvalidXmlError,
    SyntaxError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    OSError,
    EOFError,
    KeyError,
    ValueError,
    IndexError,
    AttributeError,
    TypeError,
    NotImplementedError,
    RuntimeError,
)
"""What python-docx, lxml (its XML errors are syntax errors) and zipfile raise on files that are not what they claim."""

_OLE_MARK = b"\xd0\xcf\x11\xe0"
"""First bytes of Microsoft's older container: an encrypted .docx, or an old .doc."""

_HEADING_STYLE = re.compile(r"heading (\d)")
_LIST_STYLE = re.compile(r"list(?: (?:bullet|number|paragraph|continue))?(?: (\d))?")
_SKIPPED_STYLE = re.compile(r"toc\b|table of (?:contents|figures)|header|footer|caption")
_SKIPPED_PARTS = frozenset(map(qn, ("w:del", "w:moveFrom", "w:txbxContent", "w:instrText")))
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_DEEPEST = 20
"""Tables within tables, and content controls within each other, are followed this far."""

_MOST_COLUMNS = 63
"""Word's own limit."""


def read_docx(data: bytes, path: str, limits: IngestLimits) -> Reading:
    """Read a Word file; raises `UnreadableDocument` when it is damaged, encrypted or unpacks to too much."""
    if data.startswith(_OLE_MARK):
        raise UnreadableDocument(
            f"{path} is protected by a password, or is an old Word file.",
            hint="Open it in Word and save it as .docx without a password.",
        )
    try:
        _check_unpacked_size(data, path, limits)
        document = docx.Document(io.BytesIO(data))
        pieces = tuple(_Walk(document).pieces())
        title = squeeze(document.core_properties.title or "")
    except _DAMAGE as error:
        raise UnreadableDocument(
            f"{path} is damaged, or not a Word file.", hint="Open it in Word and save it again, or remove it."
        ) from error
    return Reading(pieces, fallback_title=title)


def _check_unpacked_size(data: bytes, path: str, limits: IngestLimits) -> None:
    """Refuse a file that unpacks to more than the limit, before anything of it is unpacked.

    The sizes in the file's directory can be trusted: zipfile stops with an error where a part is longer.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
    size = sum(part.file_size for part in parts)
    if size > limits.docx_bytes or len(parts) > MOST_PARTS:
        raise UnreadableDocument(
            f"{path} unpacks to {size / MEGABYTE:.0f} MB in {len(parts)} parts; "
            f"the limit is {limits.docx_bytes / MEGABYTE:.0f} MB in {MOST_PARTS} parts.",
            hint="Check where the file comes from, or raise the limit (docx_bytes).",
        )


class _Walk:
    """One pass over the body of a Word file."""

    def __init__(self, document: WordDocument) -> None:
        self._document = document
        self._styles = {style.style_id: style for style in document.styles}
        self._list: tuple[str, ...] = ()
        """The numbering of the list that is open."""

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces of the document in reading order."""
        yield from self._blocks(self._document.element.body, 0)

    def _blocks(self, parent: Any, depth: int) -> Iterator[Piece]:
        for child in parent:
            if child.tag == qn("w:p"):
                yield from self._paragraph(child)
            elif child.tag == qn("w:tbl"):
                self._list = ()
                yield from self._table(child, depth)
            elif child.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:ins")) and depth < _DEEPEST:
                yield from self._blocks(child, depth + 1)

    def _paragraph(self, element: Any) -> Iterator[Piece]:
        text = squeeze("".join(_words(element)))
        style_id = _value(element, "w:pPr/w:pStyle")
        style = self._styles.get(style_id) if style_id else None
        name = (style.name or "").lower() if style is not None else ""
        if not text or _SKIPPED_STYLE.match(name) or _leads_to_heading(element):
            return
        level = self._heading_level(element, style, name)
        listed = self._list_place(element, style, name)
        if level and not _is_clause(text):
            self._list = ()
            yield Piece(BlockKind.HEADING, text, level=level)
        elif listed:
            numbering, depth = listed
            starts = numbering != self._list[:1] and depth == 1
            self._list = numbering if depth == 1 or not self._list else self._list
            yield Piece(BlockKind.LIST_ITEM, text, level=depth, starts_list=starts)
        else:
            self._list = ()
            yield Piece(BlockKind.PARAGRAPH, text)

    def _heading_level(self, element: Any, style: Any, name: str) -> int:
        """Return 1 for the title, one more than Word's level for a heading, or 0."""
        if name == "title":
            return 1
        match = _HEADING_STYLE.match(name)
        if match:
            return int(match.group(1)) + 1
        outline = _value(element, "w:pPr/w:outlineLvl")
        while outline is None and style is not None:
            outline = _value(style.element, "w:pPr/w:outlineLvl")
            style = style.base_style
        return int(outline) + 2 if outline is not None and outline.isdigit() and int(outline) < 9 else 0

    def _list_place(self, element: Any, style: Any, name: str) -> tuple[tuple[str, ...], int] | None:
        """Return the numbering and the depth of a list item, or nothing for other paragraphs."""
        number, level = _value(element, "w:pPr/w:numPr/w:numId"), _value(element, "w:pPr/w:numPr/w:ilvl")
        while number is None and style is not None:
            number = _value(style.element, "w:pPr/w:numPr/w:numId")
            level = level or _value(style.element, "w:pPr/w:numPr/w:ilvl")
            style = style.base_style
        if number == "0":
            return None
        match = _LIST_STYLE.fullmatch(name)
        if number is not None:
            depth = int(level) + 1 if level else int(match.group(1) or 1) if match else 1
            return (number,), depth
        if match and name not in ("list paragraph",) and "continue" not in name:
            return (name,), int(match.group(1) or 1)
        return None

    def _table(self, element: Any, depth: int) -> Iterator[Piece]:
        """Write a table out by rows; a table of one column only frames text, and is read like the body."""
        rows = [row for row in element.iter(qn("w:tr")) if _owner(row) is element]
        if depth < _DEEPEST and all(len(_cells(row)) < 2 for row in rows):
            for row in rows:
                for cell in _cells(row):
                    yield from self._blocks(cell, depth + 1)
            return
        texts: list[list[str]] = []
        for row in rows:
            texts.append(_row_texts(row, texts[-1] if texts else []))
        captions = 0
        while captions + 1 < len(rows) and len(_cells(rows[captions])) == 1:
            yield Piece(BlockKind.PARAGRAPH, texts[captions][0])
            captions += 1
        rows, texts = rows[captions:], texts[captions:]
        headed = _is_headed(rows)
        yield from (Piece(BlockKind.TABLE_ROW, row) for row in rows_as_text(texts, headed=headed))


def _is_clause(text: str) -> bool:
    """Whether a text in a heading style is a sentence: many policies number their clauses with heading styles."""
    words = len(text.split())
    return words > HEADING_WORDS or (words > SHORT_HEADING_WORDS and text[-1] in ".;:,")


def _leads_to_heading(element: Any) -> bool:
    """Whether a paragraph is a line of the table of contents: a link to a heading's bookmark."""
    return any((link.get(qn("w:anchor")) or "").startswith("_Toc") for link in element.iter(qn("w:hyperlink")))


def _is_headed(rows: list[Any]) -> bool:
    """Whether the first row names the columns: it says so, or it alone is bold or shaded throughout."""
    if len(rows) < 2:
        return False
    says_so = rows[0].find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None
    return says_so or (_is_marked_out(rows[0]) and not _is_marked_out(rows[1]))


def _is_marked_out(row: Any) -> bool:
    """Whether every cell of a row is shaded, or every run in it is bold."""
    fills = [cell.find(f"{qn('w:tcPr')}/{qn('w:shd')}") for cell in _cells(row)]
    shaded = all(fill is not None and fill.get(qn("w:fill")) not in (None, "auto", "FFFFFF") for fill in fills)
    runs = [run for run in row.iter(qn("w:r")) if run.find(qn("w:t")) is not None]
    return shaded or (bool(runs) and all(run.find(f"{qn('w:rPr')}/{qn('w:b')}") is not None for run in runs))


def _owner(row: Any) -> Any:
    """Return the table that a row belongs to; rows can stand inside content controls."""
    parent = row.getparent()
    while parent is not None and parent.tag != qn("w:tbl"):
        parent = parent.getparent()
    return parent


def _cells(row: Any) -> list[Any]:
    return [cell for cell in row if cell.tag == qn("w:tc")]


def _row_texts(row: Any, above: list[str]) -> list[str]:
    """Return one text per column: a cell over several columns fills the first, one over several rows fills each."""
    texts: list[str] = []
    for cell in _cells(row):
        text = squeeze(" ".join("".join(_words(paragraph)) for paragraph in cell.iter(qn("w:p"))))
        merged = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
        if not text and merged is not None and merged.get(qn("w:val")) != "restart" and len(texts) < len(above):
            text = above[len(texts)]
        columns = min(int(_value(cell, "w:tcPr/w:gridSpan") or 1), _MOST_COLUMNS)
        texts += [text] + [""] * (columns - 1)
    return texts


def _words(element: Any) -> Iterator[str]:
    """Yield the text of a paragraph: tracked insertions count, deletions and text boxes do not."""
    for child in element:
        if child.tag == qn("w:t"):
            yield child.text or ""
        elif child.tag in (qn("w:tab"), qn("w:br"), qn("w:cr")):
            yield " "
        elif child.tag == qn("w:noBreakHyphen"):
            yield "-"
        elif child.tag not in _SKIPPED_PARTS and child.tag != _FALLBACK:
            yield from _words(child)


def _value(element: Any, where: str) -> str | None:
    """Return the ``w:val`` of the first element at ``where``, a path such as ``w:pPr/w:numPr``."""
    found = element.find("/".join(map(qn, where.split("/"))))
    return None if found is None else found.get(qn("w:val"))
