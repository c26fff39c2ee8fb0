"""Turns paragraphs that have only a place on the page into headings, lists at their levels, and paragraphs.

Plain text and PDF share it: neither says what is a list, only where a line starts and with which sign.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from spreadguide.ingest.builder import Piece, PieceBox
from spreadguide.types import BlockKind

_BULLET = re.compile("(?:[•●○▪▫■□◦‣⁃∙·➢➤►❖✓✔－−\uf0b7\uf0a7\uf0d8\uf076\uf0fc]|[-–—*+o](?=\\s))\\s*")
"""List signs, the private characters of the Symbol and Wingdings fonts among them."""

_ORDERED = re.compile(r"\(?(\d{1,2}|[a-z]|[ivx]{2,5})[.)]\s+(?=\S)")
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv")

_CONTENTS = re.compile(r"[.·…_]{4,}\s*\d{1,4}$|[.·…_]{8,}|(?:\.\s){4,}\d{1,4}$|^(?:table of )?contents$", re.IGNORECASE)
"""Lines of a table of contents: the headings come again where they belong."""

TITLE_WORDS = 10
"""A numbered line of at most this many words, without a final stop, is a title for what follows it."""

SECTION_PARAGRAPHS = 3
"""Numbered titles with more paragraphs than this below one of them are sections of a report, not a list."""

CHAIN_REACH = 60
"""How many paragraphs apart two numbers of one list may stand."""


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph as it stands on the page: ``indent`` in characters or points, ``heading`` level or 0.

    Where the reader knows what it is (a table's row, a text in a table), ``kind`` says so, with ``level``, ``starts``
    and ``caption`` as in `Piece`; elsewhere the outline finds out.
    """

    text: str
    indent: float = 0.0
    page: int | None = None
    heading: int = 0
    boxes: tuple[PieceBox, ...] = ()
    kind: BlockKind | None = None
    level: int = 0
    starts: bool = False
    caption: bool = False


def is_marked(text: str) -> bool:
    """Whether a line starts with a bullet, or with a number or letter as lists have."""
    return bool(_BULLET.match(text) or _ORDERED.match(text))


def bullet_end(text: str) -> int:
    """Return where the words start behind the bullet of a line; 0 without a bullet."""
    match = _BULLET.match(text)
    return match.end() if match else 0


def to_pieces(paras: Sequence[Para], tolerance: float) -> list[Piece]:
    """Return the pieces of a document; indents that differ by at most ``tolerance`` count as the same."""
    return _Outline([para for para in paras if para.kind or not _CONTENTS.search(para.text)], tolerance).pieces()


def _ordinals(text: str) -> list[tuple[str, int]]:
    """Return what the number or letter in front of ``text`` can stand for, as (scheme, place from 1)."""
    match = _ORDERED.match(text)
    if not match:
        return []
    sign = match.group(1)
    if sign.isdigit():
        return [("number", int(sign))]
    found = [("roman", _ROMAN.index(sign) + 1)] if sign in _ROMAN else []
    return found + ([("letter", ord(sign) - ord("a") + 1)] if len(sign) == 1 else [])


def _is_title(text: str) -> bool:
    return len(text.split()) <= TITLE_WORDS and text[-1:] not in ".;:,"


def _known(para: Para, kind: BlockKind) -> Piece:
    return Piece(
        kind,
        para.text,
        level=para.level,
        page=para.page,
        starts_list=para.starts,
        caption=para.caption,
        boxes=para.boxes,
    )


@dataclass(slots=True)
class _Chain:
    """The numbered paragraphs of one list, by their places in the document."""

    scheme: str
    indent: float
    places: list[int]


class _Outline:
    """One pass over the paragraphs of a document."""

    def __init__(self, paras: Sequence[Para], tolerance: float) -> None:
        self._paras = paras
        self._tolerance = tolerance
        self._pieces: list[Piece] = []
        self._indents: list[float] = []
        self._room: dict[int, int] = {}
        """How many paragraphs, at the list's own indent, may follow the numbered item at a place."""
        self._items: dict[int, bool] = {}
        """Places of numbered items, and whether each is the first of its list."""
        self._sections: set[int] = set()
        for chain in self._chains():
            self._settle(chain)

    def pieces(self) -> list[Piece]:
        """Return the document's pieces."""
        allowance = 0
        for place, para in enumerate(self._paras):
            bullet = _BULLET.match(para.text)
            if para.kind:
                self._indents.clear()
                self._pieces.append(_known(para, para.kind))
                allowance = 0
            elif place in self._items:
                marker = _ORDERED.match(para.text)
                self._item(para, marker.end() if marker else 0, starts=self._items[place])
                allowance = self._room.get(place, 0)
            elif bullet and not para.heading and para.text[bullet.end() :]:
                self._item(para, bullet.end(), starts=False)
            elif para.heading or place in self._sections:
                self._indents.clear()
                self._add(BlockKind.HEADING, para, level=para.heading or 2)
                allowance = 0
            else:
                inside = bool(self._indents) and para.indent > self._indents[-1] + self._tolerance
                continues = bool(self._indents) and (inside or allowance > 0)
                allowance = allowance - 1 if continues else 0
                if not continues:
                    self._indents.clear()
                self._add(BlockKind.PARAGRAPH, para, continues=continues)
        return self._pieces

    def _add(self, kind: BlockKind, para: Para, *, level: int = 0, continues: bool = False) -> None:
        piece = Piece(kind, para.text, level=level, page=para.page, continues=continues, boxes=para.boxes)
        self._pieces.append(piece)

    def _item(self, para: Para, skip: int, *, starts: bool) -> None:
        """Add a list item; its level is its place among the indents of the lists that are open."""
        while self._indents and self._indents[-1] > para.indent + self._tolerance:
            self._indents.pop()
        if not self._indents or self._indents[-1] < para.indent - self._tolerance:
            self._indents.append(para.indent)
        text, level = para.text[skip:], len(self._indents)
        boxes = tuple(
            replace(box, start=max(0, box.start - skip), end=box.end - skip) for box in para.boxes if box.end > skip
        )
        piece = Piece(BlockKind.LIST_ITEM, text, level=level, page=para.page, starts_list=starts, boxes=boxes)
        self._pieces.append(piece)

    def _chains(self) -> list[_Chain]:
        """Find the runs 1, 2, 3 or a, b, c or i, ii, iii at one indent."""
        chains: list[_Chain] = []
        for place, para in enumerate(self._paras):
            if para.heading or para.kind:
                continue
            ordinals = _ordinals(para.text)
            grown = next((c for c in reversed(chains[-CHAIN_REACH:]) if self._continues(c, place, ordinals)), None)
            if grown:
                grown.places.append(place)
            else:
                chains += [_Chain(scheme, para.indent, [place]) for scheme, nth in ordinals[:1] if nth == 1]
        return chains

    def _continues(self, chain: _Chain, place: int, ordinals: list[tuple[str, int]]) -> bool:
        near = place - chain.places[-1] <= CHAIN_REACH
        aligned = abs(chain.indent - self._paras[place].indent) <= self._tolerance
        return near and aligned and (chain.scheme, len(chain.places) + 1) in ordinals

    def _settle(self, chain: _Chain) -> None:
        """Decide whether a run of numbers is a list, the headings of sections, or nothing."""
        places = chain.places
        introduced = places[0] > 0 and self._paras[places[0] - 1].text.endswith(":")
        if len(places) < 2 and not introduced:
            return
        between = [later - earlier - 1 for earlier, later in pairwise(places)]
        titles = all(_is_title(self._paras[place].text) for place in places)
        divided = any(para.heading for para in self._paras[places[0] : places[-1]])
        if titles and not introduced and (divided or max(between, default=0) > SECTION_PARAGRAPHS):
            self._sections.update(places)
            return
        self._items.update({place: place == places[0] for place in places})
        if titles and not divided:
            last = [max(1, *between)] if between else [1]
            self._room.update(zip(places, between + last, strict=True))
