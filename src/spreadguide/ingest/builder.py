"""Lays pieces of a report out as one normalised text, and records where each piece stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from spreadguide.text import normalise, squeeze
from spreadguide.types import Block, BlockKind, LineBox, Span

BLOCK_GAP = "\n\n"
"""Between blocks: a blank line."""

ITEM_GAP = "\n"
"""Between the items of one list, and between the rows of one table: a line end, so that they stay together."""

_TIGHT_KINDS = (BlockKind.LIST_ITEM, BlockKind.TABLE_ROW)

CAPTION_WORDS = 40
"""A line right above a table with at most this many words, ending with a colon or numbered, is its caption."""

_CAPTION = re.compile(r"(?:table|box|exhibit|figure|annex|appendix)\s+(?:\d+|[A-Z])\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PieceBox:
    """Where characters ``start`` to ``end`` of a piece's text stand on a page; see `LineBox`."""

    start: int
    end: int
    page: int
    x0: float
    top: float
    x1: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Piece:
    """What a reader found, in reading order, before it has a place in the normalised text.

    ``level`` is as in `Block`. ``starts_list`` marks an item that does not belong to the list above it.
    ``starts_list`` also marks the first row of a table. ``continues`` marks a paragraph that belongs to the list item
    above it, and ``caption`` a line that names the rows which follow. ``boxes`` are in order, and hold only while
    ``text`` has no white space to be tidied.
    """

    kind: BlockKind
    text: str
    level: int = 0
    page: int | None = None
    field: str | None = None
    starts_list: bool = False
    continues: bool = False
    caption: bool = False
    boxes: tuple[PieceBox, ...] = ()


@dataclass(slots=True)
class _OpenList:
    """A list that can still grow: its depth as the reader gave it, the line that introduces it, its newest item."""

    depth: int
    list_id: int
    lead_in: Span | None
    newest: Span | None = None


class DocumentBuilder:
    """Builds the text and the blocks of one document, piece by piece.

    Every block is one line of the text with single spaces. Blocks are parted by a blank line, items of one list
    and rows of one table by a line end. A piece without a letter, digit or sign in it leaves no block.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._boxes: list[LineBox] = []
        self._open: list[_OpenList] = []
        self._lists = 0
        self._caption: Span | None = None
        """The caption of the table that is being built."""
        self._named = False
        """Whether the newest block was given as a caption."""

    def heading(self, text: str, level: int = 2, page: int | None = None) -> None:
        """Append a heading; level 1 is the document's title."""
        self.add(Piece(BlockKind.HEADING, text, level=level, page=page))

    def paragraph(self, text: str, page: int | None = None, *, continues: bool = False) -> None:
        """Append a paragraph; ``continues`` says that it belongs to the list item above."""
        self.add(Piece(BlockKind.PARAGRAPH, text, page=page, continues=continues))

    def item(self, text: str, level: int = 1, page: int | None = None, *, starts_list: bool = False) -> None:
        """Append a list item; level 1 is outermost, and a deeper item belongs to the item above it."""
        self.add(Piece(BlockKind.LIST_ITEM, text, level=level, page=page, starts_list=starts_list))

    def row(self, text: str, page: int | None = None) -> None:
        """Append a table row, written out as ``Column: value; Column: value``."""
        self.add(Piece(BlockKind.TABLE_ROW, text, page=page))

    def metadata(self, text: str, field: str, page: int | None = None) -> None:
        """Append a line that states the document's publisher, date, authors, commissioner or source."""
        self.add(Piece(BlockKind.METADATA, text, page=page, field=field))

    def add(self, piece: Piece) -> None:
        """Append one piece; see the class for how it is laid out."""
        text = squeeze(normalise(_storable(piece.text)))
        if not text:
            return
        previous = self._blocks[-1] if self._blocks else None
        owner = self._owner(piece, previous)
        if piece.kind is BlockKind.TABLE_ROW and (piece.starts_list or not _is_row(previous)):
            self._caption = self._caption_above(previous)
        if previous is not None:
            self._write(self._gap(previous, piece))
        span = Span(self._length, self._length + len(text))
        self._write(text)
        level = piece.level
        if owner is not None:
            is_item = piece.kind is BlockKind.LIST_ITEM
            owner.newest = span if is_item else owner.newest
            level = len(self._open) if is_item else 0
        self._blocks.append(
            Block(
                piece.kind,
                span,
                level=level,
                page=piece.page,
                list_id=owner.list_id if owner else None,
                lead_in=self._caption if piece.kind is BlockKind.TABLE_ROW else owner.lead_in if owner else None,
                field=piece.field,
            )
        )
        self._named = piece.caption
        if text == piece.text:
            self._boxes += _placed(piece.boxes, span)

    def build(self) -> tuple[str, tuple[Block, ...]]:
        """Return the normalised text and its blocks, in reading order."""
        return "".join(self._parts), tuple(self._blocks)

    def boxes(self) -> tuple[LineBox, ...]:
        """Return where the lines of the text stand on their pages, in the order of the text."""
        return tuple(self._boxes)

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def _gap(self, previous: Block, piece: Piece) -> str:
        """A list's items, sub-lists included, stand on lines of their own; so do a table's rows."""
        if piece.kind not in _TIGHT_KINDS or previous.kind is not piece.kind:
            return BLOCK_GAP
        if piece.kind is BlockKind.TABLE_ROW:
            return BLOCK_GAP if piece.starts_list else ITEM_GAP
        return BLOCK_GAP if piece.starts_list and len(self._open) == 1 else ITEM_GAP

    def _owner(self, piece: Piece, previous: Block | None) -> _OpenList | None:
        """Return the list that a piece belongs to, if any; any other piece ends all open lists."""
        if piece.kind is BlockKind.LIST_ITEM:
            return self._list_of_item(piece, previous)
        if piece.kind is BlockKind.PARAGRAPH and piece.continues and self._open:
            return self._open[-1]
        self._open.clear()
        return None

    def _list_of_item(self, piece: Piece, previous: Block | None) -> _OpenList:
        """Return the list that an item belongs to; open it when it is new."""
        depth = max(1, piece.level)
        if len(self._open) == 1 and not piece.starts_list:
            self._open[0].depth = min(self._open[0].depth, depth)
        while self._open and (self._open[-1].depth > depth or (piece.starts_list and self._open[-1].depth == depth)):
            self._open.pop()
        if not self._open or self._open[-1].depth < depth:
            self._open.append(_OpenList(depth, self._lists, self._lead_in(previous)))
            self._lists += 1
        return self._open[-1]

    def _lead_in(self, previous: Block | None) -> Span | None:
        """The line that introduces a list which starts now.

        It is the line right above where that ends with a colon, else the parent item of a sub-list, else a
        heading right above.
        """
        if previous is None or previous.kind is BlockKind.METADATA:
            return None
        if self._parts[-1].endswith(":"):
            return previous.span
        if self._open:
            return self._open[-1].newest
        return previous.span if previous.kind is BlockKind.HEADING else None

    def _caption_above(self, previous: Block | None) -> Span | None:
        """Return the line right above a table that says what the table shows, if there is one."""
        if previous is None or previous.kind not in (BlockKind.PARAGRAPH, BlockKind.HEADING):
            return None
        text = self._parts[-1]
        if len(text.split()) > CAPTION_WORDS:
            return None
        return previous.span if self._named or text.endswith(":") or _CAPTION.match(text) else None


def _is_row(block: Block | None) -> bool:
    return block is not None and block.kind is BlockKind.TABLE_ROW


def _placed(boxes: Iterable[PieceBox], span: Span) -> Iterator[LineBox]:
    """Yield boxes with their spans in the whole text; those that reach out of the piece are left out."""
    for box in boxes:
        if 0 <= box.start < box.end <= span.end - span.start:
            place = Span(span.start + box.start, span.start + box.end)
            yield LineBox(place, box.page, box.x0, box.top, box.x1, box.bottom)


def _storable(text: str) -> str:
    """Replace half characters (lone surrogates), which broken files hold and which UTF-8 cannot store."""
    return text.encode("utf-8", "replace").decode("utf-8")
