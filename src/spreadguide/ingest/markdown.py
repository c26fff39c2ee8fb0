"""Reads Markdown, with YAML front matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from spreadguide.ingest.builder import Piece
from spreadguide.ingest.catalogue import split_front_matter
from spreadguide.ingest.decoding import decode
from spreadguide.ingest.html import html_pieces
from spreadguide.ingest.limits import IngestLimits
from spreadguide.ingest.reading import Reading
from spreadguide.ingest.tables import rows_as_text
from spreadguide.text import normalise
from spreadguide.types import BlockKind


def read_markdown(data: bytes, path: str, limits: IngestLimits) -> Reading:  # noqa: ARG001 - every reader takes the limits
    """Read a Markdown file; raises `UnreadableDocument` when it is empty or no text."""
    header, body, warnings = split_front_matter(normalise(decode(data, path)).lstrip("\n"))
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    return Reading(tuple(_Walk(tokens).pieces()), header=header, warnings=warnings)


@dataclass(slots=True)
class _Walk:
    """One pass over the tokens of a document."""

    tokens: Sequence[Token]
    depth: int = 0
    """How many lists are open."""
    starts_list: bool = False
    """Whether the next item is the first of its list."""
    starts_item: bool = False
    """Whether the next text is the item itself, rather than a further paragraph of it."""
    table: list[list[str]] = field(default_factory=list)

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces of the document in reading order."""
        heading = 0
        for token in self.tokens:
            if token.type == "heading_open":
                heading = int(token.tag[1:])
            elif token.type == "heading_close":
                heading = 0
            elif token.type == "inline":
                yield from self._inline(_text(token), heading)
            elif token.type in ("fence", "code_block"):
                yield self._text_piece(token.content)
            elif token.type == "html_block":
                yield from html_pieces(token.content)
            else:
                yield from self._structure(token)

    def _structure(self, token: Token) -> Iterator[Piece]:
        """Follow lists and tables as they open and close."""
        kind = token.type
        if kind in ("bullet_list_open", "ordered_list_open"):
            self.depth += 1
            self.starts_list = True
        elif kind in ("bullet_list_close", "ordered_list_close"):
            self.depth -= 1
        elif kind == "list_item_open":
            self.starts_item = True
        elif kind == "table_open":
            self.table = []
        elif kind == "tr_open":
            self.table.append([])
        elif kind == "table_close":
            yield from (Piece(BlockKind.TABLE_ROW, row) for row in rows_as_text(self.table))
            self.table = []

    def _inline(self, text: str, heading: int) -> Iterator[Piece]:
        if self.table:
            self.table[-1].append(text)
        elif heading and not self.depth:
            yield Piece(BlockKind.HEADING, text, level=heading)
        else:
            yield self._text_piece(text)

    def _text_piece(self, text: str) -> Piece:
        """A paragraph, a list item, or a further paragraph of a list item."""
        if not (self.depth and self.starts_item):
            return Piece(BlockKind.PARAGRAPH, text, continues=self.depth > 0)
        piece = Piece(BlockKind.LIST_ITEM, text, level=self.depth, starts_list=self.starts_list)
        self.starts_item = self.starts_list = False
        return piece


def _text(token: Token) -> str:
    """Return the words of an inline token, without links, emphasis and pictures."""
    parts = []
    for child in token.children or ():
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak") or child.content.lower().startswith("<br"):
            parts.append(" ")
    return "".join(parts)
