"""Turns pages whose text runs up, down or upside down so that it can be read, and turns boxes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from spreadguide.ingest.builder import Piece, PieceBox
from spreadguide.ingest.pdf_page import Page, Word

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def upright(page: Page) -> Page:
    """Return ``page`` with most of its text level; its ``turn`` says how it stood."""
    if all(word.turn == 0 for word in page.words):
        return page
    letters: Counter[int] = Counter()
    for word in page.words:
        letters[word.turn] += len(word.text)
    turn = letters.most_common(1)[0][0]
    if turn == 0:
        return page
    width, height = (page.height, page.width) if turn % 2 else (page.width, page.height)
    return replace(
        page,
        turn=turn,
        width=width,
        height=height,
        words=tuple(_turned_word(word, turn, page) for word in page.words),
        rules=tuple(_turned(rule, turn, page.width, page.height) for rule in page.rules),
    )


def _turned_word(word: Word, turn: int, page: Page) -> Word:
    x0, top, x1, bottom = _turned((word.x0, word.top, word.x1, word.bottom), turn, page.width, page.height)
    base = {1: word.base, 2: page.height - word.base, 3: page.width - word.base}[turn]
    return replace(word, x0=x0, top=top, x1=x1, bottom=bottom, base=base, turn=(word.turn - turn) % 4)


def _turned(box: Box, turn: int, width: float, height: float) -> Box:
    """Turn a box on a page of ``width`` by ``height`` by so many quarters to the right."""
    x0, top, x1, bottom = box
    if turn == 1:
        return height - bottom, x0, height - top, x1
    if turn == 2:
        return width - x1, height - bottom, width - x0, height - top
    return top, width - x1, bottom, width - x0


def as_shown(pieces: Sequence[Piece], pages: Sequence[Page]) -> list[Piece]:
    """Return ``pieces`` with their boxes where the pages show them."""
    turned = {page.number: page for page in pages if page.turn}
    if not turned:
        return list(pieces)
    return [replace(piece, boxes=tuple(_back(box, turned) for box in piece.boxes)) for piece in pieces]


def _back(box: PieceBox, turned: dict[int, Page]) -> PieceBox:
    page = turned.get(box.page)
    if page is None:
        return box
    x0, top, x1, bottom = _turned((box.x0, box.top, box.x1, box.bottom), 4 - page.turn, page.width, page.height)
    return replace(box, x0=x0, top=top, x1=x1, bottom=bottom)
