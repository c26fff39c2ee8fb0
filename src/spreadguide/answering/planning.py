"""Hits → plan: the parts of a question, the evidence for each, and whether it is enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from spreadguide.answering.assembly import PartResult
from spreadguide.answering.evidence import EvidenceSettings, ask_for, gather
from spreadguide.answering.gate import ABOUT_ELSE, BESIDE_COVERED, Sufficiency, about_the_names, judge
from spreadguide.answering.pillars import (
    LEAST_ON_OTHER,
    NEAR,
    READ,
    Topic,
    step_questions,
    steps,
    subject_of,
)
from spreadguide.answering.prompt import select
from spreadguide.answering.reranking import passage_odds, rerank
from spreadguide.answering.shape import Shape
from spreadguide.answering.sides import Side, sides
from spreadguide.answering.wanted import MOST_PARTS, Part, Wanted, parts
from spreadguide.protocols import PairJudge, PassageStore
from spreadguide.types import Evidence, Hit, Question

ASPECTS = 2
"""Most things asked of each side of a comparison; each is searched for and read by itself."""


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """Settings of everything between hits and answer."""

    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)
    writes_open: bool = False
    """Whether the model also writes answers to questions that ask for no number, date or name. With the default model
    these hold what the quotes hold, in ten times the time: see docs/evaluation.md."""
    reranked: int = 0
    """Passages of a search that the cross-encoder reads; none where 0. It is not worth its time: see
    docs/evaluation.md."""


@dataclass(frozen=True, slots=True)
class Query:
    """One part of a question as it is searched for and read.

    ``wording`` is the part with what it leans on; ``also`` are other wordings to search for, and ``context`` the part
    with earlier turns, as the cross-encoder reads a follow-up; empty where there are none. ``pillar`` names the pillar
    of advice that the part was added for; empty for what was really asked. ``least`` is the least probability of the
    gate where nothing is `pillars.NEAR`, if that is to be more than usual.
    """

    part: Part
    wording: str
    also: tuple[str, ...] = ()
    context: str = ""
    pillar: str = ""
    least: float = 0.0


def queries(question: Question, shape: Shape = Shape.PLAIN, topic: Topic = Topic.UNSURE) -> list[Query]:
    """Return each part of the question with the wordings to search for it.

    A later part ("how did they engage?") leans on the first, as a follow-up leans on an earlier turn. The parts of a
    comparison are its two sides, where it shows them. A question for advice on the ``topic`` of adoption is read as
    one for steps to take, and a part for each pillar is added; one about something else must be answered clearly.
    """
    if shape is Shape.COMPARISON and (two := sides(question.text)):
        return [query for side in two for query in _of_side(side)]
    first, *later = parts(question.text)
    carried = question.standalone.removeprefix(question.text).strip()
    # With one thing asked, remarks stay in the wording: they may name where the answer stands.
    opening = question.standalone if not later else f"{first.text} {carried}".strip()
    leaning = [_query(part, f"{part.text} (about: {first.text} {carried})".strip()) for part in later]
    asked = [_query(first, opening), *leaning]
    if shape is not Shape.ADVICE or topic is Topic.UNSURE:
        return asked
    if topic is Topic.OTHER:
        return [replace(query, least=LEAST_ON_OTHER) for query in asked]
    return _with_steps(question, asked)


def left_out(question: Question, shape: Shape) -> list[str]:
    """Return a warning where more is asked at once than is answered."""
    two = sides(question.text) if shape is Shape.COMPARISON else None
    texts, most = ([side.question for side in two], ASPECTS) if two else ([question.text], MOST_PARTS)
    if all(len(parts(text, most + 1)) <= most for text in texts):
        return []
    of_each = " of each side" if two else ""
    return [
        f"You asked more than {most} things{of_each}. The first {most} are looked at. Ask the others by themselves."
    ]


def _of_side(side: Side) -> list[Query]:
    """Return what is asked of one side of a comparison: its first parts, each searched for with the side's words."""
    found = parts(side.question, ASPECTS)
    if len(found) == 1:
        found = [replace(found[0], text=side.question)]
    asked = []
    for part in found:
        of_it = part.text if side.phrase in part.text else f"{side.phrase}: {part.text}"
        # Of a side a single point may be asked for, but hardly ever a whole list.
        wanted = Wanted.ANY if part.wanted is Wanted.LIST else part.wanted
        asked.append(Query(replace(part, text=of_it, wanted=wanted), of_it, (side.phrase,)))
    return asked


def _with_steps(question: Question, asked: Sequence[Query]) -> list[Query]:
    """Read what is asked as a question for steps, and add one for each pillar; steps stand in lists."""
    own = [
        replace(
            query,
            part=replace(query.part, wanted=Wanted.LIST) if query.part.wanted is Wanted.ANY else query.part,
        )
        for query in asked
    ]
    whole = Part(question.text, Wanted.LIST)
    under = step_questions(question).items()
    return [*own, *(Query(whole, text, (question.text,), pillar=pillar) for pillar, text in under)]


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
    results: list[PartResult] = []
    subject = {source_id for query, _, own in asked if not query.pillar for source_id in subject_of(own)}
    for query, vector, own in asked:
        part = query.part
        ask = ask_for(part, query.wording, vector, question.standalone, idf, settings.evidence, query.context)
        gathered = about_the_names(part.text, gather(ask, own, store, settings.evidence), store)
        if query.pillar:
            found = steps(rerank(ask, gathered, reader, READ))
            if _covered(results):
                found = [unit for unit in found if unit.source.source_id in subject]
            score = found[0].score if found else 0.0
            results.append(PartResult(part, tuple(found), Sufficiency(bool(found), score), query.pillar))
            continue
        evidence = rerank(ask, gathered, reader)[: settings.evidence.per_part]
        odds = passage_odds(ask, evidence, reader)
        verdict = judge(ask, evidence, odds, hits, store)
        if verdict.enough and verdict.score < query.least and verdict.signals["dense"] < NEAR:
            verdict = replace(verdict, enough=False, why=ABOUT_ELSE)
        results.append(PartResult(part, tuple(evidence), verdict))
    return beside_covered(results)


def _covered(results: Sequence[PartResult]) -> bool:
    """Whether anything that was really asked is covered; steps under the pillars were added to it."""
    return any(result.sufficiency.enough and not result.pillar for result in results)


def beside_covered(results: list[PartResult]) -> list[PartResult]:
    """Let pass, where one thing asked is covered, what is nearly covered of the rest: it is on the same subject."""
    if not _covered(results):
        return results
    return [
        replace(result, sufficiency=replace(result.sufficiency, enough=True, why=""))
        if result.sufficiency.why == ABOUT_ELSE and result.sufficiency.score >= BESIDE_COVERED
        else result
        for result in results
    ]


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
