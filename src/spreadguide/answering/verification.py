"""Checks one sentence against the wording it cites: numbers, dates, names, negation, scope, order, words and meaning.

The symbolic checks come first because copying most of a sentence and changing one number, name or "not" is what
a fabricating model does, and neither word overlap nor cosine sees that. They are strict on purpose, and they pass
little that is worded anew. Whether other words say the same is read by the cross-encoder; a logistic regression joins
what it says with what the symbolic checks found. A number or name that the passage does not have decides alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from spreadguide.answering.frames import changed_frames
from spreadguide.answering.matching import match
from spreadguide.answering.names import crossed_facts, expansions, unknown_names
from spreadguide.answering.quantities import Quantity, quantities
from spreadguide.answering.reading import Reading, read
from spreadguide.answering.scope_words import changed_scope
from spreadguide.answering.word_order import changed_order
from spreadguide.logistic import load

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

    ``names`` holds title, publisher and headings of the document: a claim may name its source. ``title`` is what the
    cross-encoder reads before the text: title and last heading.
    """

    text: str
    names: str = ""
    title: str = ""

    @property
    def read(self) -> str:
        """The premise as the cross-encoder was trained to read it."""
        return " ".join(f"{self.title} {self.text}".split())


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a premise supports a claim. ``score`` is 0-1; ``reasons`` name what failed, in plain words.

    ``signals`` are the values that the regression read, by name; empty where the cross-encoder was not asked.
    """

    supported: bool
    score: float
    reasons: tuple[str, ...] = ()
    signals: dict[str, float] = field(default_factory=dict)


WEIGHTS = "answering/verifier.json"

MOST_ODDS = 8.0
"""Log-odds of the cross-encoder are cut here: beyond, they say no more."""

REWORDED = 0.25
"""Share of new words from which a claim counts as worded anew. With fewer, a new word stands for another one of
the line ("agreed" for "considered"), which the cross-encoder sees badly: of 27 such pairs in the tests, 9 pass."""

NOT_READ = "the passage does not clearly say this"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the wording of a claim and its premise says, before a model reads either.

    ``new_words`` is the share of the claim's content words that the premise does not know, ``coverage`` the share that
    it holds. ``wrong``: a number, date or name is. ``scope``: a "not", "all" or "may" differs. ``changed``: that, or a
    fact was taken to another thing, or the order turned round.
    """

    coverage: float
    new_words: float
    wrong: bool
    scope: bool
    changed: bool
    reasons: tuple[str, ...]

    @property
    def decided(self) -> bool | None:
        """Whether the premise supports the claim, where the wording alone says so; ``None`` where it does not."""
        if self.wrong or self.scope:
            # One of these makes a sentence false however well the rest agrees, and however it is worded.
            return False
        if self.reworded:
            return None
        if self.reasons:
            return False
        return True if self.coverage >= VERBATIM_COVERAGE else None

    @property
    def reworded(self) -> bool:
        """Whether the claim is worded anew, so that the cross-encoder has to read it."""
        return self.new_words >= REWORDED

    def by_wording(self) -> Verdict:
        """Return the verdict where the wording has ``decided``."""
        supported = self.decided is True
        return Verdict(supported, 1.0 if supported else round(self.coverage / 2, 3), self.reasons)

    def judged(self, similarity: float, odds: float | None = None) -> Verdict:
        """Return the verdict; ``similarity`` and ``odds`` as for `check`."""
        reasons = list(self.reasons)
        if similarity < MIN_SIMILARITY and self.coverage < VERBATIM_COVERAGE:
            reasons.append("the meaning is too far from the passage")
        if odds is None:
            near = min(self.coverage, max(similarity, 0.0))
            return Verdict(not reasons, 1.0 if not reasons else round(near / 2, 3), tuple(reasons))
        signals = {
            "odds": float(np.clip(odds, -MOST_ODDS, MOST_ODDS)),
            "similarity": similarity,
            "new_words": self.new_words,
            "changed": float(self.changed),
            "wrong": float(self.wrong),
        }
        regression = load(WEIGHTS)
        probability = regression.probability(signals)
        reads_so = probability >= regression.least and not self.wrong and not self.scope
        supported = reads_so if self.reworded else not reasons
        # The regression was taught by claims that were made to share words with what does not support them. Among
        # claims as people write them, shared words speak for support: for a ranking both count alike.
        score = 1.0 if not reasons else (probability + self.coverage) / 2
        why = () if supported else tuple(reasons or [NOT_READ])
        return Verdict(supported, round(score, 3), why, signals)


def compare(claim: str, premise: Premise) -> Comparison:
    """Compare the wording of ``claim`` with that of ``premise``."""
    theirs, around = _read_once(premise.text), _read_once(premise.names)
    ours = read(claim, expansions(claim, f"{premise.text}\n{premise.names}"))
    found = match(ours, theirs)
    known = theirs.keys | around.keys
    coverage = _coverage(ours, theirs.keys)
    wrong = [*_wrong_quantities(claim, premise), *unknown_names(ours, known)]
    new = _new_words(ours, known)
    scope = changed_scope(found)
    changed = [*crossed_facts(found), *scope, *changed_frames(found, around.keys), *changed_order(found)]
    reasons = [*wrong, *new[:1], *changed]
    if coverage < MIN_COVERAGE:
        reasons.append("too many words that the passage does not have")
    share = len(new) / max(1, len(ours.content))
    return Comparison(coverage, share, bool(wrong), bool(scope), bool(changed), tuple(reasons))


def check(claim: str, premise: Premise, similarity: float, odds: float | None = None) -> Verdict:
    """Check ``claim`` against ``premise``; ``similarity`` is the cosine between the two.

    ``odds`` are the log-odds, by the cross-encoder, that the premise supports the claim. Without them every symbolic
    check must hold, and so it must for a claim that is made of the premise's own words, or nearly: there the checks see
    more than the cross-encoder. On a claim in other words the regression decides, unless a number, date, name or
    "not" is wrong.
    """
    return compare(claim, premise).judged(similarity, odds)


READ_AT_ONCE = 512
"""Texts of passages that are kept as they were read: the sentences of an answer are compared with the same few."""


@lru_cache(maxsize=READ_AT_ONCE)
def _read_once(passage: str) -> Reading:
    return read(passage)


@lru_cache(maxsize=READ_AT_ONCE)
def _quantities_once(passage: str) -> tuple[Quantity, ...]:
    return tuple(quantities(passage))


def _coverage(claim: Reading, known: set[str]) -> float:
    """Return the share of content words found."""
    content = [claim.tokens[place].key for place in claim.content]
    return sum(key in known for key in content) / len(content) if content else 0.0


def _new_words(claim: Reading, known: set[str]) -> list[str]:
    """Return a reason for each word of substance that is not known: "agreed" for "considered" says another thing."""
    return [
        f"the passage does not say {token.lowered!r}"
        for token in claim.tokens
        if token.content and token.quantity is None and not token.name and not token.date
        if token.key not in known and token.key not in _GLUE
    ]


def _wrong_quantities(claim: str, premise: Premise) -> list[str]:
    """Every number must stand in the premise with the same unit, bound and thing counted.

    A year may also stand in the title or heading.
    """
    there, around = _quantities_once(premise.text), _quantities_once(premise.names)
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
