"""Makes paragraphs of the lines of a PDF: by spacing, size and weight of the type, page by page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from spreadguide.ingest.joining import join_lines, vocabulary
from spreadguide.ingest.outline import Para, is_marked

MARGIN_SHARE = 0.12
"""Running headers and footers stand in the top and bottom eighth of a page."""

REPEAT_SHARE = 0.4
"""They are on nearly half of the pages, even where left and right pages differ."""

REPEAT_PAGES = 2

HEADING_RATIO = 1.12
"""Type this much larger than the body's is a heading's; rounding makes equal sizes differ by up to 5 %."""

HEADING_WORDS = 24

DISTINCT_RATIO = 1.04
"""In a font of its own, type only this much larger is a heading's, too."""

MOST_LINES = 500
"""A page with more lines than this is a drawing or a trap; its labels are not worth the search."""

LABEL_GAP = 60.0
"""Points between a number or bullet in the margin and its text: two centimetres."""

PITCH_RATIO = 1.3
"""Lines this much further apart than usual are two paragraphs; Word's default extra space is half a line."""

LINE_PITCH = 1.5
"""Where a size of type has too few lines to measure: the widest usual distance, in sizes."""

HEADING_PITCH = 1.9
"""Lines of one heading are at most so many sizes apart."""

SIZE_TOLERANCE = 0.06
"""Share by which the type of one paragraph may vary: superscripts, symbol fonts."""

SAME_SIZE = 0.6
"""Points by which the lines of one heading may differ; the next heading down is at least a point smaller."""

SAME_LINE = 0.4
"""Share of the type's size: lines whose bases differ by less stand beside each other."""

DEEPEST_HEADING = 6

_PAGE_NUMBER = re.compile(
    r"(?:page\s*)?\d{1,4}(?:\s*(?:of|/|\|)\s*\d{1,4})?|[-–—|]\s*\d{1,4}\s*[-–—|]|[ivxl]{1,6}", re.IGNORECASE
)
_HEADING_START = re.compile(r"['\"‘“(]?(?:[A-Z]|\d|[a-z]?[A-Z])")
_WORD = re.compile(r"[^\W\d_]{2}")
_STYLE = re.compile(r"[,-]?(?:bold|italic|oblique|regular|roman|ps|mt)+", re.IGNORECASE)
_UNMAPPED = re.compile(r"\(cid:\d+\)")
_UNMAPPED_BULLET = re.compile(r"^\(cid:\d+\)(?=\s|$)")
_LABEL = re.compile(
    r"[•●○▪■□◦‣∙·➢➤►✓–\-－−o\uf0b7\uf0a7\uf0d8]|\d{1,2}(?:\.\d{1,3}){0,3}\.?|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]"
)
_FULL_STOP = re.compile(r"[.;:!?]['\"’”)\]]*$")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page; ``face`` is its font. Sizes and places in points, from the page's lower left corner."""

    text: str
    size: float
    bold: bool
    face: str
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its number from 1, its height in points, its lines in reading order."""

    number: int
    height: float
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Type:
    """How a document is set: the body's size and font, the usual distance of lines by size, the headings' levels."""

    body: float
    face: str
    pitch: dict[float, float]
    levels: dict[float, int]
    bold_level: int
    known: frozenset[str]


def paragraphs(pages: Sequence[Page]) -> list[Para]:
    """Return the paragraphs of a document, without running headers, footers and page numbers."""
    cleaned = [replace(page, lines=tuple(map(_readable, page.lines))) for page in _without_running_lines(pages)]
    setting = _setting([line for page in cleaned for line in page.lines])
    found: list[Para] = []
    for page in cleaned:
        for group in _groups(_in_order(_with_labels(page.lines)), setting):
            para = _para(group, page.number, setting)
            if found and _runs_over(found[-1], para):
                text = join_lines([found[-1].text, para.text], setting.known)
                found[-1] = replace(found[-1], text=text)
            elif para.text:
                found.append(para)
    return _one_title(found)


def _readable(line: Line) -> Line:
    """Replace what has no character in the font's table: a bullet in front, nothing elsewhere."""
    return replace(line, text=_UNMAPPED.sub("", _UNMAPPED_BULLET.sub("•", line.text)).strip())


def _without_running_lines(pages: Sequence[Page]) -> list[Page]:
    """Drop lines in the margins that are page numbers, or that come back on many pages."""
    seen = Counter(key for page in pages for key in {_key(line) for line in page.lines if _in_margin(line, page)})
    often = max(REPEAT_PAGES, REPEAT_SHARE * len(pages))
    return [
        replace(
            page,
            lines=tuple(
                line
                for line in page.lines
                if not (_in_margin(line, page) and (seen[_key(line)] >= often or _PAGE_NUMBER.fullmatch(line.text)))
            ),
        )
        for page in pages
    ]


def _in_margin(line: Line, page: Page) -> bool:
    return line.y0 > (1 - MARGIN_SHARE) * page.height or line.y1 < MARGIN_SHARE * page.height


def _key(line: Line) -> str:
    """What stays the same in a running line from page to page."""
    return re.sub(r"\d+", "#", line.text).lower()


def _with_labels(lines: Sequence[Line]) -> list[Line]:
    """Put bullets and paragraph numbers that stand alone in the margin in front of the text beside them."""
    if len(lines) > MOST_LINES:
        return list(lines)
    labels = {place: line for place, line in enumerate(lines) if _LABEL.fullmatch(line.text)}
    taken: dict[int, Line] = {}
    for label in labels.values():
        beside = [
            (line.x0, place)
            for place, line in enumerate(lines)
            if place not in labels
            and place not in taken
            and abs(line.y0 - label.y0) < SAME_LINE * label.size
            and 0 <= line.x0 - label.x0 < LABEL_GAP
        ]
        if beside:
            taken[min(beside)[1]] = label
    used = {id(label) for label in taken.values()}
    return [
        replace(line, text=f"{taken[place].text} {line.text}", x0=taken[place].x0) if place in taken else line
        for place, line in enumerate(lines)
        if id(line) not in used and not (place in labels and not line.text[0].isalnum())
    ]


def _in_order(lines: list[Line]) -> list[Line]:
    """Sort a page of one column from top to bottom; where lines stand side by side, keep the order found."""
    down = sorted(lines, key=lambda line: -line.y0)
    beside = any(above.y0 - below.y0 < SAME_LINE * above.size for above, below in pairwise(down))
    return lines if beside else down


def _setting(lines: Sequence[Line]) -> _Type:
    """Measure the type of a document."""
    weights: Counter[float] = Counter()
    for line in lines:
        weights[round(line.size * 2) / 2] += len(line.text)
    body = weights.most_common(1)[0][0] if weights else 0.0
    distances: dict[float, Counter[float]] = {}
    for above, below in pairwise(lines):
        gap = above.y0 - below.y0
        if abs(above.size - below.size) < 1 and SAME_LINE * above.size < gap < 2 * LINE_PITCH * above.size:
            distances.setdefault(round(above.size), Counter())[round(gap)] += 1
    pitch = {size: float(_usual(counts)) for size, counts in distances.items()}
    sizes = sorted({round(line.size) for line in lines if line.size > HEADING_RATIO * body}, reverse=True)
    levels = {float(size): min(level, DEEPEST_HEADING) for level, size in enumerate(sizes, start=1)}
    known = vocabulary(line.text for line in lines)
    faces = Counter(line.face for line in lines if abs(line.size - body) < 1 and not line.bold for _ in line.text)
    face = _family(faces.most_common(1)[0][0]) if faces else ""
    return _Type(body, face, pitch, levels, min(len(sizes) + 2, DEEPEST_HEADING), known)


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
    gap = above.y0 - line.y0
    if gap < SAME_LINE * above.size or is_marked(line.text) or line.x0 > above.x1 or line.x1 < above.x0:
        return False
    heading = above.size > HEADING_RATIO * setting.body
    similar = abs(above.size - line.size) <= max(1.0, SIZE_TOLERANCE * above.size)
    distinct = _stands_out(group, setting)
    if not similar or distinct != _stands_out([line], setting):
        return False
    if distinct and (above.bold != line.bold or abs(above.size - line.size) > SAME_SIZE):
        return False
    usual = setting.pitch.get(round(above.size), LINE_PITCH * above.size)
    return gap <= (HEADING_PITCH * above.size if heading else max(PITCH_RATIO * usual, above.size))


def _stands_out(group: Sequence[Line], setting: _Type) -> bool:
    """Whether lines are bold, or in a font of their own that is larger than the body's."""
    return all(
        line.bold or (line.size > DISTINCT_RATIO * setting.body and _family(line.face) != setting.face)
        for line in group
    )


def _family(face: str) -> str:
    """Return the name of a font without the tag of its subset and without bold or italic."""
    return _STYLE.sub("", face.rpartition("+")[2]).lower()


def _para(group: Sequence[Line], page: int, setting: _Type) -> Para:
    text = join_lines([line.text for line in group], setting.known)
    first = group[0]
    return Para(text, first.x0, page, _heading_level(text, group, setting))


def _heading_level(text: str, group: Sequence[Line], setting: _Type) -> int:
    """Return the level of a heading: by the size of its type, or last of all when it is only bold; else 0."""
    if not _HEADING_START.match(text) or len(text.split()) > HEADING_WORDS or not _WORD.search(text):
        return 0
    size = max(line.size for line in group)
    if size > HEADING_RATIO * setting.body:
        return setting.levels.get(float(round(size)), setting.bold_level)
    return setting.bold_level if _stands_out(group, setting) and not _FULL_STOP.search(text) else 0


def _runs_over(last: Para, first: Para) -> bool:
    """Whether a paragraph was cut in two, by the end of a page or by a picture."""
    if last.heading or first.heading or not first.text or is_marked(first.text):
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
