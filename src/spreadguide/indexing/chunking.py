"""Document → passages: runs of whole blocks under one heading, on one page, with exact spans.

A passage never loses the headings it stands under, and a list is never cut from the line that introduces it: the
first item stays with its lead-in, and where a long list goes on in a later passage, that passage carries the
lead-in's wording.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

from spreadguide.indexing.units import UnitFinder, block_sentences
from spreadguide.text import squeeze
from spreadguide.types import Block, BlockKind, Document, Passage, Span, Unit

CHUNKER_VERSION = "3"
"""Raised whenever the same document would give other passages or units: it is part of the fingerprint."""

MAX_WORDS = 160
"""Most words in a passage. About 210 word pieces, so that title and headings still fit the embedder's 256."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block, or a run of sentences of a block too long for one passage, with its units."""

    block: Block
    span: Span
    units: tuple[Unit, ...]
    words: int


def chunk(document: Document) -> list[Passage]:
    """Cut ``document`` into passages, in reading order."""
    passages: list[Passage] = []
    seen: Counter[str] = Counter()
    labels: dict[int | None, str | None] = {page.number: page.label for page in document.pages}
    for heading, run in _runs(document):
        passages.append(_passage(document, heading, run, seen, labels))
    return passages


def _runs(document: Document) -> list[tuple[tuple[str, ...], list[_Piece]]]:
    runs: list[tuple[tuple[str, ...], list[_Piece]]] = []
    path: list[tuple[int, str]] = []
    current: list[_Piece] = []
    finder = UnitFinder(document.text)

    def close() -> None:
        if current:
            titles = tuple(title for _, title in path if title != document.metadata.title)
            runs.append((titles, current.copy()))
            current.clear()

    for block in document.blocks:
        if block.kind is BlockKind.HEADING:
            close()
            finder.units(block, ())
            title = squeeze(document.text[block.span.start : block.span.end])
            path[:] = [(level, name) for level, name in path if level < block.level]
            path.append((block.level, title))
            continue
        for piece in _pieces(document.text, block, finder):
            if current and _breaks_before(document, piece, current):
                close()
            current.append(piece)
    close()
    return runs


def _introduced(document: Document, piece: _Piece) -> int:
    """Return the words of what ``piece`` introduces: its list, or the block after a line that ends in a colon."""
    text = document.text
    if not text[piece.span.start : piece.span.end].rstrip().endswith(":"):
        return 0
    following = [block for block in document.blocks if block.span.start >= piece.span.end]
    if not following:
        return 0
    first = following[0]
    if first.lead_in != piece.block.span:
        return _count(text, first.span) if first.kind is BlockKind.PARAGRAPH else 0
    items = takewhile(lambda block: block.list_id == first.list_id, following)
    return sum(_count(text, item.span) for item in items)


def _pieces(text: str, block: Block, finder: UnitFinder) -> list[_Piece]:
    spans = block_sentences(text, block)
    units = finder.units(block, spans)
    if len(units) < 2 or _count(text, block.span) <= MAX_WORDS:
        return [_Piece(block, block.span, tuple(units), _count(text, block.span))]
    pieces: list[_Piece] = []
    held: list[Unit] = []
    for unit in units:
        if held and _count(text, Span(held[0].span.start, unit.span.end)) > MAX_WORDS:
            pieces.append(_sentence_run(text, block, held))
            held = []
        held.append(unit)
    return [*pieces, _sentence_run(text, block, held)]


def _sentence_run(text: str, block: Block, units: list[Unit]) -> _Piece:
    span = Span(units[0].span.start, units[-1].span.end)
    return _Piece(block, span, tuple(units), _count(text, span))


def _count(text: str, span: Span) -> int:
    return len(text[span.start : span.end].split())


def _breaks_before(document: Document, piece: _Piece, current: list[_Piece]) -> bool:
    """A passage ends at a page's end and when it is full; never between a line and what that line introduces.

    A list moves to the next passage with its lead-in where it would not fit behind what is there.
    """
    previous = current[-1]
    if document.text[previous.span.start : previous.span.end].rstrip().endswith(":"):
        return False
    if piece.block.lead_in == previous.block.span:
        return False
    if piece.block.page != previous.block.page:
        return True
    filled = sum(held.words for held in current)
    coming = piece.words + _introduced(document, piece)
    return filled + piece.words > MAX_WORDS or (filled + coming > MAX_WORDS >= coming)


def _passage(
    document: Document,
    heading: tuple[str, ...],
    run: list[_Piece],
    seen: Counter[str],
    labels: Mapping[int | None, str | None],
) -> Passage:
    start, end = run[0].span.start, run[-1].span.end
    text = document.text[start:end]
    key = "\x1f".join((document.source_id, *heading, text))
    seen[key] += 1
    digest = hashlib.sha256(f"{key}\x1f{seen[key]}".encode()).hexdigest()
    lead = run[0].block.lead_in
    return Passage(
        passage_id=digest[:16],
        source_id=document.source_id,
        heading=heading,
        page=run[0].block.page,
        start=start,
        end=end,
        text=text,
        units=tuple(unit for piece in run for unit in piece.units),
        lead_in=squeeze(document.text[lead.start : lead.end]) if lead and lead.start < start else None,
        page_label=labels.get(run[0].block.page),
    )
