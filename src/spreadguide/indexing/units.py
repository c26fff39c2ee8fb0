"""Blocks → units: the smallest pieces that can be cited, each with the wording it depends on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from spreadguide.text import sentences
from spreadguide.types import Block, BlockKind, Span, Unit, UnitKind

_SPEECH_VERBS = "said|says|say|commented|comments|added|adds|explained|explains|told|wrote|writes|concluded|argued"
_SPEAKER_LINE = re.compile(rf"\b(?:{_SPEECH_VERBS})\b[^.?!]*:\s*$", re.IGNORECASE)
_SPEAKER_INLINE = re.compile(rf"\b(?:{_SPEECH_VERBS})\b[^.?!\"“‘]*:\s*(?=[\"“‘'])", re.IGNORECASE)
_OPENS = ("'", '"', "‘", "“")
_CLOSES = re.compile(r"[\"”’']\s*$")


class UnitFinder:
    """Finds the units of one document's blocks, carrying speaker and list item from block to block.

    A quotation keeps the line that names its speaker, a list item its lead-in, and a paragraph that explains a
    numbered item that item: without it, "If you are an innovator, …" says nothing of what it is about.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._speaker: Span | None = None
        self._item: Block | None = None

    def units(self, block: Block, pieces: Sequence[Span]) -> list[Unit]:
        """Return the units of ``block``; ``pieces`` are the block's sentences, as spans."""
        match block.kind:
            case BlockKind.HEADING:
                self._speaker = self._item = None
                return []
            case BlockKind.METADATA:
                return [Unit(UnitKind.METADATA, block.span, field=block.field)]
            case BlockKind.TABLE_ROW:
                return [Unit(UnitKind.TABLE_ROW, block.span, (block.lead_in,) if block.lead_in else ())]
            case BlockKind.LIST_ITEM:
                self._speaker = None
                self._item = block
                return self._item_units(block, pieces)
            case BlockKind.PARAGRAPH:
                return self._paragraph_units(block, pieces)

    def _item_units(self, block: Block, pieces: Sequence[Span]) -> list[Unit]:
        """The item's first sentence is its headline; what follows is explained by both lead-in and headline."""
        lead = (block.lead_in,) if block.lead_in else ()
        first, *rest = pieces
        headline = Unit(UnitKind.LIST_ITEM, first, lead, block.list_id)
        return [headline, *(Unit(UnitKind.SENTENCE, span, (*lead, first)) for span in rest)]

    def _paragraph_units(self, block: Block, pieces: Sequence[Span]) -> list[Unit]:
        paragraph = self._text[block.span.start : block.span.end]
        if self._item is not None and block.list_id != self._item.list_id:
            self._item = None
        if _SPEAKER_LINE.search(paragraph):
            self._speaker = pieces[-1]
            return [Unit(UnitKind.SENTENCE, span) for span in pieces]
        if self._speaker and not paragraph.startswith(_OPENS):
            self._speaker = None
        if self._speaker:
            return [Unit(UnitKind.QUOTATION, span, (self._speaker,)) for span in pieces]
        if self._item is not None:
            return [Unit(UnitKind.SENTENCE, span, (self._item.span,)) for span in pieces]
        return self._with_inline_speech(pieces)

    def _with_inline_speech(self, pieces: Sequence[Span]) -> list[Unit]:
        """In ``X said: "A. B."`` sentence B depends on "X said:" until the speech closes."""
        units: list[Unit] = []
        speaker: Span | None = None
        for span in pieces:
            sentence = self._text[span.start : span.end]
            if speaker is not None:
                units.append(Unit(UnitKind.QUOTATION, span, (speaker,)))
            elif opening := _SPEAKER_INLINE.search(sentence):
                speaker = Span(span.start, span.start + len(sentence[: opening.end()].rstrip()))
                units.append(Unit(UnitKind.SENTENCE, span))
            else:
                units.append(Unit(UnitKind.SENTENCE, span))
            if speaker is not None and _CLOSES.search(sentence):
                speaker = None
        return units


def block_sentences(text: str, block: Block) -> list[Span]:
    """Return the sentences of ``block``, or the whole block where it holds none."""
    found = sentences(text, block.span.start, block.span.end)
    return found or [block.span]
