"""Tells the content of a web page from what surrounds it.

Trafilatura (Barbaresi 2021, ACL demonstrations) chooses the content; the pieces of the page are kept or dropped by
its choice, since its own text has lost the tables' spans, the lists' lead-ins and the lists' levels.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Sequence

from spreadguide.ingest.builder import Piece
from spreadguide.ingest.html_walk import DEEPEST_HEADING
from spreadguide.ingest.metadata import FRONT_PIECES, states_metadata
from spreadguide.types import BlockKind

RUN_WORDS = 4
"""Words in a row by which a piece is found again in the chosen text; shorter pieces are found as a whole."""

FOUND_SHARE = 0.5
"""A piece is content when at least this share of its runs is in the chosen text."""

COVERED_SHARE = 0.8
"""Where the pieces hold less than this share of the chosen text, content was dropped by its tag or class name."""

TRUSTED_SHARE = 0.1
"""Where the choice has less than this share of the page's prose, it is not trusted: on some pages nothing is found."""

MOST_CHARACTERS = 1_500_000
"""Longer pages are not given to Trafilatura: for a million characters it takes up to nine seconds (measured on pages of
nothing but tags; on real pages it takes a tenth of a second in all)."""

PROSE_WORDS = 10
_WORD = re.compile(r"\w+")
_CAPTION = re.compile(r"(?:table|figure|fig\.|box|chart|exhibit)\s+(?:\d|[A-Z]\b)", re.IGNORECASE)
_ENDS = re.compile(r"[.?!:]['\"’”)\]]*$")
_TIGHT = (BlockKind.LIST_ITEM, BlockKind.TABLE_ROW)


def chosen_text(markup: str) -> str:
    """Return the text that Trafilatura takes for the page's content; empty where it finds none."""
    if len(markup) > MOST_CHARACTERS:
        return ""
    # Loading it takes half a second, which only a folder with web pages should cost.
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    return trafilatura.extract(markup, include_comments=False, include_tables=True, favor_recall=True) or ""


def covers(pieces: Sequence[Piece], chosen: str) -> bool:
    """Whether the pieces hold the ``chosen`` text."""
    wanted = _runs(_words(chosen))
    own = set(_runs(_words(" ".join(piece.text for piece in pieces))))
    return sum(run in own for run in wanted) >= COVERED_SHARE * len(wanted)


def select(pieces: Sequence[Piece], chosen: str, sure: Collection[int] = ()) -> list[Piece] | None:
    """Return the pieces that stand in the ``chosen`` text, with the headings, lists and tables they belong to.

    ``sure`` are the places of pieces that are content in any case. Returns nothing where the choice cannot be right,
    since it leaves most of the page's prose out.
    """
    kept = _found(pieces, chosen)
    prose = [place for place, piece in enumerate(pieces) if _is_prose(piece)]
    total = sum(len(pieces[place].text) for place in prose)
    found = sum(len(pieces[place].text) for place in prose if kept[place])
    if not total or found < TRUSTED_SHARE * total:
        return None
    for place, piece in enumerate(pieces):
        kept[place] = kept[place] or place in sure or (place < FRONT_PIECES and states_metadata(piece.text))
    _keep_runs(pieces, kept)
    _keep_gaps(pieces, kept)
    _keep_headings(pieces, kept)
    return [piece for piece, keep in zip(pieces, kept, strict=True) if keep]


def _found(pieces: Sequence[Piece], chosen: str) -> list[bool]:
    """Return for each piece whether its words stand in the chosen text."""
    words = _words(chosen)
    runs = set(_runs(words))
    lines = {" ".join(_words(line.strip("-|# "))) for line in chosen.split("\n")}
    flags = []
    for piece in pieces:
        own = _words(piece.text)
        if len(own) < RUN_WORDS:
            flags.append(" ".join(own) in lines)
            continue
        mine = _runs(own)
        flags.append(sum(run in runs for run in mine) >= FOUND_SHARE * len(mine))
    return flags


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _runs(words: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + RUN_WORDS]) for at in range(len(words) - RUN_WORDS + 1)]


def _is_prose(piece: Piece) -> bool:
    return len(piece.text.split()) >= PROSE_WORDS and bool(_ENDS.search(piece.text))


def _keep_runs(pieces: Sequence[Piece], kept: list[bool]) -> None:
    """Keep lists and tables as a whole: by most of their lines, or by the line that introduces them.

    A table between kept pieces is kept in any case, with the line above it: furniture is not set in tables of data.
    """
    first, last = kept.index(True), len(kept) - 1 - kept[::-1].index(True)
    start = 0
    while start < len(pieces):
        end = start + 1
        kind = pieces[start].kind
        while end < len(pieces) and kind in _TIGHT and (pieces[end].kind is kind or pieces[end].continues):
            end += 1
        if kind in _TIGHT:
            introduced = start > 0 and kept[start - 1] and pieces[start - 1].text.endswith(":")
            inside = kind is BlockKind.TABLE_ROW and first <= start and (end <= last or kept[start - 1])
            if introduced or inside or sum(kept[start:end]) * 2 >= end - start:
                kept[start:end] = [True] * (end - start)
            if inside and pieces[start - 1].kind is BlockKind.PARAGRAPH:
                kept[start - 1] = True
        start = end


def _keep_gaps(pieces: Sequence[Piece], kept: list[bool]) -> None:
    """Keep a full sentence that stands between two kept pieces, and a caption beside one: furniture has neither."""
    for place in range(1, len(pieces) - 1):
        beside = kept[place - 1] + kept[place + 1]
        wanted = (beside == 2 and _is_prose(pieces[place])) or (beside and _CAPTION.match(pieces[place].text))
        kept[place] = kept[place] or bool(wanted)


def _keep_headings(pieces: Sequence[Piece], kept: list[bool]) -> None:
    """Keep the headings of what is kept, and only those."""
    filled = [False] * (DEEPEST_HEADING + 1)
    """For each level: whether a heading of it, at the place that is looked at, would have something kept below it."""
    for place in range(len(pieces) - 1, -1, -1):
        piece = pieces[place]
        if piece.kind is BlockKind.HEADING:
            kept[place] = filled[piece.level]
            filled[piece.level :] = [False] * (DEEPEST_HEADING + 1 - piece.level)
        elif kept[place]:
            filled = [True] * (DEEPEST_HEADING + 1)
