"""Finds running headers and footers, page numbers among them, and the number that is printed on each page."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

from spreadguide.ingest.pdf_page import Line, Page

MARGIN_SHARE = 0.12
"""Running headers and footers stand in the top and bottom eighth of a page."""

REPEAT_SHARE = 0.4
"""They are on nearly half of the pages, even where left and right pages differ."""

REPEAT_PAGES = 2

CHAPTER_PAGES = 3
"""A header that changes with the chapter comes back at the same place on so many pages, of one side or of both."""

SAME_PLACE = 12.0
"""Points by which the height of a running line may differ from page to page."""

PART = 20
"""Characters of a line from which it is taken for a part of a running line, not for a word that both have."""

NUMBER_PAGES = 2
"""A number is a page's when it keeps its distance to the page's place in the file on so many pages."""

_NUMBER_LINE = re.compile(
    r"(?:page\s*)?\d{1,4}(?:\s*(?:of|/|\|)\s*\d{1,4})?|[-–—|]\s*\d{1,4}\s*[-–—|]|[ivxl]{1,6}", re.IGNORECASE
)
_NUMBERED_LINE = re.compile(
    r"(?:page\s*)?\d{1,4}(?:\s*of\s*\d{1,4})?\s*[|·•].+|.+[|·•]\s*(?:page\s*)?\d{1,4}(?:\s*of\s*\d{1,4})?",
    re.IGNORECASE,
)
"""A page number with a title beside it."""

_ARABIC = re.compile(r"(?<![\d.,/])\d{1,4}(?![\d,/]|\.\d)")
_ROMAN = re.compile(r"(?:^|\s)([ivxl]{1,6})(?:\s|$)", re.IGNORECASE)
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50}


@dataclass(frozen=True, slots=True)
class Running:
    """The running lines of a document, by page number, and the printed number of each page that has one."""

    lines: dict[int, frozenset[Line]]
    labels: dict[int, str]


@dataclass(frozen=True, slots=True)
class _Number:
    """A number in a line of a margin: its distance to the page's place in the file, and its form."""

    line: Line
    shape: str
    kind: str
    offset: int
    label: str


def find_running(pages: Sequence[Page], segments: Sequence[Sequence[Line]]) -> Running:
    """Return what is no part of the text of ``pages``; ``segments`` are the runs of words of each page.

    A line runs when it comes back word for word, or when only a number in it changes, and that with the pages.
    """
    margins = [line for page, lines in zip(pages, segments, strict=True) for line in lines if _in_margin(line, page)]
    often = max(REPEAT_PAGES, REPEAT_SHARE * len(pages))
    found = _repeated(margins, often)
    numbers = _page_numbers(margins, found, often, len(pages))
    found |= {number.line for number in numbers}
    shapes = {_shape(line) for line in found}
    found |= {line for line in margins if _is_part(_shape(line), shapes)}
    votes = Counter((number.kind, number.offset) for number in numbers)
    numbers.sort(key=lambda number: votes[number.kind, number.offset])
    return Running(
        {page.number: frozenset(line for line in found if line.page == page.number) for page in pages},
        {number.line.page: number.label for number in numbers},
    )


def _in_margin(line: Line, page: Page) -> bool:
    return line.bottom < MARGIN_SHARE * page.height or line.top > (1 - MARGIN_SHARE) * page.height


def _shape(line: Line) -> str:
    """A line with its numbers struck out."""
    return re.sub(r"\d+", "#", line.text).lower()


def _is_part(shape: str, shapes: set[str]) -> bool:
    """Whether a line is the part without a page number of one that runs."""
    return len(shape) >= PART and any(other.startswith(shape) or other.endswith(shape) for other in shapes)


def _repeated(margins: Sequence[Line], often: float) -> set[Line]:
    """Return the lines that come back word for word on many pages, or throughout a chapter."""
    same: dict[str, list[Line]] = defaultdict(list)
    for line in margins:
        same[line.text.lower()].append(line)
    found: set[Line] = set()
    for lines in same.values():
        found |= set(lines if len({line.page for line in lines}) >= often else _chapters(lines))
    return found


def _chapters(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines that come back at the same place on pages in a row, or on those of one side."""
    run: list[Line] = []
    for line in lines:
        if run and (line.page - run[-1].page > 2 or abs(line.base - run[-1].base) > SAME_PLACE):
            if len(run) >= CHAPTER_PAGES:
                yield from run
            run = []
        run.append(line)
    if len(run) >= CHAPTER_PAGES:
        yield from run


def _page_numbers(margins: Sequence[Line], repeated: set[Line], often: float, pages: int) -> list[_Number]:
    """Return the numbers in the margins that count the pages, and keep doing so in lines of the same shape."""
    places: dict[str, set[int]] = defaultdict(set)
    for line in margins:
        places[_shape(line)].add(line.page)
    found = [
        _Number(line, _shape(line), kind, value - line.page, label)
        for line in margins
        if _is_numbered(line) or line in repeated or len(places[_shape(line)]) >= often
        for kind, value, label in _in(line)
    ]
    least = min(NUMBER_PAGES, pages)
    votes = _votes(found, lambda number: (number.kind, number.offset))
    own = _votes(found, lambda number: (number.shape, number.kind, number.offset))
    return [
        number
        for number in found
        if votes[number.kind, number.offset] >= least
        and (_is_numbered(number.line) or own[number.shape, number.kind, number.offset] >= often)
    ]


def _votes(numbers: Sequence[_Number], key: Callable[[_Number], Hashable]) -> Counter[Hashable]:
    """Count on how many pages there is a number with each key."""
    return Counter(what for what, _ in {(key(number), number.line.page) for number in numbers})


def _is_numbered(line: Line) -> bool:
    return bool(_NUMBER_LINE.fullmatch(line.text) or _NUMBERED_LINE.fullmatch(line.text))


def _in(line: Line) -> Iterator[tuple[str, int, str]]:
    """Yield the numbers in a line: their kind, value and form."""
    for match in _ARABIC.finditer(line.text):
        yield "arabic", int(match.group()), match.group()
    for match in _ROMAN.finditer(line.text):
        yield "roman", _roman(match[1].lower()), match[1]


def _roman(text: str) -> int:
    values = [_ROMAN_VALUES[sign] for sign in text]
    return sum(-value if value < max(values[place:]) else value for place, value in enumerate(values))
