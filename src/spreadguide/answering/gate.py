"""The sufficiency gate: does the evidence answer the question, judged before anything is written.

Several signals, for one similarity threshold fails both ways: how near the evidence is in meaning, how many of the
question's words it holds, whether the names asked about occur, and whether a thing of the kind asked for (a number
of wards, a length of time) stands there at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from spreadguide.answering.evidence import Ask, answers_kind, covered, section_text
from spreadguide.answering.wanted import Wanted
from spreadguide.protocols import PassageStore
from spreadguide.text import SMALL_WORDS, STOP_WORDS, initials, stem, terms, words
from spreadguide.types import Evidence, Hit, Passage, Source


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Thresholds of the gate, set by hand on questions of our own about the shipped briefs."""

    enough: float = 0.52
    """Least sufficiency (0-1): the mean of the best cosine and the share of the question's words covered."""
    least_dense: float = 0.25
    """Least cosine of the best unit: below it, unrelated text that shares common words gets through."""
    least_coverage: float = 0.34
    """Least share of the question's weighted words that the best evidence and its passages must hold."""
    looked_at: int = 4
    """Best units in which the kind of thing asked for must stand."""
    near_best: float = 0.7
    """Least cosine of such a unit, as a share of the best one's: a number in another story answers nothing."""
    unit_coverage: float = 0.36
    """Least share of the question's weighted words in one of these units with its title and headings: words that are
    spread over several reports make no answer. Where a kind of thing is asked for, the unit that holds it counts."""


@dataclass(frozen=True, slots=True)
class Sufficiency:
    """The gate's verdict on one part: ``score`` is 0-1; ``why`` says in plain words what is lacking."""

    enough: bool
    score: float
    why: str = ""


_ABOUT_ELSE = "the passages found are about something else"


def judge(
    ask: Ask, evidence: Sequence[Evidence], hits: Sequence[Hit], store: PassageStore, settings: GateSettings
) -> Sufficiency:
    """Judge whether ``evidence`` answers one part of a question."""
    if not evidence:
        return Sufficiency(False, 0.0, "nothing in the reports comes near this question")
    best = evidence[: settings.looked_at]
    dense = max(unit.dense for unit in evidence)
    coverage = covered(ask.weights, " ".join(_surroundings(unit, store) for unit in best))
    score = round((dense + coverage) / 2, 3)
    if missing := unknown_names(ask.part.text, hits, store):
        return Sufficiency(False, score, f"the reports found do not mention {', '.join(missing)}")
    if score < settings.enough or dense < settings.least_dense or coverage < settings.least_coverage:
        return Sufficiency(False, score, _ABOUT_ELSE)
    if not _answered_by_one(ask, best, settings):
        anything = ask.part.wanted in {Wanted.ANY, Wanted.LIST}
        why = _ABOUT_ELSE if anything else f"the reports do not give {ask.part.wanted.value} for this"
        return Sufficiency(False, score, why)
    return Sufficiency(True, score)


def _surroundings(unit: Evidence, store: PassageStore) -> str:
    """The unit with all that is read beside it: title, publisher, headings, and its section."""
    metadata = unit.source.metadata
    around = (metadata.title, metadata.publisher or "", *unit.passage.heading, unit.context, unit.text)
    return " ".join((*around, section_text(unit.passage, store)))


def _answered_by_one(ask: Ask, best: Sequence[Evidence], settings: GateSettings) -> bool:
    part = ask.part
    if part.field is not None and any(unit.field == part.field for unit in best):
        return True
    floor = settings.near_best * max(unit.dense for unit in best)
    subject = {term: weight for term, weight in ask.weights.items() if term not in _TIME_TERMS}
    return any(
        (part.wanted in {Wanted.ANY, Wanted.LIST} or answers_kind(part, unit))
        and covered(subject, _with_headings(unit)) >= settings.unit_coverage
        for unit in best
        if unit.dense >= floor
    )


_TIME_TERMS = frozenset(terms("minute minutes hour hours day days week weeks month months year years long"))
"""In "how many days of training", the days are what is asked for, and no sign of what it is about."""


def _with_headings(unit: Evidence) -> str:
    return " ".join((unit.source.metadata.title, *unit.passage.heading, unit.context, unit.text))


def about_the_names(question: str, evidence: Sequence[Evidence], store: PassageStore) -> list[Evidence]:
    """Keep the units whose section knows most of the names in ``question``; all of them where it names nothing.

    Asked what Macmillan spends, a sum that somebody else spent is no answer, however near its wording is. Where no
    unit's section knows any of the names, none is kept.
    """
    names = _names(question)
    if not names:
        return list(evidence)
    known: dict[str, int] = {}
    for unit in evidence:
        if unit.passage.passage_id not in known:
            known[unit.passage.passage_id] = len(_known_names(names, [_section(unit.source, unit.passage, store)]))
    most = max(known.values(), default=0)
    return [unit for unit in evidence if unit.field is not None or 0 < known[unit.passage.passage_id] == most]


_NOT_NAMES = frozenset("nhs uk i what which who how when where why is are does do did the report reports".split())


def unknown_names(question: str, hits: Sequence[Hit], store: PassageStore) -> list[str]:
    """Return the names in ``question`` that no section found, nor its title, heading or publisher, holds.

    A name is a run of capitalised words that does not open the sentence, or a word with a capital or digit inside.
    An abbreviation is known where the words it stands for are: "SCIE" for Social Care Institute for Excellence. Of a
    longer name two neighbouring words must stand side by side: "care" and "commission" apart name no one.
    """
    names = _names(question)
    known = _known_names(names, [_section(hit.source, hit.passage, store) for hit in hits])
    return [" ".join(name) for name in names if name not in known]


def _section(source: Source, passage: Passage, store: PassageStore) -> str:
    """Return the section that a passage stands in, with what names its subject: title, publisher, setting, headings.

    Where other reports hold nearly the same passage, what names them counts, too.
    """
    others = {copy.source_id for copy in store.duplicates(passage.passage_id)}
    named = (source.metadata, *(store.source(source_id).metadata for source_id in sorted(others)))
    said = [
        part
        for about in named
        for part in (about.title, about.publisher, about.commissioner, about.setting, *about.authors)
        if part
    ]
    return " | ".join((*said, *passage.heading, section_text(passage, store)))


def _known_names(names: Sequence[list[str]], sections: Sequence[str]) -> list[list[str]]:
    """Return those of ``names`` that the sections, taken together, hold."""
    known: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    for text in sections:
        stems = [word.stem for word in words(text) if word.text.lower() not in SMALL_WORDS]
        known |= {*stems, *initials(text)}
        pairs |= set(pairwise(stems))
    return [
        name for name in names if _all_known(name, known) and (len(name) == 1 or pairs & set(pairwise(_stems(name))))
    ]


def _all_known(name: Sequence[str], known: set[str]) -> bool:
    return all(
        one in known or word.lower().removesuffix("s") in known for one, word in zip(_stems(name), name, strict=True)
    )


def _stems(name: Sequence[str]) -> list[str]:
    return [stem(word) for word in name]


def _names(question: str) -> list[list[str]]:
    """Return the names in a question, each as its words without small ones and possessive endings."""
    found: list[list[str]] = []
    running = False
    for word in words(question):
        before = question[: word.start].rstrip()
        opens = not before or before[-1] in ".?!:("
        inside = re.search(r"[A-Z]", word.text[1:]) is not None
        if (inside or (word.text[0].isupper() and not opens)) and word.text.lower() not in _NOT_NAMES | STOP_WORDS:
            plain = re.sub(r"['’]s$", "", word.text)
            if running and question[: word.start].endswith((" ", "-")):
                found[-1].append(plain)
            else:
                found.append([plain])
            running = plain == word.text
        elif word.text.lower() not in SMALL_WORDS:
            running = False
    return found
