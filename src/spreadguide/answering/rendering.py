"""Findings → text: markers in order of first use, sources by number, and the answer as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from spreadguide.answering.claims import Finding
from spreadguide.protocols import PassageStore
from spreadguide.types import (
    Citation,
    CitedSource,
    Claim,
    EditionStatus,
    Evidence,
    Layout,
    Passage,
    Span,
    SupportLevel,
)


class Numbering:
    """Gives each passage a marker in order of first use, and renders findings with them."""

    def __init__(self, store: PassageStore) -> None:
        self._store = store
        self._markers: dict[str, int] = {}
        self._sources: list[CitedSource] = []

    @property
    def sources(self) -> tuple[CitedSource, ...]:
        """The passages numbered so far."""
        return tuple(self._sources)

    def claim(self, finding: Finding) -> Claim:
        """Number a finding's citations; an unsupported one gets none, for nothing supports it."""
        citations: list[Citation] = []
        if finding.support is not SupportLevel.UNSUPPORTED:
            for evidence in finding.evidence:
                pieces = (*evidence.context_spans, *evidence.spans)
                citations += [self._citation(evidence, span) for span in pieces if span in finding.spans]
        return Claim(
            finding.text,
            finding.support,
            finding.score,
            tuple(citations),
            finding.reasons,
            finding.layout,
            finding.section,
        )

    def _citation(self, evidence: Evidence, span: Span) -> Citation:
        source_id = evidence.source.source_id
        passage = self._holding(source_id, span, evidence.passage)
        quote = self._store.document_text(source_id)[span.start : span.end]
        return Citation(self._marker(passage, evidence), passage.passage_id, quote, span.start, span.end)

    def _holding(self, source_id: str, span: Span, likely: Passage) -> Passage:
        """Return the passage in which a span starts: a lead-in may stand in the passage before its list."""
        for passage in (likely, *self._store.passages_of(source_id)):
            if passage.start <= span.start < passage.end:
                return passage
        return likely

    def _marker(self, passage: Passage, evidence: Evidence) -> int:
        if passage.passage_id not in self._markers:
            metadata = evidence.source.metadata
            self._markers[passage.passage_id] = len(self._markers) + 1
            self._sources.append(
                CitedSource(
                    marker=self._markers[passage.passage_id],
                    source_id=passage.source_id,
                    title=metadata.title,
                    publisher=metadata.publisher,
                    year=metadata.year,
                    url=metadata.url,
                    page=passage.page,
                    heading=" › ".join(passage.heading),
                    passage_id=passage.passage_id,
                    path=evidence.source.path,
                    page_label=passage.page_label,
                    kind=metadata.kind,
                    setting=metadata.setting,
                    also_in=self._also_in(passage),
                )
            )
        return self._markers[passage.passage_id]

    def _also_in(self, passage: Passage) -> tuple[str, ...]:
        """Return the titles of the other current reports that hold nearly the same passage."""
        ids = dict.fromkeys(copy.source_id for copy in self._store.duplicates(passage.passage_id))
        found = [self._store.source(source_id).metadata for source_id in ids if source_id != passage.source_id]
        return tuple(other.title for other in found if other.status is EditionStatus.CURRENT)


_QUOTE_MARKS = '"“”'
_SPECIAL = re.compile(r"([\\`*_\[\]<>])")


def render(claims: Sequence[Claim]) -> str:
    """Set the shown claims as Markdown; every sentence, quote, list item and heading ends with its markers.

    Characters with a meaning in Markdown are escaped, so that no report can place a link or an image in an answer.
    """
    lines: list[str] = []
    for section, found in groupby(claims, key=lambda claim: claim.section):
        under = list(found)
        if section:
            lines += ["", f"**{_escaped(section)}** {_markers(under)}", ""]
        lines += _set(under)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _set(claims: Sequence[Claim]) -> list[str]:
    lines: list[str] = []
    previous: Layout | None = None
    for claim in claims:
        text, markers = _escaped(claim.text), _markers([claim])
        match claim.layout:
            case Layout.SENTENCE:
                joined = f"{text if text[-1:] in '.!?' else text + '.'} {markers}"
                lines += [joined] if previous is not Layout.SENTENCE else []
                if previous is Layout.SENTENCE:
                    lines[-1] += f" {joined}"
            case Layout.QUOTE:
                lines += ["", f"“{text.strip(_QUOTE_MARKS)}” {markers}", ""]
            case Layout.LEAD:
                lines += ["", f"{text} {markers}", ""]
            case Layout.ITEM:
                lines.append(f"- {text} {markers}")
        previous = claim.layout
    return lines


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _markers(claims: Sequence[Claim]) -> str:
    numbers = dict.fromkeys(citation.marker for claim in claims for citation in claim.citations)
    return "".join(f"[{number}]" for number in numbers)
