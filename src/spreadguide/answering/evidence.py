"""Hits → evidence: the few units that a question's answer can rest on, scored and without repeats.

A unit is scored by meaning (cosine of the stored unit vector, which was embedded with title, heading and
lead-in) and by words (share of the question's words, weighted by how rare they are). Small models answer better
from a few right sentences than from whole passages, and a list is offered whole, with the line that introduces it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spreadguide.answering.quantities import quantities
from spreadguide.answering.wanted import Part, Wanted, holds
from spreadguide.protocols import PassageStore
from spreadguide.text import REFERENCE_HEADING, initials, is_contraction, squeeze, terms
from spreadguide.types import Evidence, Hit, Passage, Span, Unit, UnitKind


@dataclass(frozen=True, slots=True)
class EvidenceSettings:
    """How evidence is scored and how much of it is kept. The weights are set by hand and sum to one."""

    passages: int = 20
    """Passages that are searched for each part of a question, and whose units are looked at."""
    per_part: int = 8
    """Units kept for each part of a question; the prompt's token budget takes the best of them."""
    dense_weight: float = 0.55
    unit_weight: float = 0.25
    passage_weight: float = 0.20
    kind_bonus: float = 0.15
    """Added where a unit holds the kind of thing asked for (a duration, a date …), or is a list and one is asked."""
    near_best: float = 0.8
    """Least cosine of a list that gets the bonus, as a share of the best unit's."""
    context_term_weight: float = 0.5
    """Weight of a word that an earlier turn adds to a follow-up, against one that was just asked."""
    light_term_weight: float = 0.3
    """Weight of words that questions are made of ("find", "main", "better") against words of substance."""
    duplicate: float = 0.8
    """Overlap of words (Jaccard) above which two units say the same."""


ABOUT_BONUS = 0.25
"""Added to what a document says of itself, which is short and never near a question in meaning."""


COUNTED_NEAR = 2
"""Content words after a number among which the thing counted must stand: "three years of funding to partners" is no
number of partners."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One part of a question, ready to be matched: its wording with what it leans on, its vector, its weighted words.

    ``own`` are the words of the part itself, looked for in a unit. ``weights`` adds, at less weight, the words that
    the rest of the question or an earlier turn carries; they name the subject, and are looked for in the section.
    ``context`` is the part with earlier turns, as the cross-encoder reads it; empty where there are none.
    """

    part: Part
    wording: str
    vector: NDArray[np.float32]
    own: dict[str, float]
    weights: dict[str, float]
    context: str = ""


_LIGHT_TERMS = frozenset(
    terms(
        """say said tell told find found show shown give given mention describe explain report reports state according
        choose chosen select take took part make made use used using need want get do work works go happen involve
        best better good great main key core important different example examples kind type way ways thing things
        much number latest recent new currently actually really please know think help does mean means stand
        called name list overall general long people person someone anyone question answer reason point points
        run ran"""
    )
)

_POINTER = re.compile(
    r"\b(?:can be found|more details?|find out more|read (?:the|more)|register|download|click|will be discussed)\b"
    r".*\b(?:here|at|on|pdf|online|event)\b",
    re.IGNORECASE,
)
"""A sentence that only points somewhere else answers nothing."""


def weigh(text: str, idf: Callable[[str], float], settings: EvidenceSettings) -> dict[str, float]:
    """Weight the content words of ``text`` by how rare they are in the reports."""
    return {
        term: idf(term) * (settings.light_term_weight if term in _LIGHT_TERMS else 1.0)
        for term in terms(text)
        if not is_contraction(term)
    }


def ask_for(
    part: Part,
    wording: str,
    vector: NDArray[np.float32],
    standalone: str,
    idf: Callable[[str], float],
    settings: EvidenceSettings,
    context: str = "",
) -> Ask:
    """Prepare one part of a question.

    ``standalone`` is the whole question with what earlier turns add, ``context`` the part with these turns.
    """
    own = {term: weight for term, weight in weigh(part.text, idf, settings).items() if term not in _LIGHT_TERMS}
    carried = weigh(standalone, idf, settings)
    whole = {term: settings.context_term_weight * weight for term, weight in carried.items()}
    whole |= weigh(part.text, idf, settings)
    return Ask(part, wording, vector, own or whole, whole, context)


def covered(weights: dict[str, float], text: str) -> float:
    """Return the share (0-1) of the weighted words that stand in ``text``."""
    total = sum(weights.values())
    there = {*terms(text), *initials(text)}
    return sum(weight for term, weight in weights.items() if term in there) / total if total else 0.0


def gather(ask: Ask, hits: Sequence[Hit], store: PassageStore, settings: EvidenceSettings) -> list[Evidence]:
    """Return the units for one part of a question, best first, markers not yet given (0)."""
    texts: dict[str, str] = {}
    found: list[Evidence] = []
    for hit in hits[: settings.passages]:
        if hit.passage.heading and REFERENCE_HEADING.search(hit.passage.heading[-1]):
            continue
        source_id = hit.source.source_id
        text = texts.setdefault(source_id, store.document_text(source_id))
        found += _units(ask, hit, text, store, settings)
    if ask.part.field is not None:
        found += _about_the_document(ask, hits, texts, store)
    grouped = _with_whole_lists(ask, found, texts, store)
    if ask.part.wanted is Wanted.LIST and grouped:
        floor = settings.near_best * max(unit.dense for unit in grouped)
        grouped = [
            replace(unit, score=unit.score + settings.kind_bonus) if _is_list(unit) and unit.dense >= floor else unit
            for unit in grouped
        ]
    ranked = sorted(grouped, key=lambda evidence: -evidence.score)
    return _distinct(ranked, settings)


def _units(ask: Ask, hit: Hit, text: str, store: PassageStore, settings: EvidenceSettings) -> list[Evidence]:
    around = " ".join((hit.source.metadata.title, hit.source.metadata.publisher or "", *hit.passage.heading))
    passage_coverage = covered(ask.weights, f"{around} {section_text(hit.passage, store)}")
    vectors = store.unit_vectors(hit.passage.passage_id)
    found = []
    for unit, vector in zip(hit.passage.units, vectors, strict=True):
        evidence = _evidence(hit, unit, text)
        if unit.kind is UnitKind.METADATA or _POINTER.search(evidence.text):
            continue
        dense = float(np.dot(ask.vector, vector))
        coverage = covered(ask.own, f"{evidence.context} {evidence.text}")
        score = (
            settings.dense_weight * dense
            + settings.unit_weight * coverage
            + settings.passage_weight * passage_coverage
            + (settings.kind_bonus if answers_kind(ask.part, evidence) else 0.0)
        )
        found.append(replace(evidence, dense=dense, coverage=coverage, score=score))
    return found


def _is_list(evidence: Evidence) -> bool:
    return len(evidence.spans) > 1


def section_text(passage: Passage, store: PassageStore) -> str:
    """Return the wording of a passage with that of its neighbours under the same heading.

    A section names its subject once ("the PRASE trial"), and rarely in the passage that holds the number.
    """
    before, after = store.neighbours(passage.passage_id)
    near = [beside for beside in (before, passage, after) if beside is not None and beside.heading == passage.heading]
    return " ".join(f"{beside.lead_in or ''} {beside.text}" for beside in near)


def _evidence(hit: Hit, unit: Unit, text: str) -> Evidence:
    context = " ".join(squeeze(text[span.start : span.end]) for span in unit.context)
    wording = squeeze(text[unit.span.start : unit.span.end])
    return Evidence(
        marker=0,
        passage=hit.passage,
        source=hit.source,
        kind=unit.kind,
        text=wording,
        context=context,
        context_spans=unit.context,
        spans=(unit.span,),
        pieces=(wording,),
        dense=0.0,
        coverage=0.0,
        score=0.0,
        list_id=unit.list_id,
        field=unit.field,
    )


def answers_kind(part: Part, evidence: Evidence) -> bool:
    """Whether the unit holds the kind of thing asked for; "how many wards" wants a number of wards."""
    if part.wanted in {Wanted.ANY, Wanted.LIST}:
        return False
    if part.wanted is Wanted.NUMBER and part.counted and evidence.kind is UnitKind.TABLE_ROW:
        return _counted_in_row(part.counted, evidence.text)
    if part.wanted is Wanted.NUMBER and part.counted:
        return any(
            set(part.counted) & set(number.counted[:COUNTED_NEAR]) and not number.is_year and not number.is_duration
            for number in quantities(evidence.text)
            if number.unit != "ordinal"
        )
    text = f"{evidence.context} {evidence.text}"
    if part.wanted is Wanted.PERSON and part.counted and not set(part.counted) & set(terms(text)):
        return False
    return holds(part.wanted, text, part.text)


def _counted_in_row(counted: Sequence[str], row: str) -> bool:
    """Whether a cell of ``Column: value; Column: value`` gives a number of what is counted: its column says of what."""
    for cell in row.split("; "):
        column, _, value = cell.partition(": ")
        if value and quantities(value) and set(counted) & set(terms(column)):
            return True
    return False


def _about_the_document(ask: Ask, hits: Sequence[Hit], texts: dict[str, str], store: PassageStore) -> list[Evidence]:
    """Return what a document says of itself (publisher, date, author, commissioner), for questions about that.

    Only the document that matches the question best counts: its title, publisher, opening and passages found.
    """
    found = []
    for source in {hit.source.source_id: hit.source for hit in hits}.values():
        passages = store.passages_of(source.source_id)
        seen = " ".join(hit.passage.text for hit in hits if hit.source.source_id == source.source_id)
        about = f"{source.metadata.title} {source.metadata.publisher or ''} {passages[0].text} {seen}"
        match = covered(ask.weights, about)
        text = texts.setdefault(source.source_id, store.document_text(source.source_id))
        for passage in passages:
            for unit in passage.units:
                if unit.kind is UnitKind.METADATA and unit.field == ask.part.field:
                    evidence = _evidence(Hit(passage, source, 0.0, {}), unit, text)
                    found.append(replace(evidence, dense=match, coverage=match, score=ABOUT_BONUS + match))
    best = max((evidence.score for evidence in found), default=0.0)
    return [evidence for evidence in found if evidence.score == best]


def _with_whole_lists(ask: Ask, found: list[Evidence], texts: dict[str, str], store: PassageStore) -> list[Evidence]:
    """Put a whole list in place of its lead-in, and of its items where a list is asked for."""
    lists = {
        (evidence.source.source_id, evidence.list_id): evidence for evidence in found if evidence.list_id is not None
    }
    leads = {
        (source_id, evidence.context_spans[0]): list_id
        for (source_id, list_id), evidence in lists.items()
        if evidence.context_spans
    }
    kept: dict[object, Evidence] = {}
    for evidence in found:
        source_id = evidence.source.source_id
        list_id = leads.get((source_id, evidence.spans[0]))
        if list_id is None and ask.part.wanted is Wanted.LIST:
            list_id = evidence.list_id
        if list_id is None:
            kept[evidence.passage.passage_id, evidence.spans] = evidence
            continue
        best = kept.get((source_id, list_id))
        if best is None or evidence.score > best.score:
            whole = _whole_list(evidence, list_id, texts[source_id], store)
            kept[source_id, list_id] = whole
    return list(kept.values())


def _whole_list(evidence: Evidence, list_id: int | None, text: str, store: PassageStore) -> Evidence:
    units = [
        unit
        for passage in store.passages_of(evidence.source.source_id)
        for unit in passage.units
        if unit.list_id == list_id
    ]
    lead = units[0].context
    pieces = tuple(squeeze(text[unit.span.start : unit.span.end]) for unit in units)
    return replace(
        evidence,
        kind=UnitKind.LIST_ITEM,
        text="; ".join(piece.rstrip(".;,") for piece in pieces),
        context=" ".join(squeeze(text[span.start : span.end]) for span in lead),
        context_spans=lead,
        spans=tuple(unit.span for unit in units),
        pieces=pieces,
        list_id=list_id,
        passage=_holding(units[0].span, store.passages_of(evidence.source.source_id)),
    )


def _holding(span: Span, passages: Sequence[Passage]) -> Passage:
    return next(passage for passage in passages if passage.start <= span.start < passage.end)


def _distinct(ranked: Sequence[Evidence], settings: EvidenceSettings) -> list[Evidence]:
    """Drop units that say what a better one says: reports quote each other."""
    kept: list[tuple[Evidence, set[str]]] = []
    for evidence in ranked:
        vocabulary = set(terms(evidence.text))
        if not vocabulary:
            continue
        if all(_jaccard(vocabulary, other) < settings.duplicate for _, other in kept):
            kept.append((evidence, vocabulary))
    return [evidence for evidence, _ in kept]


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)
