"""Finds wording that a brief shares with the reports it rests on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from spreadguide.shelf.brief import SOURCE_MARK, Brief
from spreadguide.shelf.problems import Problem

RUN_WORDS = 10
"""So many words in a row shared with a source count as copying; shorter runs are often names or set phrases."""

SHOWN_WORDS = 14

MIN_TITLE_WORDS = 3
"""A part of a title shorter than this is no name of a work."""

_APOSTROPHES = re.compile("['’‘]")
_WORD = re.compile(r"\w+")
_BRACKET_NOTE = re.compile(r"\s*\([^()]*\)$")
_REFERENCE_KEYS = ("publisher:", "authors:", "url:", "commissioner:", "published:", "title:")


@dataclass(frozen=True, slots=True)
class Token:
    """One word, case-folded, and the line it stands in, from 1."""

    word: str
    line: int


def plain_words(text: str) -> list[str]:
    """Return case-folded words, punctuation removed."""
    return _WORD.findall(_APOSTROPHES.sub("", text.casefold()))


def own_parts(text: str, titles: Collection[str]) -> list[list[Token]]:
    """Return the words of a brief between the titles and references that it names, which are not its own wording.

    Lines that only name a source are left out, and every one of ``titles`` is passed over wherever it stands.
    """
    parts: list[list[Token]] = [[]]
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith((SOURCE_MARK, "- Title: ", *_REFERENCE_KEYS)):
            parts.append([])
        else:
            parts[-1] += [Token(word, number) for word in plain_words(line)]
    names = sorted({tuple(plain_words(title)) for title in titles}, key=len, reverse=True)
    by_first: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for name in names:
        if name:
            by_first[name[0]].append(name)
    return [piece for part in parts for piece in _between(part, by_first) if piece]


def _between(part: Sequence[Token], names: defaultdict[str, list[tuple[str, ...]]]) -> Iterator[list[Token]]:
    """Yield the pieces of ``part`` between names; of names that begin alike the longest counts."""
    words = [token.word for token in part]
    piece: list[Token] = []
    place = 0
    while place < len(part):
        length = next((len(n) for n in names.get(words[place], ()) if tuple(words[place : place + len(n)]) == n), 0)
        if length:
            yield piece
            piece = []
        else:
            piece.append(part[place])
        place += length or 1
    yield piece


def titles_of(brief: Brief) -> set[str]:
    """Return the titles that a brief names: its own, its sources', and each without subtitle or note in brackets."""
    found = {str(brief.front.get("title", ""))}
    for entry in brief.sources:
        title = _BRACKET_NOTE.sub("", entry.title)
        head = title.partition(":")[0]
        found |= {entry.title, title}
        if len(plain_words(head)) >= MIN_TITLE_WORDS:
            found.add(head)
    return found - {""}


def copied_runs(
    own: Iterable[tuple[str, Sequence[Sequence[Token]]]], sources: Iterable[tuple[str, str]], length: int = RUN_WORDS
) -> list[Problem]:
    """Return a problem for each stretch of at least ``length`` words that stands in a brief and in a source.

    ``own`` gives each brief's path with its parts (see `own_parts`), ``sources`` each source's name and text. The
    briefs are held in memory and the sources are not, because sources may be long.
    """
    briefs = dict(own)
    places: defaultdict[tuple[str, ...], list[tuple[str, int, int]]] = defaultdict(list)
    for path, parts in briefs.items():
        for nth, part in enumerate(parts):
            for start in range(len(part) - length + 1):
                places[tuple(token.word for token in part[start : start + length])].append((path, nth, start))
    shared: dict[tuple[str, int], dict[int, str]] = defaultdict(dict)
    for name, text in sources:
        words = plain_words(text)
        for run in zip(*(islice(words, shift, None) for shift in range(length)), strict=False):
            for path, nth, start in places.get(run, ()):
                shared[path, nth].setdefault(start, name)
    return [
        _problem(path, briefs[path][nth], first, last + length, found[first])
        for (path, nth), found in sorted(shared.items())
        for first, last in _stretches(sorted(found))
    ]


def _stretches(starts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Join runs that follow each other word by word, as (first start, last start)."""
    first = previous = starts[0]
    for start in starts[1:]:
        if start != previous + 1:
            yield first, previous
            first = start
        previous = start
    yield first, previous


def _problem(path: str, part: Sequence[Token], first: int, end: int, source: str) -> Problem:
    shown = " ".join(token.word for token in part[first : min(end, first + SHOWN_WORDS)])
    more = " …" if end - first > SHOWN_WORDS else ""
    what = f'{end - first} words in a row stand in {source} too: "{shown}{more}".'
    return Problem(path, what, "Say it in your own words.", part[first].line)
