"""Draft sentences → checked findings: each is supported by a line, or withheld with the reasons.

A sentence is checked against the lines it cites first. When those do not support it but another line does, the
citation is moved there; a sentence that no line supports is withheld, whatever it cites.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spreadguide.answering.citations import DraftSentence
from spreadguide.answering.verification import Comparison, Premise, Verdict, compare
from spreadguide.protocols import Embedder, PairJudge
from spreadguide.text import terms
from spreadguide.types import Evidence, Layout, Span, SupportLevel, UnitKind

MAX_SENTENCE_CHARACTERS = 600
"""A longer draft "sentence" is a run-on of a model that lost its way."""

REPEAT = 0.85
"""Overlap of words (Jaccard) above which a sentence only says an earlier one again."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence or quote with the evidence it rests on, before markers are given out; ``section`` as in `Claim`."""

    text: str
    support: SupportLevel
    score: float
    evidence: tuple[Evidence, ...] = ()
    spans: tuple[Span, ...] = ()
    layout: Layout = Layout.SENTENCE
    reasons: tuple[str, ...] = ()
    section: str = ""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Something a sentence may rest on: lines, or one item of a list with its lead-in."""

    evidence: tuple[Evidence, ...]
    spans: tuple[Span, ...]
    premise: Premise


class Checker:
    """Checks the sentences of one draft against the numbered evidence it was written from."""

    def __init__(self, evidence: Sequence[Evidence], embedder: Embedder, reader: PairJudge) -> None:
        self._candidates = {unit.marker: _candidates(unit) for unit in evidence}
        self._embedder = embedder
        self._reader = reader
        self._vectors: dict[str, NDArray[np.float32]] = {}
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
        """Return the finding for the first candidate that supports the sentence, else for the one that comes nearest.

        Wording that decides by itself comes first, for it costs the least: sentences are checked on the cores that
        write the next one.
        """
        tried: list[tuple[Verdict, _Candidate]] = []
        for candidates in self._in_order([marker for marker in sentence.markers if marker in self._candidates]):
            compared = [(compare(sentence.text, candidate.premise), candidate) for candidate in candidates]
            for comparison, candidate in compared:
                if comparison.decided:
                    return _finding(sentence.text, SupportLevel.SUPPORTED, comparison.by_wording(), candidate)
            open_ones = [pair for pair in compared if pair[0].decided is None]
            for verdict, candidate in self._read(sentence.text, open_ones):
                if verdict.supported:
                    return _finding(sentence.text, SupportLevel.SUPPORTED, verdict, candidate)
                tried.append((verdict, candidate))
            tried += [
                (comparison.by_wording(), candidate)
                for comparison, candidate in compared
                if comparison.decided is False
            ]
        verdict, candidate = max(tried, key=lambda pair: pair[0].score)
        return _finding(sentence.text, SupportLevel.UNSUPPORTED, verdict, candidate)

    def _read(
        self, sentence: str, compared: Sequence[tuple[Comparison, _Candidate]]
    ) -> Iterator[tuple[Verdict, _Candidate]]:
        """Yield the verdicts of what wording leaves open; the cross-encoder reads only what is worded anew."""
        similarities = self._similarities(sentence, [candidate for _, candidate in compared])
        reworded = [candidate.premise.read for comparison, candidate in compared if comparison.reworded]
        odds = iter(self._reader.supports(sentence, reworded) if reworded else ())
        for (comparison, candidate), similarity in zip(compared, similarities, strict=True):
            yield comparison.judged(similarity, float(next(odds)) if comparison.reworded else None), candidate

    def _in_order(self, cited: list[int]) -> list[list[_Candidate]]:
        """Return what to check against, in order: each cited line and the cited lines together, then every other."""
        first = [candidate for marker in cited for candidate in self._candidates[marker]]
        together = [_together([self._candidates[marker][0] for marker in cited])] if len(cited) > 1 else []
        others = [
            candidate
            for marker, candidates in self._candidates.items()
            if marker not in cited
            for candidate in candidates
        ]
        return [found for found in ([*first, *together], others) if found]

    def _similarities(self, sentence: str, candidates: Sequence[_Candidate]) -> list[float]:
        if not candidates:
            return []
        unknown = [text for text in {c.premise.text for c in candidates} if text not in self._vectors]
        vectors = self._embedder.embed_queries([sentence, *unknown])
        self._vectors |= dict(zip(unknown, vectors[1:], strict=True))
        return [float(np.dot(vectors[0], self._vectors[candidate.premise.text])) for candidate in candidates]


def _candidates(unit: Evidence) -> list[_Candidate]:
    """Return a line as a whole and, for a list, each item under its lead-in."""
    whole = _Candidate((unit,), (*unit.context_spans, *unit.spans), _premise(unit, unit.text))
    if len(unit.spans) < 2:
        return [whole]
    items = zip(unit.spans, unit.pieces, strict=True)
    return [whole, *(_Candidate((unit,), (*unit.context_spans, span), _premise(unit, text)) for span, text in items)]


def _together(candidates: Sequence[_Candidate]) -> _Candidate:
    return _Candidate(
        tuple(unit for candidate in candidates for unit in candidate.evidence),
        tuple(span for candidate in candidates for span in candidate.spans),
        Premise(
            " ".join(candidate.premise.text for candidate in candidates),
            " ".join(candidate.premise.names for candidate in candidates),
            candidates[0].premise.title,
        ),
    )


def _premise(unit: Evidence, text: str) -> Premise:
    about = unit.source.metadata
    names = " ".join((about.title, about.publisher or "", *about.authors, *unit.passage.heading))
    return Premise(f"{unit.context} {text}".strip(), names, unit.source.headline(unit.passage))


def _finding(text: str, support: SupportLevel, verdict: Verdict, candidate: _Candidate) -> Finding:
    return Finding(text, support, verdict.score, candidate.evidence, candidate.spans, reasons=verdict.reasons)


def quotes(evidence: Evidence, document_text: str) -> list[Finding]:
    """Return the verbatim pieces of a unit, each a finding of its own: lead-in or speaker, then unit or items.

    What a document says of itself is set in a sentence, for a bare date or name says nothing.
    """
    if evidence.kind is UnitKind.METADATA:
        return [_about_document(evidence)]
    body = Layout.ITEM if evidence.context_spans else Layout.QUOTE
    pieces = [(span, Layout.LEAD) for span in evidence.context_spans] + [(span, body) for span in evidence.spans]
    return [
        Finding(document_text[span.start : span.end], SupportLevel.QUOTED, 1.0, (evidence,), (span,), layout)
        for span, layout in pieces
    ]


_ABOUT = {
    "published": "The date on “{title}” is: {value}.",
    "publisher": "The publisher of “{title}” is given as: {value}.",
    "authors": "The authors of “{title}” are given as: {value}.",
    "commissioner": "On who commissioned “{title}”, the document says: {value}.",
}
_LABEL = re.compile(r"^(?:published|publisher|authors?|date|commissioned by|commissioner)\s*:\s*", re.IGNORECASE)


def _about_document(evidence: Evidence) -> Finding:
    value = _LABEL.sub("", evidence.text).rstrip(".")
    wording = _ABOUT.get(evidence.field or "", "“{title}” says: {value}.")
    text = wording.format(title=evidence.source.metadata.title, value=value)
    return Finding(text, SupportLevel.SUPPORTED, 1.0, (evidence,), evidence.spans)
