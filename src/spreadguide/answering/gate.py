"""The sufficiency gate: does the evidence answer the question, judged before anything is written.

Several signals, for one similarity threshold fails both ways: whether the cross-encoder reads an answer in a line, how
near the evidence is in meaning, how many of the question's words it holds, whether the names asked about occur, and
whether a thing of the kind asked for (a number of wards, a length of time) stands there at all. A logistic regression
makes one probability of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from spreadguide.answering.evidence import Ask, answers_kind, covered, section_text
from spreadguide.answering.intent import in_latin_letters
from spreadguide.answering.wanted import Wanted
from spreadguide.logistic import load
from spreadguide.protocols import PassageStore
from spreadguide.text import SMALL_WORDS, initials, is_name, stem, words
from spreadguide.types import Evidence, Hit, Passage, Source

WEIGHTS = "answering/gate.json"
WEIGHTS_OF_ONE = "answering/gate_one.json"
"""Where a search finds a single passage: whether others say the like cannot be asked there."""

LOOKED_AT = 4
"""Best units in which words and the kind of thing asked for are looked for."""

NEAR_BEST = 0.7
"""Least cosine of a unit that may hold the thing asked for, as a share of the best one's: a number in another story
answers nothing."""

TOO_FAR = 0.2
"""Cosine of the nearest unit below which nothing is near, whatever the cross-encoder makes of it. Of the examples that
the gate was fitted to when this was set, 1 of 680 that are answered lay below it, and 36 of 594 others."""

NOTHING_NEAR = "nothing in the reports comes near this question"

PASSAGES = "passages"
"""Name of the signal that counts the passages found: it chooses the regression, and has no weight in it."""

PLAINLY_NEAR, PLAINLY_COVERED = 0.7, 0.7
"""Least cosine and share of words of a line that plainly answers: it holds the kind of thing asked for, and every name
is known. Of 1,318 examples that the gate was once fitted to, this let in one right one more, and one wrong one."""

MOST_ODDS = 8.0
"""Log-odds of the cross-encoder are cut here: beyond, they say no more."""


@dataclass(frozen=True, slots=True)
class Sufficiency:
    """The gate's verdict on one part: ``score`` is a probability; ``why`` says in plain words what is lacking.

    ``signals`` are the values that the regression read, by name; empty where there was no evidence at all.
    """

    enough: bool
    score: float
    why: str = ""
    signals: dict[str, float] = field(default_factory=dict)


BESIDE_COVERED = 0.22
"""Least probability for one thing asked where another one, asked with it, is covered: well below the usual."""

ABOUT_ELSE = "the passages found are about something else"


def judge(
    ask: Ask, evidence: Sequence[Evidence], passage_odds: Sequence[float], hits: Sequence[Hit], store: PassageStore
) -> Sufficiency:
    """Judge whether ``evidence`` answers one part of a question.

    ``passage_odds`` are the log-odds, by the cross-encoder, that whole passages do: those of `reranking.passage_odds`.
    """
    if not evidence:
        return Sufficiency(False, 0.0, NOTHING_NEAR)
    if max(unit.dense for unit in evidence) < TOO_FAR:
        return Sufficiency(False, 0.0, NOTHING_NEAR)
    if any(sign.isalpha() for sign in ask.part.text) and not in_latin_letters(ask.part.text):
        # Its words are unknown to the models, and what they make of unknown words means nothing.
        return Sufficiency(False, 0.0, "it is written in letters that cannot be read here")
    regression = load(weights_for(len(hits)))
    found = signals(ask, evidence, passage_odds, hits, store)
    score = round(regression.probability(found), 4)
    if score >= regression.least or _plainly(ask, found):
        return Sufficiency(True, max(score, regression.least), signals=found)
    if missing := unknown_names(ask.part.text, hits, store):
        return Sufficiency(False, score, f"the reports found do not mention {', '.join(missing)}", found)
    if found["kind_missing"]:
        return Sufficiency(False, score, f"the reports do not give {ask.part.wanted.value} for this", found)
    return Sufficiency(False, score, ABOUT_ELSE, found)


def weights_for(passages: int) -> str:
    """Return the file of the regression for as many passages as a search found."""
    return WEIGHTS if passages > 1 else WEIGHTS_OF_ONE


def _plainly(ask: Ask, found: dict[str, float]) -> bool:
    """Whether a line says nearly all that the question does, and gives the number, date or name that it asks for.

    The cross-encoder has read many questions for a number that the text does not give, and takes some that it does
    give for one of them.
    """
    return (
        ask.part.wanted not in {Wanted.ANY, Wanted.LIST}
        and not found["kind_missing"]
        and not found["names_missing"]
        and found["dense"] >= PLAINLY_NEAR
        and found["unit_coverage"] >= PLAINLY_COVERED
    )


def signals(
    ask: Ask, evidence: Sequence[Evidence], passage_odds: Sequence[float], hits: Sequence[Hit], store: PassageStore
) -> dict[str, float]:
    """Return what the verdict rests on, by name; ``evidence`` must not be empty."""
    best = evidence[:LOOKED_AT]
    odds = sorted((_odds(unit) for unit in evidence), reverse=True)
    return {
        "answers": odds[0],
        # Where there are fewer lines, the last one stands in: that there are few says nothing against it.
        "answers_next": odds[:2][-1],
        "answers_third": odds[:3][-1],
        "answers_passage": _cut(max(passage_odds, default=odds[0])),
        "answers_passages": _cut(float(np.mean(passage_odds)) if passage_odds else odds[0]),
        PASSAGES: float(len(hits)),
        "dense": max(unit.dense for unit in evidence),
        "coverage": covered(ask.weights, " ".join(_surroundings(unit, store) for unit in best)),
        "unit_coverage": max(covered(ask.weights, _with_headings(unit)) for unit in best),
        "names_missing": float(bool(unknown_names(ask.part.text, hits, store))),
        "kind_missing": float(not _holds_kind(ask, best)),
        "of_document": float(ask.part.field is not None and any(unit.field == ask.part.field for unit in best)),
    }


def _odds(unit: Evidence) -> float:
    if unit.answers is None:
        # What a document says of itself is never read by the cross-encoder; its field was asked for by name.
        return MOST_ODDS if unit.field is not None else -MOST_ODDS
    return _cut(unit.answers)


def _cut(odds: float) -> float:
    return float(np.clip(odds, -MOST_ODDS, MOST_ODDS))


def _holds_kind(ask: Ask, best: Sequence[Evidence]) -> bool:
    """Whether a unit near the question holds the kind of thing asked for (a number of wards, a length of time)."""
    part = ask.part
    if part.wanted in {Wanted.ANY, Wanted.LIST} or (part.field and any(unit.field == part.field for unit in best)):
        return True
    floor = NEAR_BEST * max(unit.dense for unit in best)
    return any(answers_kind(part, unit) for unit in best if unit.dense >= floor)


def _surroundings(unit: Evidence, store: PassageStore) -> str:
    """The unit with all that is read beside it: title, publisher, headings, and its section."""
    metadata = unit.source.metadata
    around = (metadata.title, metadata.publisher or "", *unit.passage.heading, unit.context, unit.text)
    return " ".join((*around, section_text(unit.passage, store)))


def _with_headings(unit: Evidence) -> str:
    return " ".join((unit.source.metadata.title, *unit.passage.heading, unit.context, unit.text))


def about_the_names(question: str, evidence: Sequence[Evidence], store: PassageStore) -> list[Evidence]:
    """Keep the units whose section knows most of the names in ``question``; all of them where it names nothing.

    Asked what Macmillan spends, a sum that somebody else spent is no answer, however near its wording is. Where no
    unit's section knows any of the names, all are kept, for the gate to weigh.
    """
    names = names_in(question)
    if not names:
        return list(evidence)
    known: dict[str, int] = {}
    for unit in evidence:
        if unit.passage.passage_id not in known:
            known[unit.passage.passage_id] = len(_known_names(names, [_section(unit.source, unit.passage, store)]))
    most = max(known.values(), default=0)
    return [unit for unit in evidence if unit.field is not None or known[unit.passage.passage_id] == most]


def unknown_names(question: str, hits: Sequence[Hit], store: PassageStore) -> list[str]:
    """Return the names in ``question`` that no section found, nor its title, heading or publisher, holds.

    A name is a run of capitalised words that does not open the sentence, or a word with a capital or digit inside.
    An abbreviation is known where the words it stands for are: "SCIE" for Social Care Institute for Excellence. Of a
    longer name two neighbouring words must stand side by side: "care" and "commission" apart name no one.
    """
    names = names_in(question)
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


SHORT_FOR = 5
"""Least letters of a name that may stand for a longer one that it begins: "Confed" for "Confederation"."""


def _all_known(name: Sequence[str], known: set[str]) -> bool:
    return all(
        one in known or word.lower().removesuffix("s") in known or _short_for(word.lower(), known)
        for one, word in zip(_stems(name), name, strict=True)
    )


def _short_for(word: str, known: set[str]) -> bool:
    return len(word) >= SHORT_FOR and any(longer.startswith(word) for longer in known)


def _stems(name: Sequence[str]) -> list[str]:
    return [stem(word) for word in name]


_INSIDE = frozenset({"of", "for", "the"})
"""Words that a name goes on after; "and", "in" and "to" as often stand between two: "Macmillan and Nesta"."""

_APART = re.compile(r"[^\w\s'’&.-]")
"""A sign between two words that ends a name: a comma, a bracket, a dash."""


_CALENDAR = frozenset(
    """january february march april june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday christmas easter""".split()
)
"""Words with a capital that name a time: a deadline of the asker's own is no subject of a report."""


def names_in(question: str) -> list[list[str]]:
    """Return the names in a question, each as its words without small ones and possessive endings."""
    found: list[list[str]] = []
    running, end = False, 0
    for word in words(question):
        running = running and not _APART.search(question, end, word.start)
        if is_name(word, question) and word.text.lower() not in _CALENDAR:
            plain = re.sub(r"['’]s$", "", word.text)
            if running and question[: word.start].endswith((" ", "-")):
                found[-1].append(plain)
            else:
                found.append([plain])
            # An abbreviation is a name of its own: "the CDCs Healthwatch visited".
            running = plain == word.text and not plain.removesuffix("s").isupper()
        elif word.text.lower() not in _INSIDE:
            running = False
        end = word.end
    return found


def name_starts(question: str) -> list[int]:
    """Return where the words of names start in a question."""
    return [word.start for word in words(question) if is_name(word, question)]
