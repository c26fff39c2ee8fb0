"""Reads Word files (.docx): headings, lists, tables, notes, text boxes, tracked insertions included."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

import docx
from docx.document import Document as WordDocument
from docx.oxml.ns import qn
from docx.oxml.parser import parse_xml

from spreadguide.ingest.builder import Piece
from spreadguide.ingest.docx_lists import Numbering, OpenLists, Place, find_place, indent_of, value
from spreadguide.ingest.docx_tables import rows_of, table_rows
from spreadguide.ingest.limits import IngestLimits
from spreadguide.ingest.office import DAMAGE, check_package, damaged
from spreadguide.ingest.reading import Reading
from spreadguide.text import squeeze
from spreadguide.types import BlockKind

HEADING_WORDS = 24
SHORT_HEADING_WORDS = 12
"""A heading has at most the first number of words, and where it ends like a sentence, at most the second."""

_HEADING_STYLE = re.compile(r"heading (\d)")
_LIST_STYLE = re.compile(r"list (?:bullet|number)(?: (\d))?")
_SKIPPED_STYLE = re.compile(r"toc\b|table of (?:contents|figures)|header|footer")
_CONTENTS = re.compile(r"(?:table of )?contents", re.IGNORECASE)
_SKIPPED_PARTS = frozenset(map(qn, ("w:del", "w:moveFrom", "w:txbxContent", "w:instrText", "w:rt")))
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_FORMULA_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_NOTE_MARKS = {qn("w:footnoteReference"): "footnotes", qn("w:endnoteReference"): "endnotes"}
_NOTE_NAMES = {"footnotes": "Note", "endnotes": "Endnote"}
_GALLERY = "/".join(map(qn, ("w:sdtPr", "w:docPartObj", "w:docPartGallery")))
_WRAPPERS = frozenset(map(qn, ("w:sdt", "w:sdtContent", "w:ins", "w:moveTo", "w:customXml", "w:smartTag")))
_DEEPEST = 20
"""Tables within tables, and content controls within each other, are followed this far."""

LEVEL_INDENT = 360
"""Twentieths of a point: how far Word's list styles set each level further in."""


def read_docx(data: bytes, path: str, limits: IngestLimits) -> Reading:
    """Read a Word file; raises `UnreadableDocument` when it is damaged, encrypted or unpacks to too much."""
    check_package(data, path, limits, "Word", ".docx")
    try:
        document = docx.Document(io.BytesIO(data))
        pieces = tuple(_Walk(document).pieces())
        title = squeeze(document.core_properties.title or "")
    except DAMAGE as error:
        raise damaged(path, "Word") from error
    return Reading(pieces, fallback_title=title)


class _Walk:
    """One pass over the body of a Word file."""

    def __init__(self, document: WordDocument) -> None:
        self._body = document.element.body
        self._styles = {style.style_id: style.element for style in document.styles}
        self._numbering = Numbering(_related(document, "numbering"))
        self._notes = {kind: _Notes(_related(document, kind)) for kind in _NOTE_NAMES}
        self._lists = OpenLists()
        self._held: list[Any] = []
        """Text boxes that wait for the end of the paragraph, list or table they stand beside."""
        self._held_notes: list[Piece] = []
        self._leads = False
        """Whether the last paragraph introduces what follows it."""
        self._continued = False
        """Whether the last paragraph belongs to a list item, without being one: it can introduce a list of its own."""

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces of the document in reading order."""
        yield from self._blocks(self._body, 0)
        yield from self._release(0)

    def _blocks(self, parent: Any, depth: int) -> Iterator[Piece]:
        for child in parent:
            if child.tag == qn("w:p"):
                yield from self._paragraph(child, depth)
            elif child.tag == qn("w:tbl"):
                yield from self._table(child, depth)
            elif child.tag in _WRAPPERS and depth < _DEEPEST and not _is_contents(child):
                yield from self._blocks(child, depth + 1)

    def _release(self, depth: int) -> Iterator[Piece]:
        """Yield the notes and text boxes of what has just ended; a lead-in is not cut from what it introduces."""
        boxes, self._held = self._held, []
        yield from self._held_notes
        self._held_notes = []
        for box in boxes:
            self._lists.close()
            yield from self._blocks(box, depth + 1)

    def _paragraph(self, element: Any, depth: int) -> Iterator[Piece]:
        styles = self._style_chain(element)
        name = (value(styles[0], "w:name") or "").lower() if styles else ""
        notes: list[Piece] = []
        text = squeeze("".join(self._words(element, notes)))
        boxes = list(_text_boxes(element)) if depth < _DEEPEST else []
        if not text or _SKIPPED_STYLE.match(name) or _leads_to_heading(element) or _CONTENTS.fullmatch(text):
            self._held += boxes
            return
        level = 0 if _is_clause(text) else _heading_level(element, styles, name)
        place = None if level else self._place(element, styles, name)
        continues = not place and not level and self._lists.continues(indent_of(element, styles))
        if not (place or continues or self._leads):
            yield from self._release(depth)
        self._held += boxes
        self._held_notes += notes
        introduced = self._leads and self._continued
        self._leads, self._continued = text.endswith(":"), continues
        if place:
            deep, starts = self._lists.item(place)
            starts = starts or (introduced and not place.ordered)
            yield Piece(BlockKind.LIST_ITEM, text, level=deep, starts_list=starts)
            return
        if not continues:
            self._lists.close()
        kind = BlockKind.HEADING if level else BlockKind.PARAGRAPH
        yield Piece(kind, text, level=level, continues=continues)

    def _place(self, element: Any, styles: list[Any], name: str) -> Place | None:
        """Return where a paragraph stands in a list: by its numbering, or else by a list style's name."""
        place = find_place(element, styles, self._numbering)
        match = _LIST_STYLE.fullmatch(name)
        if place is not None or match is None or value(element, "w:pPr/w:numPr/w:numId") == "0":
            return place
        level = int(match.group(1) or 1) - 1
        return Place(name.rstrip(" 0123456789"), level, level * LEVEL_INDENT + LEVEL_INDENT, "number" in name)

    def _style_chain(self, element: Any) -> list[Any]:
        """Return a paragraph's style and those it is based on."""
        chain: list[Any] = []
        style = self._styles.get(value(element, "w:pPr/w:pStyle") or "")
        while style is not None and style not in chain:
            chain.append(style)
            style = self._styles.get(value(style, "w:basedOn") or "")
        return chain

    def _table(self, element: Any, depth: int) -> Iterator[Piece]:
        """Write a table out by rows; a table of one column only frames text, and is read like the body."""
        rows = rows_of(element)
        if not self._leads:
            yield from self._release(depth)
        self._lists.close()
        self._leads = False
        if depth < _DEEPEST and all(len(row.findall(qn("w:tc"))) < 2 for row in rows):
            for cell in (cell for row in rows for cell in row.findall(qn("w:tc"))):
                yield from self._blocks(cell, depth + 1)
            return
        style = self._styles.get(value(element, "w:tblPr/w:tblStyle") or "")
        yield from table_rows(element, style, self._cell_text, _DEEPEST - depth)

    def _cell_text(self, paragraph: Any) -> tuple[str, bool]:
        """Return the words of a paragraph in a table, and whether it is a list item; its notes follow the table."""
        styles = self._style_chain(paragraph)
        name = (value(styles[0], "w:name") or "").lower() if styles else ""
        text = squeeze("".join(self._words(paragraph, self._held_notes)))
        return text, self._place(paragraph, styles, name) is not None

    def _words(self, element: Any, notes: list[Piece]) -> Iterator[str]:
        """Yield the text of a paragraph: tracked insertions count, deletions and text boxes do not.

        The notes that it refers to are added to ``notes``.
        """
        for child in element:
            if child.tag in (qn("w:t"), _FORMULA_TEXT):
                yield child.text or ""
            elif child.tag in (qn("w:tab"), qn("w:br"), qn("w:cr"), qn("w:ptab")):
                yield " "
            elif child.tag == qn("w:noBreakHyphen"):
                yield "-"
            elif child.tag in _NOTE_MARKS:
                notes += self._note(_NOTE_MARKS[child.tag], child.get(qn("w:id")) or "")
            elif child.tag not in _SKIPPED_PARTS and child.tag != _FALLBACK:
                yield from self._words(child, notes)

    def _note(self, kind: str, number: str) -> Iterator[Piece]:
        """Yield a foot- or endnote as a paragraph that says which one it is."""
        count, node = self._notes[kind].take(number)
        if node is not None:
            text = squeeze(" ".join("".join(self._words(part, [])) for part in node.iter(qn("w:p"))))
            if text:
                yield Piece(BlockKind.PARAGRAPH, f"{_NOTE_NAMES[kind]} {count}: {text}")


class _Notes:
    """The foot- or endnotes of a file; each is given out once, and counted as Word counts them."""

    def __init__(self, root: Any | None) -> None:
        self._nodes = {} if root is None else {node.get(qn("w:id")): node for node in root}
        self._count = 0

    def take(self, number: str) -> tuple[int, Any | None]:
        """Return the note's place in the count, and its element where there is one."""
        self._count += 1
        return self._count, self._nodes.pop(number, None)


def _related(document: WordDocument, kind: str) -> Any | None:
    """Return the root of the part of that kind, parsed without following entities; nothing where there is none."""
    parts = (
        link.target_part
        for link in document.part.rels.values()
        if not link.is_external and link.reltype.endswith(f"/{kind}")
    )
    part = next(parts, None)
    return None if part is None else parse_xml(part.blob)


def _heading_level(element: Any, styles: list[Any], name: str) -> int:
    """Return 1 for the title, one more than Word's level for a heading, or 0."""
    if name == "title":
        return 1
    match = _HEADING_STYLE.match(name)
    if match:
        return int(match.group(1)) + 1
    outline = next((found for node in (element, *styles) if (found := value(node, "w:pPr/w:outlineLvl"))), "")
    return int(outline) + 2 if outline.isdigit() and int(outline) < 9 else 0


def _is_clause(text: str) -> bool:
    """Whether a text in a heading style is a sentence: many policies number their clauses with heading styles."""
    words = len(text.split())
    return words > HEADING_WORDS or (words > SHORT_HEADING_WORDS and text[-1] in ".;:,")


def _leads_to_heading(element: Any) -> bool:
    """Whether a paragraph is a line of the table of contents: a link to a heading's bookmark."""
    return any((link.get(qn("w:anchor")) or "").startswith("_Toc") for link in element.iter(qn("w:hyperlink")))


def _is_contents(element: Any) -> bool:
    """Whether a content control is the table of contents."""
    gallery = element.find(_GALLERY)
    return gallery is not None and gallery.get(qn("w:val")) == "Table of Contents"


def _text_boxes(element: Any) -> Iterable[Any]:
    """Yield the text boxes anchored in a paragraph; older programs' copies of the same box are left out."""
    for box in element.iter(qn("w:txbxContent")):
        above = list(box.iterancestors(qn("w:txbxContent"), _FALLBACK, qn("w:p")))
        if above and above[0] is element:
            yield box
