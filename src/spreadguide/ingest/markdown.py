"""Reads Markdown, with YAML front matter and footnotes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from spreadguide.ingest.builder import Piece
from spreadguide.ingest.catalogue import split_front_matter
from spreadguide.ingest.decoding import decode
from spreadguide.ingest.html import html_pieces
from spreadguide.ingest.limits import IngestLimits
from spreadguide.ingest.reading import Reading
from spreadguide.ingest.tables import cell_text, row_pieces, rows_as_text
from spreadguide.text import normalise, squeeze
from spreadguide.types import BlockKind

_LISTED = re.compile(r"(?:[-*+•–]|\d{1,2}[.)])\s+")
"""A list sign at the start of a line in a table cell, where Markdown itself knows no lists."""

_BLOCK_STARTS = frozenset(("heading_open", "paragraph_open", "table_open", "fence", "code_block", "html_block"))


def read_markdown(data: bytes, path: str, limits: IngestLimits) -> Reading:  # noqa: ARG001 - every reader takes the limits
    """Read a Markdown file; raises `UnreadableDocument` when it is empty or no text."""
    header, body, warnings = split_front_matter(normalise(decode(data, path)).lstrip("\n"))
    tokens = MarkdownIt("commonmark").enable("table").use(footnote_plugin).parse(body)
    notes = next((place for place, token in enumerate(tokens) if token.type == "footnote_block_open"), len(tokens))
    pieces = _Walk(tokens[:notes], _notes(tokens[notes:])).pieces()
    return Reading(tuple(pieces), header=header, warnings=warnings)


def _notes(tokens: Sequence[Token]) -> dict[int, str]:
    """Return the text of each footnote, by its place in the order of use."""
    texts: dict[int, list[str]] = {}
    current = 0
    for token in tokens:
        if token.type == "footnote_open":
            current = token.meta["id"]
        elif token.type == "inline":
            texts.setdefault(current, []).append(" ".join(_lines(token)))
    return {place: squeeze(" ".join(parts)) for place, parts in texts.items()}


@dataclass(slots=True)
class _Walk:
    """One pass over the tokens of a document."""

    tokens: Sequence[Token]
    notes: dict[int, str]
    depth: int = 0
    """How many lists are open."""
    starts_list: bool = False
    """Whether the next item is the first of its list."""
    starts_item: bool = False
    """Whether the next text is the item itself, rather than a further paragraph of it."""
    table: list[list[str]] = field(default_factory=list)
    held: list[Piece] = field(default_factory=list)
    """Notes that wait for the end of the paragraph, list or table that refers to them."""
    leads: bool = False
    """Whether the last text introduces what follows it."""

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces of the document in reading order."""
        heading = 0
        for token in self.tokens:
            if token.type in _BLOCK_STARTS and not (self.depth or self.leads):
                yield from self._release()
            if token.type == "heading_open":
                heading = int(token.tag[1:])
            elif token.type == "heading_close":
                heading = 0
            elif token.type == "inline":
                yield from self._inline(token, heading)
            elif token.type in ("fence", "code_block"):
                yield self._text_piece(token.content)
            elif token.type == "html_block":
                yield from html_pieces(token.content)
            else:
                yield from self._structure(token)
        yield from self._release()

    def _release(self) -> list[Piece]:
        held, self.held = self.held, []
        return held

    def _structure(self, token: Token) -> Iterator[Piece]:
        """Follow lists and tables as they open and close."""
        kind = token.type
        if kind in ("bullet_list_open", "ordered_list_open"):
            self.depth += 1
            self.starts_list = True
        elif kind in ("bullet_list_close", "ordered_list_close"):
            self.depth -= 1
            self.leads = False
        elif kind == "list_item_open":
            self.starts_item = True
        elif kind == "table_open":
            self.table = []
        elif kind == "tr_open":
            self.table.append([])
        elif kind == "table_close":
            yield from row_pieces(rows_as_text(self.table))
            self.table = []
            self.leads = False

    def _inline(self, token: Token, heading: int) -> Iterator[Piece]:
        self._hold_notes(token)
        lines = _lines(token)
        text = " ".join(lines)
        if self.table:
            self.table[-1].append(cell_text(_cell_parts(lines)))
            return
        self.leads = text.rstrip().endswith(":")
        if heading and not self.depth:
            yield Piece(BlockKind.HEADING, text, level=heading)
        else:
            yield self._text_piece(text)

    def _hold_notes(self, token: Token) -> None:
        for child in token.children or ():
            if child.type == "footnote_ref" and (text := self.notes.pop(child.meta["id"], "")):
                self.held.append(Piece(BlockKind.PARAGRAPH, f"Note {child.meta['id'] + 1}: {text}"))

    def _text_piece(self, text: str) -> Piece:
        """A paragraph, a list item, or a further paragraph of a list item."""
        if not (self.depth and self.starts_item):
            return Piece(BlockKind.PARAGRAPH, text, continues=self.depth > 0)
        piece = Piece(BlockKind.LIST_ITEM, text, level=self.depth, starts_list=self.starts_list)
        self.starts_item = self.starts_list = False
        return piece


def _lines(token: Token) -> list[str]:
    """Return the words of an inline token line by line, without links, emphasis, pictures and comments."""
    lines = [""]
    for child in token.children or ():
        if child.type in ("text", "code_inline"):
            lines[-1] += child.content
        elif child.type == "softbreak":
            lines[-1] += " "
        elif child.type == "hardbreak" or child.content.lower().startswith("<br"):
            lines.append("")
    return lines


def _cell_parts(lines: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield the lines of a table cell, and whether each is a list item."""
    for line in map(squeeze, lines):
        sign = _LISTED.match(line)
        yield (line[sign.end() :], True) if sign else (line, False)
