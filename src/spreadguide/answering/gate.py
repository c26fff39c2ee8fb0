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
from spreadguide.answering.wanted import Part, Wanted
from spreadguide.protocols import PassageStore
from spreadguide.text import SMALL_WORDS, STOP_WORDS, initials, stem, words
from spreadguide.types import Evidence, Hit


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


@dataclass(frozen=True, slots=True)
class Sufficiency:
    """The gate's verdict on one part: ``score`` is 0-1; ``why`` says in plain words what is lacking."""

    enough: bool
    score: float
    why: str = ""


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
        return Sufficiency(False, score, "the passages found are about something else")
    if not _has_kind(ask.part, best, settings.near_best):
        return Sufficiency(False, score, f"the reports do not give {ask.part.wanted.value} for this")
    return Sufficiency(True, score)


def _surroundings(unit: Evidence, store: PassageStore) -> str:
    """The unit with all that is read beside it: title, publisher, headings, and its section."""
    metadata = unit.source.metadata
    around = (metadata.title, metadata.publisher or "", *unit.passage.heading, unit.context, unit.text)
    return " ".join((*around, section_text(unit.passage, store)))


def _has_kind(part: Part, best: Sequence[Evidence], near_best: float) -> bool:
    if part.field is not None and any(unit.field == part.field for unit in best):
        return True
    if part.wanted in {Wanted.ANY, Wanted.LIST}:
        return True
    floor = near_best * max(unit.dense for unit in best)
    return any(answers_kind(part, unit) for unit in best if unit.dense >= floor)


_NOT_NAMES = frozenset("nhs uk i what which who how when where why is are does do did the report reports".split())


def unknown_names(question: str, hits: Sequence[Hit], store: PassageStore) -> list[str]:
    """Return the names in ``question`` that no section found, nor its title, heading or publisher, holds.

    A name is a run of capitalised words that does not open the sentence, or a word with a capital or digit inside.
    An abbreviation is known where the words it stands for are: "SCIE" for Social Care Institute for Excellence. Of a
    longer name two neighbouring words must stand side by side: "care" and "commission" apart name no one.
    """
    known: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    for hit in hits:
        about = hit.source.metadata
        parts = (about.title, about.publisher or "", about.commissioner or "", *about.authors, *hit.passage.heading)
        text = " | ".join((*parts, section_text(hit.passage, store)))
        stems = [word.stem for word in words(text) if word.text.lower() not in SMALL_WORDS]
        known |= {*stems, *initials(text)}
        pairs |= set(pairwise(stems))
    return [
        " ".join(name)
        for name in _names(question)
        if not (_all_known(name, known) and (len(name) == 1 or pairs & set(pairwise(_stems(name)))))
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
