"""What the worker found on the pages of a PDF: words with their places, ruled lines, and lines made of words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spreadguide.text import normalise, squeeze

MOST_WORDS = 15_000
"""Words of one page that are looked at; a page of a newspaper has 6,000, more is a drawing or a trap."""

SAME_LINE = 0.4
"""Share of the type's size: words whose bases differ by less stand on one line."""

RAISED = 0.85
"""A word in type smaller than this share of its line's may stand higher or lower: an index or a power."""

SEGMENT_GAP = 1.1
"""In sizes: a wider gap between two words may part columns; justified lines stay below it."""

NO_GAP = 0.08
"""In sizes: what stands closer is one word; the narrowest space of a font is 0.2 wide."""

_LABEL = re.compile(r"(?:\d{1,2}|[ivx]{1,4})\.(?=[\"'“‘(]?[A-Z])")
"""A number of a list that stands right before its text: the file moves on there, and has no space."""

UNMAPPED = "\ufffd"

_LIGATURES = str.maketrans(
    {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st"}
)
"""Two or three letters drawn as one sign; nobody types them so."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word; places in points from the page's upper left corner, ``base`` is the line it stands on.

    ``turn`` counts the quarter turns to the left in which it stands; ``spaced`` says that a space is written before it.
    """

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    base: float
    size: float
    bold: bool
    face: str
    colour: int = 0
    turn: int = 0
    spaced: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Words side by side on a page, with the places of them all and the type of most of them."""

    page: int
    words: tuple[Word, ...]
    text: str
    size: float
    bold: bool
    face: str
    colour: int
    x0: float
    top: float
    x1: float
    bottom: float
    base: float


@dataclass(frozen=True, slots=True)
class Page:
    """One page as the worker saw it.

    ``label`` is the page's name in the file; ``rules`` are the ruled lines (x0, top, x1, bottom); ``pictures`` is the
    share of the page under pictures; ``characters`` counts all, and ``unmapped`` those whose letter is not known.
    ``turn`` is by how many quarters to the right the page was turned to be read.
    """

    number: int
    width: float
    height: float
    words: tuple[Word, ...]
    label: str = ""
    rules: tuple[tuple[float, float, float, float], ...] = ()
    pictures: float = 0.0
    characters: int = 0
    unmapped: int = 0
    damaged: bool = False
    turn: int = 0


def page_of(value: dict[str, Any]) -> Page:
    """Return the page in one object of the worker's output."""
    if value.get("damaged"):
        return Page(value["page"], 0.0, 0.0, (), damaged=True)
    words = (_word(row) for row in value["words"][:MOST_WORDS])
    return Page(
        number=value["page"],
        width=value["width"],
        height=value["height"],
        words=tuple(word for word in words if word.text),
        label=squeeze(normalise(value["label"])),
        rules=tuple((x0, top, x1, bottom) for x0, top, x1, bottom in value["lines"]),
        pictures=value["images"],
        characters=value["characters"],
        unmapped=value["unmapped"],
    )


def _word(row: Sequence[Any]) -> Word:
    text, *rest = row
    if text.isascii() and text.isprintable():
        return Word(text, *rest)
    return Word(squeeze(normalise(text.translate(_LIGATURES))), *rest)


def line_of(words: Sequence[Word], page: int) -> Line:
    """Return one line of ``words``, which are in reading order, on page ``page``.

    A sign that the font has no letter for is a bullet when it stands alone in front, and nothing elsewhere.
    """
    kept = _readable(words)
    signs = [word for word in kept if any(map(str.isalnum, word.text))] or list(words)
    kinds: Counter[tuple[float, bool, str, int]] = Counter()
    for word in signs:
        kinds[word.size, word.bold, word.face, word.colour] += len(word.text)
    (size, _, face, colour), _ = kinds.most_common(1)[0]
    return Line(
        page=page,
        words=kept,
        text="".join(_spaced(kept)),
        size=size,
        bold=2 * sum(count for kind, count in kinds.items() if kind[1]) > kinds.total(),
        face=face,
        colour=colour,
        x0=min(word.x0 for word in words),
        top=min(word.top for word in words),
        x1=max(word.x1 for word in words),
        bottom=max(word.bottom for word in words),
        base=max(words, key=lambda word: word.size).base,
    )


def _spaced(words: Sequence[Word]) -> Iterator[str]:
    """Yield words and the spaces between them; parts of one word, such as a power behind its unit, have none."""
    for place, word in enumerate(words):
        if place and not _is_joined(words[place - 1], word):
            yield " "
        if place == 0 and (label := _LABEL.match(word.text)):
            yield f"{label.group()} {word.text[label.end() :]}"
        else:
            yield word.text


def _is_joined(first: Word, second: Word) -> bool:
    """Whether two parts stand so close that they are one word; a space between words of letters may be as narrow."""
    if second.x0 - first.x1 >= NO_GAP * min(first.size, second.size):
        return False
    words = len(first.text) > 1 and len(second.text) > 1 and first.text[-1].isalpha() and second.text[0].isalpha()
    return not (second.spaced and words)


def _readable(words: Sequence[Word]) -> tuple[Word, ...]:
    if not any(UNMAPPED in word.text for word in words):
        return tuple(words)
    clean = [replace(word, text=word.text.replace(UNMAPPED, "")) for word in words]
    if words[0].text == UNMAPPED:
        clean[0] = replace(words[0], text="•")
    return tuple(word for word in clean if word.text)


def rows_of(words: Iterable[Word]) -> list[list[Word]]:
    """Return words that share a base, from top to bottom and from left to right."""
    rows: list[list[Word]] = []
    for word in sorted((word for word in words if word.turn == 0), key=lambda word: (word.base, word.x0)):
        if rows and _fits(rows[-1], word):
            rows[-1].append(word)
        else:
            rows.append([word])
    return [sorted(row, key=lambda word: word.x0) for row in _with_raised(rows)]


def _fits(row: Sequence[Word], word: Word) -> bool:
    return word.base - row[0].base < SAME_LINE * min(max(each.size for each in row[-3:]), max(word.size, 1.0))


def _with_raised(rows: list[list[Word]]) -> list[list[Word]]:
    """Put indices and powers, which have a base of their own, into the row that they touch."""
    merged: list[list[Word]] = []
    for row in rows:
        if merged and _hangs_on(merged[-1], row):
            merged[-1] += row
        else:
            merged.append(row)
    return merged


def _hangs_on(first: Sequence[Word], second: Sequence[Word]) -> bool:
    """Whether one of two rows is nothing but small type beside words of the other."""
    small, large = sorted((first, second), key=lambda row: max(word.size for word in row))
    size = max(word.size for word in large)
    if max(word.size for word in small) > RAISED * size or abs(second[0].base - first[0].base) > size / 2:
        return False
    edges = {round(word.x1) for word in large} | {round(word.x0) for word in large}
    return all(any(abs(word.x0 - edge) < size for edge in edges) for word in small)


def segments_of(words: Iterable[Word], page: int) -> list[Line]:
    """Return the runs of words without a wide gap; sideways text follows, in the order of the file."""
    words = list(words)
    found: list[Line] = []
    for row in rows_of(words):
        run = [row[0]]
        for word in row[1:]:
            if word.x0 - max(run[-1].x1, run[-1].x0) > SEGMENT_GAP * max(word.size, run[-1].size):
                found.append(line_of(run, page))
                run = []
            run.append(word)
        found.append(line_of(run, page))
    return found + _sideways([word for word in words if word.turn], page)


def _sideways(words: Sequence[Word], page: int) -> list[Line]:
    """Return lines of text that runs up or down the page."""
    runs: list[list[Word]] = []
    for word in words:
        last = runs[-1][-1] if runs else None
        if last and abs(last.x0 - word.x0) < last.size and abs(last.x1 - word.x1) < last.size:
            runs[-1].append(word)
        else:
            runs.append([word])
    return [line_of(run, page) for run in runs]
