"""Hits → plan: the parts of a question, the evidence for each, and whether it is enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from spreadguide.answering.assembly import PartResult
from spreadguide.answering.evidence import EvidenceSettings, ask_for, gather
from spreadguide.answering.gate import about_the_names, judge
from spreadguide.answering.prompt import select
from spreadguide.answering.reranking import passage_odds, rerank
from spreadguide.answering.shape import Shape
from spreadguide.answering.sides import sides
from spreadguide.answering.wanted import Part, Wanted, parts
from spreadguide.protocols import PairJudge, PassageStore
from spreadguide.types import Evidence, Hit, Question


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """Settings of everything between hits and answer."""

    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)
    reranked: int = 0
    """Passages of a search that the cross-encoder reads; none where 0. It is not worth its time: see
    docs/evaluation.md."""


@dataclass(frozen=True, slots=True)
class Query:
    """One part of a question as it is searched for and read.

    ``wording`` is the part with what it leans on; ``also`` are other wordings to search for, and ``context`` the part
    with earlier turns, as the cross-encoder reads a follow-up; empty where there are none.
    """

    part: Part
    wording: str
    also: tuple[str, ...] = ()
    context: str = ""


def queries(question: Question, shape: Shape = Shape.PLAIN) -> list[Query]:
    """Return each part of the question with the wordings to search for it.

    A later part ("how did they engage?") leans on the first, as a follow-up leans on an earlier turn. The parts of a
    comparison are its two sides, where it shows them; each leans on the whole.
    """
    found = parts(question.text)
    if shape is Shape.COMPARISON and len(found) == 1 and (two := sides(question.text)):
        return [_query(Part(side, Wanted.ANY), f"{side} (about: {question.standalone})") for side in two]
    first, *later = found
    carried = question.standalone.removeprefix(question.text).strip()
    opening = question.standalone if not later else f"{first.text} {carried}".strip()
    leaning = [_query(part, f"{part.text} (about: {first.text} {carried})".strip()) for part in later]
    return [_query(first, opening), *leaning]


def _query(part: Part, wording: str) -> Query:
    """Return a query that searches for the part by itself, too, where it leans on something."""
    leans = wording.strip(" ,?") != part.text
    return Query(part, wording, (part.text,) if leans else ())


def plan(
    question: Question,
    asked: Sequence[tuple[Query, NDArray[np.float32], Sequence[Hit]]],
    hits: Sequence[Hit],
    store: PassageStore,
    idf: Callable[[str], float],
    reader: PairJudge,
    settings: AnswerSettings,
) -> list[PartResult]:
    """Gather and judge the evidence for each part.

    ``asked`` gives each part with the vector of its wording and its hits; ``hits`` are those of all parts, for the
    names that a question takes for known.
    """
    results = []
    for query, vector, own in asked:
        part = query.part
        ask = ask_for(part, query.wording, vector, question.standalone, idf, settings.evidence, query.context)
        gathered = about_the_names(part.text, gather(ask, own, store, settings.evidence), store)
        evidence = rerank(ask, gathered, reader)[: settings.evidence.per_part]
        odds = passage_odds(ask, evidence, reader)
        results.append(PartResult(part, tuple(evidence), judge(ask, evidence, odds, hits, store)))
    return results


def number(
    results: Sequence[PartResult], count_tokens: Callable[[Sequence[str]], list[int]]
) -> tuple[list[PartResult], list[Evidence]]:
    """Choose the lines that fit the prompt, best of each part first, and number them in the results too."""
    answerable = [result.evidence for result in results if result.sufficiency.enough]
    mixed: dict[tuple[str, object], Evidence] = {}
    for unit in (unit for rank in zip_longest(*answerable) for unit in rank if unit is not None):
        mixed.setdefault(_key(unit), unit)
    chosen = select(list(mixed.values()), count_tokens)
    markers = {_key(unit): unit.marker for unit in chosen}
    numbered = [
        replace(result, evidence=tuple(replace(unit, marker=markers.get(_key(unit), 0)) for unit in result.evidence))
        for result in results
    ]
    return numbered, chosen


def _key(unit: Evidence) -> tuple[str, object]:
    return unit.source.source_id, unit.spans
