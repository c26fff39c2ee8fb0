"""Makes paragraphs of the lines of a PDF: by spacing, size and weight of the type, page by page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from spreadguide.ingest.boxed import Boxed, join, of_line
from spreadguide.ingest.joining import vocabulary
from spreadguide.ingest.outline import Para, is_marked
from spreadguide.ingest.pdf_columns import Block
from spreadguide.ingest.pdf_page import SAME_LINE, Line
from spreadguide.ingest.pdf_rows import table_paras
from spreadguide.ingest.pdf_tables import Table, goes_on

HEADING_RATIO = 1.12
"""Type this much larger than the body's is a heading's; rounding makes equal sizes differ by up to 5 %."""

HEADING_WORDS = 24

DISTINCT_RATIO = 1.04
"""In a font of its own, type only this much larger is a heading's, too."""

PITCH_RATIO = 1.3
"""Lines this much further apart than usual are two paragraphs; Word's default extra space is half a line."""

LINE_PITCH = 1.5
"""Where a size of type has too few lines to measure: the widest usual distance, in sizes."""

MEASURED_LINES = 4
"""Distances of lines from which their usual distance can be told."""

HEADING_PITCH = 1.9
"""Lines of one heading are at most so many sizes apart."""

SIZE_TOLERANCE = 0.06
"""Share by which the type of one paragraph may vary: superscripts, symbol fonts."""

SAME_SIZE = 0.6
"""Points by which the lines of one heading may differ; the next heading down is at least a point smaller."""

DEEPEST_HEADING = 6

_JOINTS = frozenset({"and", "or", "and/or", "but", "plus"})
"""Between the items of a list, often in bold."""

_HEADING_START = re.compile(r"['\"‘“(]?(?:[A-Z]|\d|[a-z]?[A-Z])")
_WORD = re.compile(r"[^\W\d_]{2}")
_STYLE = re.compile(r"[,-]?(?:bold|italic|oblique|regular|roman|ps|mt)+", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.;:!,]['\"’”)\]]*$")
_FULL_STOP = re.compile(r"[.;:!?]['\"’”)\]]*$")


@dataclass(frozen=True, slots=True)
class _Type:
    """How a document is set: the body's size and font, the usual distance of lines by size, the headings' levels."""

    body: float
    face: str
    colour: int
    pitch: dict[float, float]
    levels: dict[float, int]
    bold_level: int
    known: frozenset[str]


def paragraphs(pages: Sequence[Sequence[Block]]) -> list[Para]:
    """Return the paragraphs of a document, and the rows of its tables, from the blocks of its pages."""
    setting = _setting([block for page in pages for block in page if isinstance(block, Line)], pages)
    found: list[Para] = []
    run: list[Line] = []
    tables: list[Table] = []
    for block in (block for page in pages for block in page):
        if isinstance(block, Line) and tables:
            found += table_paras(tables, setting.known)
            tables = []
        if isinstance(block, Line):
            if run and run[-1].page != block.page:
                _add_text(found, run, setting)
                run = []
            run.append(block)
            continue
        _add_text(found, run, setting)
        run = []
        if tables and not goes_on(tables[-1], block):
            found += table_paras(tables, setting.known)
            tables = []
        tables.append(block)
    _add_text(found, run, setting)
    if tables:
        found += table_paras(tables, setting.known)
    return _one_title(found)


def _add_text(found: list[Para], lines: Sequence[Line], setting: _Type) -> None:
    """Append the paragraphs of ``lines``, which stand on one page."""
    for group in _groups(lines, setting):
        para = _para(group, setting)
        if found and _runs_over(found[-1], para):
            last = found[-1]
            text = join([Boxed(last.text, last.boxes), Boxed(para.text, para.boxes)], setting.known)
            found[-1] = replace(last, text=text.text, boxes=text.boxes)
        elif para.text:
            found.append(para)


def _setting(lines: Sequence[Line], pages: Sequence[Sequence[Block]]) -> _Type:
    """Measure the type of a document; the words of its tables count among the words that it knows."""
    weights: Counter[float] = Counter()
    for line in lines:
        weights[round(line.size * 2) / 2] += len(line.text)
    body = weights.most_common(1)[0][0] if weights else 0.0
    distances: dict[float, Counter[float]] = {}
    for above, below in pairwise(lines):
        gap = below.base - above.base
        if abs(above.size - below.size) < 1 and SAME_LINE * above.size < gap < 2 * LINE_PITCH * above.size:
            distances.setdefault(round(above.size), Counter())[round(gap)] += 1
    pitch = {size: float(_usual(counts)) for size, counts in distances.items() if counts.total() >= MEASURED_LINES}
    sizes = sorted({round(line.size) for line in lines if line.size > HEADING_RATIO * body}, reverse=True)
    levels = {float(size): min(level, DEEPEST_HEADING) for level, size in enumerate(sizes, start=1)}
    cells = (cell for page in pages for block in page if isinstance(block, Table) for row in block.rows for cell in row)
    known = vocabulary([line.text for line in lines] + [line.text for cell in cells for line in cell.lines])
    faces = Counter(line.face for line in lines if abs(line.size - body) < 1 and not line.bold for _ in line.text)
    face = _family(faces.most_common(1)[0][0]) if faces else ""
    colours = Counter(line.colour for line in lines for _ in line.words)
    colour = colours.most_common(1)[0][0] if colours else 0
    return _Type(body, face, colour, pitch, levels, min(len(sizes) + 2, DEEPEST_HEADING), known)


def _usual(counts: Counter[float]) -> float:
    """Return the smallest distance that is common: paragraphs of one line make larger ones common, too."""
    most = counts.most_common(1)[0][1]
    return min(gap for gap, count in counts.items() if count >= most / 3)


def _groups(lines: Iterable[Line], setting: _Type) -> list[list[Line]]:
    """Cut the lines of a page into paragraphs."""
    groups: list[list[Line]] = []
    for line in lines:
        if not line.text:
            continue
        if groups and _belongs(groups[-1], line, setting):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _belongs(group: Sequence[Line], line: Line, setting: _Type) -> bool:
    """Whether ``line`` goes on where the paragraph ``group`` ends."""
    above = group[-1]
    gap = line.base - above.base
    if gap < SAME_LINE * above.size or is_marked(line.text) or line.x0 > above.x1 or line.x1 < above.x0:
        return False
    heading = above.size > HEADING_RATIO * setting.body
    similar = abs(above.size - line.size) <= max(1.0, SIZE_TOLERANCE * above.size)
    distinct = _stands_out(group, setting)
    usual = setting.pitch.get(round(above.size), LINE_PITCH * above.size)
    if similar and gap <= usual + 1 and line.text[0].islower() and _is_cut(above, line):
        return True
    if not similar or distinct != _stands_out([line], setting):
        return False
    if distinct and (above.bold != line.bold or above.face != line.face or abs(above.size - line.size) > SAME_SIZE):
        return False
    return gap <= (HEADING_PITCH * above.size if heading else max(PITCH_RATIO * usual, above.size))


def _is_cut(above: Line, line: Line) -> bool:
    """Whether a sentence goes on from one line to the next, whatever their type."""
    return above.text[-1].isalnum() and abs(above.x0 - line.x0) < above.size


def _stands_out(group: Sequence[Line], setting: _Type) -> bool:
    """Whether lines are bold, or in a font of their own that is larger than the body's or has a colour of its own."""
    return all(line.bold or _is_distinct(line, setting) for line in group)


def _is_distinct(line: Line, setting: _Type) -> bool:
    if _family(line.face) == setting.face:
        return False
    larger = line.size > DISTINCT_RATIO * setting.body
    return larger or (line.size > setting.body / DISTINCT_RATIO and line.colour != setting.colour)


def _family(face: str) -> str:
    """Return the name of a font without the tag of its subset and without bold or italic."""
    return _STYLE.sub("", face.rpartition("+")[2]).lower()


def _para(group: Sequence[Line], setting: _Type) -> Para:
    boxed = join([of_line(line) for line in group], setting.known)
    first = group[0]
    return Para(boxed.text, first.x0, first.page, _heading_level(boxed.text, group, setting), boxes=boxed.boxes)


def _heading_level(text: str, group: Sequence[Line], setting: _Type) -> int:
    """Return the level of a heading: by the size of its type, or last of all when it is only bold; else 0."""
    if not _HEADING_START.match(text) or len(text.split()) > HEADING_WORDS or not _WORD.search(text):
        return 0
    if text.lower() in _JOINTS:
        return 0
    size = max(line.size for line in group)
    if size > HEADING_RATIO * setting.body:
        return setting.levels.get(float(round(size)), setting.bold_level)
    return setting.bold_level if _stands_out(group, setting) and not _SENTENCE_END.search(text) else 0


def _runs_over(last: Para, first: Para) -> bool:
    """Whether a paragraph was cut in two, by the end of a page or by a picture."""
    if last.kind or last.heading or first.heading or not first.text or is_marked(first.text):
        return False
    unfinished = not _FULL_STOP.search(last.text) and first.text[0].islower()
    return unfinished or (last.page != first.page and last.text.endswith(","))


def _one_title(paras: list[Para]) -> list[Para]:
    """Leave level 1 to the first of the largest headings: a document has one title."""
    top = min((para.heading for para in paras if para.heading), default=0)
    titled = False
    found = []
    for para in paras:
        if not para.heading:
            found.append(para)
        elif para.heading == top and not titled:
            titled = True
            found.append(replace(para, heading=1))
        else:
            found.append(replace(para, heading=max(2, para.heading - top + 1)))
    return found
