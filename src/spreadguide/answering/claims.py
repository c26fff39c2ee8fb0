"""Draft sentences → checked findings: each is supported by a line, or withheld with the reasons.

A sentence is checked against the lines it cites first. When those do not support it but another line does, the
citation is moved there; a sentence that no line supports is withheld, whatever it cites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from spreadguide.answering.citations import DraftSentence
from spreadguide.answering.verification import Premise, Verdict, check
from spreadguide.protocols import Embedder, Vectors
from spreadguide.text import terms
from spreadguide.types import Evidence, Span, SupportLevel

MAX_SENTENCE_CHARACTERS = 600
"""A longer draft "sentence" is a run-on of a model that lost its way."""

REPEAT = 0.85
"""Overlap of words (Jaccard) above which a sentence only says an earlier one again."""


class Layout(StrEnum):
    """How a finding is set in the answer's text."""

    SENTENCE = "sentence"
    QUOTE = "quote"
    LEAD = "lead"
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence or quote with the evidence it rests on, before markers are given out."""

    text: str
    support: SupportLevel
    score: float
    evidence: tuple[Evidence, ...] = ()
    spans: tuple[Span, ...] = ()
    layout: Layout = Layout.SENTENCE
    reasons: tuple[str, ...] = ()


class Checker:
    """Checks the sentences of one draft against the numbered evidence it was written from."""

    def __init__(self, evidence: Sequence[Evidence], embedder: Embedder) -> None:
        self._evidence = {unit.marker: unit for unit in evidence}
        self._embedder = embedder
        self._vectors: Vectors | None = None
        self._seen: list[set[str]] = []

    def check(self, sentence: DraftSentence) -> Finding | None:
        """Check one sentence; ``None`` when it only repeats an earlier one."""
        vocabulary = set(terms(sentence.text))
        if not vocabulary or any(len(vocabulary & old) / len(vocabulary | old) >= REPEAT for old in self._seen):
            return None
        self._seen.append(vocabulary)
        if len(sentence.text) > MAX_SENTENCE_CHARACTERS:
            return Finding(sentence.text, SupportLevel.UNSUPPORTED, 0.0, reasons=("the sentence does not end",))
        return self._best(sentence)

    def _best(self, sentence: DraftSentence) -> Finding:
        similarity = self._similarities(sentence.text)
        cited = [marker for marker in sentence.markers if marker in self._evidence]
        tried: list[tuple[Verdict, tuple[Evidence, ...]]] = []
        for group in self._groups(cited, similarity):
            units = tuple(self._evidence[marker] for marker in group)
            verdict = check(sentence.text, _premise(units), max(similarity[marker] for marker in group))
            if verdict.supported:
                return _finding(sentence.text, SupportLevel.SUPPORTED, verdict, units)
            tried.append((verdict, units))
        verdict, units = max(tried, key=lambda pair: (-len(pair[0].reasons), pair[0].score))
        return _finding(sentence.text, SupportLevel.UNSUPPORTED, verdict, units)

    def _groups(self, cited: list[int], similarity: dict[int, float]) -> list[tuple[int, ...]]:
        """Return what to check against, in order: each cited line, the cited lines together, every other line."""
        others = sorted((marker for marker in self._evidence if marker not in cited), key=lambda m: -similarity[m])
        together = [tuple(cited)] if len(cited) > 1 else []
        return [*((marker,) for marker in cited), *together, *((marker,) for marker in others)]

    def _similarities(self, sentence: str) -> dict[int, float]:
        if self._vectors is None:
            self._vectors = self._embedder.embed_queries([_premise((unit,)).text for unit in self._evidence.values()])
        vector = self._embedder.embed_queries([sentence])[0]
        return dict(zip(self._evidence, (float(value) for value in np.dot(self._vectors, vector)), strict=True))


def _premise(units: Sequence[Evidence]) -> Premise:
    text = " ".join(f"{unit.context} {unit.text}".strip() for unit in units)
    metadata = [unit.source.metadata for unit in units]
    names = " ".join(
        " ".join((about.title, about.publisher or "", *about.authors, *unit.passage.heading))
        for about, unit in zip(metadata, units, strict=True)
    )
    return Premise(text, names)


def _finding(text: str, support: SupportLevel, verdict: Verdict, units: tuple[Evidence, ...]) -> Finding:
    spans = tuple(span for unit in units for span in (*unit.context_spans, *unit.spans))
    return Finding(text, support, verdict.score, units, spans, reasons=verdict.reasons)


def quotes(evidence: Evidence, document_text: str) -> list[Finding]:
    """Return the verbatim pieces of a unit, each a finding of its own: lead-in or speaker, then unit or items."""
    body = Layout.ITEM if evidence.context_spans else Layout.QUOTE
    pieces = [(span, Layout.LEAD) for span in evidence.context_spans] + [(span, body) for span in evidence.spans]
    return [
        Finding(document_text[span.start : span.end], SupportLevel.QUOTED, 1.0, (evidence,), (span,), layout)
        for span, layout in pieces
    ]
