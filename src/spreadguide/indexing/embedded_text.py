"""What the embedder and BM25 read for a passage or a unit: its words, with the wording that gives them meaning."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from spreadguide.text import REFERENCE_HEADING, squeeze
from spreadguide.types import Document, Passage, Unit, UnitKind

_ENDINGS = (".", "!", "?", ":", ";", ",")


def passage_text(document_title: str, passage: Passage) -> str:
    """Return title, path of headings, the list's lead-in and the passage's own text, on one line."""
    return _join((document_title, *passage.heading, passage.lead_in or "", passage.text))


def unit_text(document_title: str, passage: Passage, unit: Unit, document_text: str) -> str:
    """Return title, path of headings, the unit's context and the unit's own text, on one line.

    ``document_text`` is the document's normalised text, which the unit's spans index into.
    """
    pieces = (document_text[span.start : span.end] for span in (*unit.context, unit.span))
    return _join((document_title, *passage.heading, *pieces))


def embedded_texts(documents: Sequence[Document], passages: Sequence[Passage]) -> tuple[list[str], list[str]]:
    """Return the text of every passage, and the text of every unit, passage by passage.

    A unit that is never ranked by meaning has no text: what a document says of itself, and lists of other texts.
    """
    by_id = {document.source_id: document for document in documents}
    of_passages: list[str] = []
    of_units: list[str] = []
    for passage in passages:
        document = by_id[passage.source_id]
        # A title made of the file's name says little, and would have a renamed file embedded again.
        title = document.metadata.title if document.metadata.named else ""
        of_passages.append(passage_text(title, passage))
        lists_others = bool(passage.heading) and REFERENCE_HEADING.search(passage.heading[-1])
        of_units.extend(
            "" if lists_others or unit.kind is UnitKind.METADATA else unit_text(title, passage, unit, document.text)
            for unit in passage.units
        )
    return of_passages, of_units


def text_key(text: str) -> str:
    """Return the SHA-256 of ``text``: the name under which its vector is kept for the next build."""
    return hashlib.sha256(text.encode()).hexdigest()


def _join(parts: Iterable[str]) -> str:
    """Put the parts on one line, each closed by a full stop unless it ends in punctuation."""
    lines = [line for line in map(squeeze, parts) if line]
    closed = (line if line.endswith(_ENDINGS) else f"{line}." for line in lines[:-1])
    return " ".join((*closed, *lines[-1:]))
