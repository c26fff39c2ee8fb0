"""Reads plain text: pages saved from the web, e-mails, exports, hard-wrapped or one paragraph a line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from spreadguide.errors import UnreadableDocument
from spreadguide.ingest.decoding import decode
from spreadguide.ingest.furniture import drop_furniture
from spreadguide.ingest.joining import join_lines, vocabulary
from spreadguide.ingest.limits import IngestLimits
from spreadguide.ingest.metadata import states_metadata
from spreadguide.ingest.outline import Para, is_marked, to_pieces
from spreadguide.ingest.reading import Reading
from spreadguide.text import normalise, squeeze

TAB_STOPS = 4

NARROWEST_WRAP = 40
WIDEST_WRAP = 132
"""Prose is not broken into shorter lines than the first, and no program (or line printer) breaks later than at the
second; text with other lines has one paragraph a line."""

WRAP_SHARE = 0.6
"""A line shorter than this share of the page's width was ended by its writer, not by the width."""

WRAP_QUANTILE = 0.9
"""The page's width is the length that this share of the lines does not exceed: a few lines run over."""

INDENT_TOLERANCE = 1
"""Characters; a bullet sign in another font shifts a copied list by one."""

HEADING_CHARACTERS = 160
HEADING_WORDS = 24
"""The longest heading of the seed pages has 21 words."""

PROSE_CHARACTERS = 80
"""A line of this length is prose, so that a short line right above it can be its heading."""

HEADING_RUN = 2
"""At most so many headings stand in a row; in a longer run (an address, a menu) only the last is one."""

_RULE = re.compile(r"\s*([=\-_*~#])\1{2,}\s*")
_NO_HEADING = re.compile(r" \| |\bcan be\b|https?://|www\.|@|\s{3,}|[.,;:!…>]['\"’”)]*$|\.\.\.$")
_LOOKS_LIKE_HEADING = re.compile(r"['\"‘“(]?(?:[A-Z]|\d{1,2}[.)]? )|[a-z]?[A-Z]")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line, or several joined: whether blank lines stand right before and after it."""

    text: str
    indent: int
    apart_above: bool
    apart_below: bool


def read_plain(data: bytes, path: str, limits: IngestLimits) -> Reading:  # noqa: ARG001 - every reader takes the limits
    """Read a text file; raises `UnreadableDocument` when it is empty or no text."""
    text = normalise(decode(data, path).expandtabs(TAB_STOPS))
    lines = _joined([line.rstrip() for line in text.split("\n")])
    if not lines:
        raise UnreadableDocument(f"{path} is empty.", hint="Check the file, or remove it from the folder.")
    paras = [
        Para(squeeze(line.text), float(line.indent), heading=level)
        for line, level in zip(lines, _headings(lines), strict=True)
    ]
    return Reading(tuple(drop_furniture(to_pieces(paras, INDENT_TOLERANCE))))


def _joined(lines: Sequence[str]) -> list[_Line]:
    """Join the lines that the page's width has cut."""
    width = _width(lines)
    known = vocabulary(lines)
    joined: list[_Line] = []
    run: list[str] = []
    apart = True
    for place, line in enumerate([*lines, ""]):
        blank = not line.strip() or bool(_RULE.fullmatch(line))
        if run and (blank or not _carries_on(run, line, width)):
            indent = len(run[0]) - len(run[0].lstrip())
            joined.append(_Line(join_lines(run, known), indent, apart, blank))
            run, apart = [], False
        if blank:
            apart = apart or place == 0 or bool(joined)
        else:
            run.append(line)
    return joined


def _width(lines: Sequence[str]) -> int:
    """Return the width that the text is wrapped at, in characters, or 0 where a line is a paragraph.

    Only a line with another right below it can have been cut.
    """
    lengths = sorted(
        len(line) for line, below in pairwise(lines) if line.strip() and below.strip() and not is_marked(below.strip())
    )
    width = lengths[int(WRAP_QUANTILE * (len(lengths) - 1))] if lengths else 0
    return width if NARROWEST_WRAP <= width <= WIDEST_WRAP else 0


def _carries_on(run: Sequence[str], line: str, width: int) -> bool:
    """Whether ``line`` belongs to the paragraph or list item in ``run``."""
    stripped = line.strip()
    if is_marked(stripped):
        return False
    hanging = is_marked(run[0].strip()) and len(line) - len(stripped) > len(run[0]) - len(run[0].lstrip())
    cut_by_width = len(run[-1]) >= WRAP_SHARE * width if width else False
    return cut_by_width or hanging or (stripped[0].islower() and run[-1].rstrip()[-1:] not in ".!?:>")


def _headings(lines: Sequence[_Line]) -> list[int]:
    """Return the heading level of each line, 0 for none; the first line that looks like one is the title."""
    levels = [2 if _is_heading(lines, place) else 0 for place in range(len(lines))]
    if levels[0]:
        levels[0] = 1
    place = 1
    while place < len(lines):
        end = place
        while end < len(lines) and levels[end]:
            end += 1
        if end - place > HEADING_RUN:
            levels[place : end - 1] = [0] * (end - 1 - place)
        place = max(end, place + 1)
    return levels


def _is_heading(lines: Sequence[_Line], place: int) -> bool:
    """A heading is a short line without a final stop, set apart, with something below it."""
    line = lines[place]
    if place + 1 == len(lines) or not line.apart_above:
        return False
    below = lines[place + 1]
    if not line.apart_below and len(below.text) < PROSE_CHARACTERS:
        return False
    return _has_heading_shape(line.text) and not is_marked(line.text) and not states_metadata(line.text)


def _has_heading_shape(text: str) -> bool:
    short = len(text) <= HEADING_CHARACTERS and len(text.split()) <= HEADING_WORDS
    return short and bool(_LOOKS_LIKE_HEADING.match(text)) and not _NO_HEADING.search(text)
