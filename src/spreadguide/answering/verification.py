"""Checks one sentence against the wording it cites: numbers, dates, names, negation, scope, order, words and meaning.

The symbolic checks come first because copying most of a sentence and changing one number, name or "not" is what
a fabricating model does, and neither word overlap nor cosine sees that. They are strict on purpose: a sentence
withheld costs little, for the verbatim quote takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass

from spreadguide.answering.frames import changed_frames
from spreadguide.answering.matching import match
from spreadguide.answering.names import crossed_facts, expansions, unknown_names
from spreadguide.answering.quantities import Quantity, quantities
from spreadguide.answering.reading import Reading, read
from spreadguide.answering.scope_words import changed_scope
from spreadguide.answering.word_order import changed_order

MIN_COVERAGE = 0.5
"""Least share of a claim's content words that the evidence itself must hold; title and headings may give the rest."""

MIN_SIMILARITY = 0.55
"""Least cosine between claim and evidence. Guards the case where shared words say something else altogether."""

VERBATIM_COVERAGE = 0.95
"""Share of words above which a claim repeats its evidence, so that their distance in meaning says nothing: a short
piece of a long list is far from the whole."""

_GLUE = frozenset("accord report state say note author articl document sourc passag mention describ explain".split())
"""Stems that a claim may add to say that a document says it."""


@dataclass(frozen=True, slots=True)
class Premise:
    """What a claim is checked against: ``text`` with the wording it depends on, and the ``names`` around it.

    ``names`` holds title, publisher and headings of the document: a claim may name its source.
    """

    text: str
    names: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a premise supports a claim. ``score`` is 0-1; ``reasons`` name what failed, in plain words."""

    supported: bool
    score: float
    reasons: tuple[str, ...] = ()


def check(claim: str, premise: Premise, similarity: float) -> Verdict:
    """Check ``claim`` against ``premise``; ``similarity`` is the cosine between the two.

    Every check must hold: one wrong number makes a sentence false however many words agree.
    """
    theirs, around = read(premise.text), read(premise.names)
    ours = read(claim, expansions(claim, f"{premise.text}\n{premise.names}"))
    found = match(ours, theirs)
    known = theirs.keys | around.keys
    coverage = _coverage(ours, theirs.keys)
    reasons = [
        *_wrong_quantities(claim, premise),
        *unknown_names(ours, known),
        *_new_words(ours, known),
        *crossed_facts(found),
        *changed_scope(found),
        *changed_frames(found, around.keys),
        *changed_order(found),
    ]
    if coverage < MIN_COVERAGE:
        reasons.append("too many words that the passage does not have")
    if similarity < MIN_SIMILARITY and coverage < VERBATIM_COVERAGE:
        reasons.append("the meaning is too far from the passage")
    return Verdict(not reasons, round(min(coverage, max(similarity, 0.0)), 3), tuple(reasons))


def _coverage(claim: Reading, known: set[str]) -> float:
    """Return the share of content words found."""
    content = [claim.tokens[place].key for place in claim.content]
    return sum(key in known for key in content) / len(content) if content else 0.0


def _new_words(claim: Reading, known: set[str]) -> list[str]:
    """Every word that carries topic must be known: one new word ("agreed" for "considered") makes a new statement."""
    new = [
        token.lowered
        for token in claim.tokens
        if token.content and token.quantity is None and not token.name and not token.date
        if token.key not in known and token.key not in _GLUE
    ]
    return [f"the passage does not say {new[0]!r}"] if new else []


def _wrong_quantities(claim: str, premise: Premise) -> list[str]:
    """Every number must stand in the premise with the same unit, bound and thing counted.

    A year may also stand in the title or heading.
    """
    there = quantities(premise.text)
    around = quantities(premise.names)
    return [
        f"the number {claim[number.start : number.end]!r} is not what the passage says"
        for number in quantities(claim)
        if not any(_same(number, other) for other in there)
        and not (number.is_year and any(number.value == other.value for other in around))
    ]


def _same(claim: Quantity, source: Quantity) -> bool:
    """Whether two numbers say the same: value, unit, bound, rate, other end of a range, and thing counted."""
    if not _close(claim.value, source.value) or claim.unit != source.unit or claim.bound is not source.bound:
        return False
    if claim.rate != source.rate or (claim.other is None) != (source.other is None):
        return False
    if claim.other is not None and source.other is not None and not _close(claim.other, source.other):
        return False
    return claim.is_year or _counts_the_same(claim, source)


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(1.0, abs(other))


def _counts_the_same(claim: Quantity, source: Quantity) -> bool:
    if not claim.counted or not source.counted:
        return not source.is_duration or bool(claim.counted)
    if source.is_duration or claim.is_duration:
        return claim.counted[0] == source.counted[0]
    filled_in = claim.counted[1:2] == source.counted[:1]  # "112 carers replied" for "112 replied"
    return claim.unit != "" or claim.counted[0] in source.counted or filled_in
