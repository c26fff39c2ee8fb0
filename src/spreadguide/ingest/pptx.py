"""Reads PowerPoint files (.pptx): a heading per slide, bullets at their levels, tables, charts and speaker notes."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PythonPptxError
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn

from spreadguide.ingest.builder import Piece
from spreadguide.ingest.limits import IngestLimits
from spreadguide.ingest.office import DAMAGE, check_package, damaged
from spreadguide.ingest.pptx_order import Placed, in_reading_order
from spreadguide.ingest.reading import Reading
from spreadguide.ingest.tables import Cell, cell_text, cells_as_text, row_pieces
from spreadguide.text import squeeze
from spreadguide.types import BlockKind

NOTES_HEADING = "Notes"
TITLE_LEVEL, SLIDE_LEVEL, NOTES_LEVEL = 1, 2, 3

RUNNING_SLIDES = 3
RUNNING_SHARE = 0.5
RUNNING_CHARACTERS = 100
"""A short text that stands on so many slides, and on this share of them, is a running footer."""

MOST_POINTS = 500
"""Values of one chart that are written out; more of them are a curve to look at, not facts to cite."""

DEEPEST_GROUP = 20
_LINE_BREAKS = re.compile(r"[\v\n]+")
_TITLES = (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE, PP_PLACEHOLDER.VERTICAL_TITLE)
_FURNITURE = (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.HEADER, PP_PLACEHOLDER.SLIDE_NUMBER)
_BULLETED = (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY, PP_PLACEHOLDER.VERTICAL_OBJECT)
_SIGNS = tuple(map(qn, ("a:buChar", "a:buAutoNum", "a:buBlip")))
_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def read_pptx(data: bytes, path: str, limits: IngestLimits) -> Reading:
    """Read a PowerPoint file; raises `UnreadableDocument` when it is damaged, encrypted or unpacks to too much.

    Hidden slides are left out, and named in a warning.
    """
    check_package(data, path, limits, "PowerPoint", ".pptx")
    try:
        presentation = Presentation(io.BytesIO(data))
        hidden = [n for n, slide in enumerate(presentation.slides, 1) if slide.element.get("show") in ("0", "false")]
        pieces = [
            piece
            for number, slide in enumerate(presentation.slides, 1)
            if number not in hidden
            for piece in _Slide(slide, number).pieces()
        ]
        title = squeeze(presentation.core_properties.title or "")
    except (*DAMAGE, PythonPptxError) as error:
        raise damaged(path, "PowerPoint") from error
    warnings = (_hidden_slides(hidden),) if hidden else ()
    first = next((piece.text for piece in pieces if piece.kind is BlockKind.HEADING and piece.page == 1), "")
    return Reading(tuple(_without_running(pieces)), fallback_title=_usable(title) or first, warnings=warnings)


def _hidden_slides(numbers: Sequence[int]) -> str:
    """Say which slides were left out, and what to do about it."""
    if len(numbers) == 1:
        return f"Slide {numbers[0]} is hidden and not read. Show it in PowerPoint to have it read."
    named = ", ".join(map(str, numbers))
    return f"Slides {named} are hidden and not read. Show them in PowerPoint to have them read."


def _usable(title: str) -> str:
    """Return the title in the file's properties, unless the program wrote its own name there."""
    return "" if title.lower().startswith("powerpoint") else title


def _without_running(pieces: list[Piece]) -> list[Piece]:
    """Drop the short texts that stand on most slides: the name of the event, the address of the site."""
    slides = len({piece.page for piece in pieces})
    pages = {(piece.text, piece.page) for piece in pieces if piece.kind is BlockKind.PARAGRAPH}
    counts = Counter(text for text, _ in pages if len(text) <= RUNNING_CHARACTERS)
    least = max(RUNNING_SLIDES, RUNNING_SHARE * slides)
    return [p for p in pieces if p.kind is not BlockKind.PARAGRAPH or counts[p.text] < least]


class _Slide:
    """One slide."""

    def __init__(self, slide: Any, number: int) -> None:
        _unwrap(slide.element)
        self._slide = slide
        self._number = number

    def pieces(self) -> Iterator[Piece]:
        """Yield title, text and notes of the slide; all of them carry its number as their page."""
        yield from (replace(piece, page=self._number) for piece in self._all())

    def _all(self) -> Iterator[Piece]:
        placed = [shape for shape in _shapes(self._slide.shapes, 0, (0, 0, 1.0, 1.0)) if not _is_furniture(shape.item)]
        titles = [shape for shape in placed if _placeholder(shape.item) in _TITLES and _text(shape.item)]
        body = [
            piece for shape in in_reading_order([s for s in placed if s not in titles]) for piece in _of(shape.item)
        ]
        notes = list(self._notes())
        if not (titles or body or notes):
            return
        opens = any(_placeholder(shape.item) is PP_PLACEHOLDER.CENTER_TITLE for shape in titles) and self._number == 1
        title = " ".join(_text(shape.item) for shape in titles) or f"Slide {self._number}"
        yield Piece(BlockKind.HEADING, title, level=TITLE_LEVEL if opens else SLIDE_LEVEL)
        yield from body
        if notes:
            yield Piece(BlockKind.HEADING, NOTES_HEADING, level=NOTES_LEVEL)
            yield from notes

    def _notes(self) -> Iterator[Piece]:
        if not self._slide.has_notes_slide:
            return
        frame = self._slide.notes_slide.notes_text_frame
        if frame is not None:
            yield from _frame(frame, lambda _level: False)


def _unwrap(slide: Any) -> None:
    """Take shapes out of their compatibility wrappers, which python-pptx does not look into."""
    for wrapper in list(slide.iter(f"{{{_COMPATIBILITY}}}AlternateContent")):
        parent = wrapper.getparent()
        if len(wrapper) and parent is not None:
            for shape in list(wrapper[0]):
                wrapper.addprevious(shape)
            parent.remove(wrapper)


def _shapes(shapes: Any, depth: int, frame: tuple[float, float, float, float]) -> Iterator[Placed[Any]]:
    """Yield the shapes with what they hold, those within groups too, in the slide's own measure."""
    left, top, wide, high = frame
    for shape in shapes:
        x, y = left + (shape.left or 0) * wide, top + (shape.top or 0) * high
        width, height = (shape.width or 0) * wide, (shape.height or 0) * high
        inner = getattr(shape, "shapes", None)
        if inner is None:
            yield Placed(x, y, width, height, shape)
        elif depth < DEEPEST_GROUP:
            yield from _shapes(inner, depth + 1, _inside(shape, x, y, width, height))


def _inside(group: Any, x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    """Return where a group's own measure starts on the slide, and how much it is enlarged."""
    origin, size = (group.element.find(f".//{qn('a:xfrm')}/{qn(name)}") for name in ("a:chOff", "a:chExt"))
    if origin is None or size is None:
        return x, y, 1.0, 1.0
    wide = width / max(1, int(size.get("cx", "1")))
    high = height / max(1, int(size.get("cy", "1")))
    return x - int(origin.get("x", "0")) * wide, y - int(origin.get("y", "0")) * high, wide, high


def _placeholder(shape: Any) -> Any:
    return shape.placeholder_format.type if shape.is_placeholder else None


def _is_furniture(shape: Any) -> bool:
    return _placeholder(shape) in _FURNITURE


def _text(shape: Any) -> str:
    return squeeze(_LINE_BREAKS.sub(" ", shape.text_frame.text)) if shape.has_text_frame else ""


def _of(shape: Any) -> Iterator[Piece]:
    """Yield what one shape says."""
    if shape.has_text_frame:
        yield from _frame(shape.text_frame, lambda level: _has_bullet(shape, level))
    elif getattr(shape, "has_table", False):
        yield from _table(shape.table)
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart)
    else:
        yield from _diagram(shape)


def _frame(frame: Any, bulleted: Any) -> Iterator[Piece]:
    """Yield the paragraphs of a text frame; a frame with one line only is no list."""
    lines = [(squeeze(_LINE_BREAKS.sub(" ", part.text)), part) for part in frame.paragraphs]
    lines = [(text, part) for text, part in lines if text]
    starts = True
    for text, part in lines:
        own = _own_bullet(part._p.pPr)
        listed = own if own is not None else bulleted(part.level)
        if not listed or (len(lines) == 1 and own is None) or (own is None and text.endswith(":") and not part.level):
            yield Piece(BlockKind.PARAGRAPH, text)
            starts = True
            continue
        yield Piece(BlockKind.LIST_ITEM, text, level=part.level + 1, starts_list=starts)
        starts = False


def _own_bullet(properties: Any) -> bool | None:
    """Whether these paragraph properties give a bullet; nothing where they do not say."""
    if properties is None:
        return None
    if properties.find(qn("a:buNone")) is not None:
        return False
    return True if any(properties.find(sign) is not None for sign in _SIGNS) else None


def _has_bullet(shape: Any, level: int) -> bool:
    """Whether a paragraph of ``shape`` has a bullet, by the shape, its layout or its master."""
    if not shape.is_placeholder:
        return False
    for holder in _inherited(shape):
        style = holder.element.find(f".//{qn('a:lstStyle')}/{qn(f'a:lvl{level + 1}pPr')}")
        own = _own_bullet(style)
        if own is not None:
            return own
    return _placeholder(shape) in _BULLETED


def _inherited(shape: Any) -> Iterator[Any]:
    """Yield a placeholder, and those of the layout and the master that it takes its look from."""
    while shape is not None:
        yield shape
        shape = getattr(shape, "_base_placeholder", None)


def _table(table: Any) -> Iterator[Piece]:
    rows = [
        [
            Cell(
                cell_text((squeeze(part.text), bool(_own_bullet(part._p.pPr))) for part in cell.text_frame.paragraphs),
                columns=cell.span_width if cell.is_merge_origin else 1,
                rows=cell.span_height if cell.is_merge_origin else 1,
            )
            for cell in row.cells
            if not cell.is_spanned
        ]
        for row in table.rows
    ]
    header_rows = 0
    if table.first_row and rows:
        header_rows = max((cell.rows for cell in rows[0]), default=1)
    yield from row_pieces(cells_as_text(rows, header_rows=header_rows))


def _chart(chart: Any) -> Iterator[Piece]:
    """Write a chart out as the table it is made of."""
    titled = chart.has_title and chart.chart_title.has_text_frame
    title = squeeze(chart.chart_title.text_frame.text) if titled else ""
    for plot in chart.plots:
        series = [(str(line.name or ""), list(line.values)) for line in plot.series]
        names = [str(name) for name in plot.categories]
        if not names or len(names) * len(series) > MOST_POINTS:
            continue
        head = [Cell(""), *(Cell(name) for name, _ in series)]
        body = [
            [Cell(name), *(Cell(_figure(values[at]) if at < len(values) else "") for _, values in series)]
            for at, name in enumerate(names)
        ]
        yield from row_pieces(cells_as_text([head, *body], header_rows=1), title)
        title = ""


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.10g}"


def _diagram(shape: Any) -> Iterator[Piece]:
    """Yield the texts of a SmartArt diagram, which stand in a part of their own, in the order they were typed."""
    link = shape.element.find(f".//{{{_DIAGRAM}}}relIds")
    if link is None:
        return
    part = shape.part.related_part(link.get(f"{{{_RELATIONS}}}dm"))
    for point in parse_xml(part.blob).iter(f"{{{_DIAGRAM}}}pt"):
        lines = ("".join(t.text or "" for t in p.iter(qn("a:t"))) for p in point.iter(qn("a:p")))
        text = squeeze(" ".join(lines))
        if text:
            yield Piece(BlockKind.LIST_ITEM, text, level=1)
