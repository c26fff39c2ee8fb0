"""Checks one sentence against the wording it cites: numbers, dates, names, negation, scope, words and meaning.

The symbolic checks come first because copying most of a sentence and changing one number, name or "not" is what
a fabricating model does, and neither word overlap nor cosine sees that. They are strict on purpose: a sentence
withheld costs little, for the verbatim quote takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from spreadguide.answering.quantities import Quantity, quantities
from spreadguide.text import Word, words

MIN_COVERAGE = 0.7
"""Least share of a claim's content words that its evidence must hold, after stemming."""

MIN_SIMILARITY = 0.55
"""Least cosine between claim and evidence. Guards the case where shared words say something else altogether."""

VERBATIM_COVERAGE = 0.95
"""Share of words above which a claim repeats its evidence, so that their distance in meaning says nothing: a short
piece of a long list is far from the whole."""

MIN_ORDER = 0.5
"""Least share of the shared content words that stand in the same order (longest common subsequence)."""

_NEGATIONS = frozenset(
    "no not never none neither nor without cannot nobody nothing nowhere hardly barely fail fails failed lack".split()
)
_NEGATED_VERB = re.compile(r"n['’]t$", re.IGNORECASE)

_QUANTIFIERS = {
    "all": "all",
    "every": "all",
    "each": "each",
    "always": "always",
    "only": "only",
    "solely": "only",
    "most": "most",
    "mostly": "most",
    "majority": "most",
    "many": "many",
    "several": "several",
    "few": "few",
    "some": "some",
    "any": "any",
    "both": "both",
    "half": "half",
}
_STRONG = frozenset({"all", "always", "only", "most", "none", "few", "half"})
"""Quantifiers that change a claim's truth; the rest ("some", "many") may be dropped but not invented."""

_HEDGES = frozenset("may might could possibly perhaps potentially".split())
_DUTIES = frozenset("must mandatory required compulsory obliged guarantee guarantees guaranteed ensures ensure".split())

_CONTRASTS: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (frozenset(one.split()), frozenset(other.split()))
    for one, other in (
        (
            "increas rise rose grow grew higher rais more greater",
            "decreas fall fell reduc lower declin less fewer shrink",
        ),
        ("improv better strengthen", "worsen wors weaken deterior"),
        ("easier easi simpl", "harder hard difficult"),
        ("before", "after"),
        ("early earli earlier", "late later"),
        ("succeed success successful", "fail failur unsuccess"),
        ("support enabl help", "hinder prevent block"),
        ("include includ", "exclud"),
        ("high", "low"),
        ("signific", "insignific"),
        ("first", "last"),
        ("intern", "extern"),
        ("local", "nation"),
        ("intervent", "control"),
        ("public", "privat"),
        ("adopt", "reject"),
    )
)

_DETERMINERS = frozenset("the a an this that these those it they in on at by for from of to and or but as".split())
_MONTHS = frozenset("january february march april may june july august september october november december".split()) - {
    "may",
    "march",
}


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
    claim_words, premise_words = words(claim), words(premise.text)
    known = {word.stem for word in premise_words} | {word.stem for word in words(premise.names)}
    coverage = _coverage(claim_words, known, premise.text)
    reasons = [
        *_wrong_quantities(claim, premise),
        *_unknown_names(claim, claim_words, premise, known),
        *_changed_negation(claim_words, premise_words),
        *_changed_scope(claim_words, premise_words),
        *_changed_direction(claim_words, premise_words),
    ]
    if coverage < MIN_COVERAGE:
        reasons.append("too many words that the passage does not have")
    if similarity < MIN_SIMILARITY and coverage < VERBATIM_COVERAGE:
        reasons.append("the meaning is too far from the passage")
    if _order(claim_words, premise_words) < MIN_ORDER:
        reasons.append("the words stand in another order than in the passage")
    return Verdict(not reasons, round(min(coverage, max(similarity, 0.0)), 3), tuple(reasons))


def _coverage(claim: Sequence[Word], known: set[str], premise: str) -> float:
    """Return the share of content words found; numbers count as found where their value is."""
    content = [word for word in claim if word.is_content]
    if not content:
        return 0.0
    values = {number.value for number in quantities(premise)}
    found = sum(
        word.stem in known or any(number.value in values for number in quantities(word.text)) for word in content
    )
    return found / len(content)


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
    if abs(claim.value - source.value) > 1e-9 * max(1.0, abs(source.value)) or claim.unit != source.unit:
        return False
    if claim.bound is not source.bound:
        return False
    if claim.is_year or not claim.counted or not source.counted:
        return claim.is_year or not source.is_duration or bool(claim.counted)
    if source.is_duration or claim.is_duration:
        return claim.counted[0] == source.counted[0]
    return bool(set(claim.counted) & set(source.counted))


def _unknown_names(claim: str, claim_words: Sequence[Word], premise: Premise, known: set[str]) -> list[str]:
    """Every capitalised word must be known; two names must not have changed places."""
    unknown = [
        f"the name {word.text!r} is not in the passage"
        for word in _capitalised(claim, claim_words)
        if word.stem not in known
    ]
    months = [
        f"the month {word.text!r} is not in the passage"
        for word in claim_words
        if word.text.lower() in _MONTHS and word.stem not in known
    ]
    return [*unknown, *months, *_moved_names(claim, claim_words, premise.text)]


def _moved_names(claim: str, claim_words: Sequence[Word], premise: str) -> list[str]:
    """A name must keep its part: "A offers B" is not "B offers A", "commissioned by A" not "A was commissioned"."""
    premise_words = words(premise)
    names = {word.stem for word in (*_capitalised(premise, premise_words), *_capitalised(claim, claim_words))}
    if _turned_round(claim_words, premise_words, names) or _wrong_agent(claim_words, premise_words, names):
        return ["names have changed places"]
    ours = [stem for stem in dict.fromkeys(word.stem for word in _capitalised(claim, claim_words)) if stem in names]
    theirs = [word.stem for word in premise_words if word.stem in names]
    shared = [stem for stem in ours if stem in theirs]
    passive = any(word.text.lower() == "by" for word in (*claim_words, *premise_words))
    if len(shared) > 1 and not passive and shared != [stem for stem in dict.fromkeys(theirs) if stem in shared]:
        return ["names have changed places"]
    return []


def _turned_round(claim: Sequence[Word], premise: Sequence[Word], names: set[str]) -> bool:
    """Whether a name that did something became the one it was done to.

    Either verb and name, side by side, changed places ("Macmillan offers" became "offers Macmillan"), or a name
    that opened the premise follows two of its words in the claim with no preposition before it.
    """
    there = [word.stem for word in premise if word.is_content]
    beside = set(pairwise(there))
    before: list[str] = []
    for previous, word in pairwise([None, *claim]):
        if word is None:
            continue
        if previous is not None and previous.is_content and word.stem in names and word.stem in there:
            passed = [stem for stem in before if stem in there and stem not in names]
            opened = all(there.index(word.stem) < there.index(stem) for stem in passed)
            if (word.stem, previous.stem) in beside or (len(passed) > 1 and opened):
                return True
        before += [word.stem] if word.is_content else []
    return False


def _wrong_agent(claim: Sequence[Word], premise: Sequence[Word], names: set[str]) -> bool:
    """Whether a claim gives a deed to another than the premise does: "commissioned by A" leaves no room for B."""
    theirs, ours = _agents(premise, names), _agents(claim, names)
    for verb, agents in theirs.items():
        if verb in ours:
            doers = ours[verb]
        else:
            places = [place for place, word in enumerate(claim) if word.stem == verb]
            doers = (
                {word.stem for word in claim[max(0, places[0] - 4) : places[0]] if word.stem in names}
                if places
                else set()
            )
        if doers and not doers & agents:
            return True
    return False


def _agents(tokens: Sequence[Word], names: set[str]) -> dict[str, set[str]]:
    """Return who did what, where it is said in the passive: "commissioned by the AHSN Network"."""
    found: dict[str, set[str]] = {}
    for place, word in enumerate(tokens):
        after = [token.text.lower() for token in tokens[place + 1 : place + 4]]
        opening = 1 if after[:1] == ["by"] else 3 if after == ["on", "behalf", "of"] else 0
        agents = {token.stem for token in tokens[place + opening + 1 : place + opening + 6] if token.stem in names}
        if opening and word.is_content and agents:
            found.setdefault(word.stem, set()).update(agents)
    return found


def _capitalised(text: str, tokens: Sequence[Word]) -> list[Word]:
    """Return the words that look like names; at the start of a sentence any word has a capital."""
    names = []
    for word in tokens:
        starts = not text[: word.start].strip(" \"'“‘(*_-•") or text[: word.start].rstrip()[-1:] in {".", "!", "?", ":"}
        inner_capitals = any(letter.isupper() for letter in word.text[1:])
        if word.text[0].isupper() and (not starts or inner_capitals) and word.text.lower() not in _DETERMINERS:
            names.append(word)
    return names


def _negations(tokens: Sequence[Word]) -> int:
    return sum(word.text.lower() in _NEGATIONS or bool(_NEGATED_VERB.search(word.text)) for word in tokens)


def _changed_negation(claim: Sequence[Word], premise: Sequence[Word]) -> list[str]:
    """A claim must be as negative as the part of the premise it repeats."""
    window = _aligned(claim, premise)
    if _negations(claim) % 2 != _negations(window) % 2:
        return ["a 'not' was added or dropped"]
    return []


def _aligned(claim: Sequence[Word], premise: Sequence[Word]) -> Sequence[Word]:
    """Return the stretch of the premise between the first and last content word that the claim repeats.

    One word on either side is kept, for the negation often stands just before.
    """
    shared = {word.stem for word in claim if word.is_content}
    places = [place for place, word in enumerate(premise) if word.stem in shared]
    if not places:
        return premise
    return premise[max(0, places[0] - 2) : places[-1] + 2]


def _changed_scope(claim: Sequence[Word], premise: Sequence[Word]) -> list[str]:
    """Quantifiers, hedges and duties must not be invented, and those that limit must not be dropped."""
    reasons = []
    window = _aligned(claim, premise)
    ours, theirs = _quantifiers(claim), _quantifiers(premise)
    if invented := ours - theirs:
        reasons.append(f"{', '.join(sorted(invented))!r} is not in the passage")
    if dropped := (_quantifiers(window) & _STRONG) - ours:
        reasons.append(f"{', '.join(sorted(dropped))!r} was dropped")
    lowered = {word.text.lower() for word in claim}
    if _DUTIES & lowered and not _DUTIES & {word.text.lower() for word in premise}:
        reasons.append("the passage does not say 'must'")
    if _HEDGES & {word.text.lower() for word in window} and not _HEDGES & lowered:
        reasons.append("the passage only says 'may'")
    return reasons


def _quantifiers(tokens: Sequence[Word]) -> set[str]:
    return {_QUANTIFIERS[word.text.lower()] for word in tokens if word.text.lower() in _QUANTIFIERS}


def _changed_direction(claim: Sequence[Word], premise: Sequence[Word]) -> list[str]:
    """A word must not have been turned into its opposite."""
    ours = {word.stem for word in claim} | {word.text.lower() for word in claim}
    theirs = {word.stem for word in premise} | {word.text.lower() for word in premise}
    for one, other in _CONTRASTS:
        for side, opposite in ((one, other), (other, one)):
            if ours & side and not theirs & side and theirs & opposite:
                return [f"{', '.join(sorted(ours & side))!r} is the opposite of what the passage says"]
    return []


def _order(claim: Sequence[Word], premise: Sequence[Word]) -> float:
    """Return the longest common subsequence of shared content words, as a share of them (1 where few are shared)."""
    ours = [word.stem for word in claim if word.is_content]
    there = [word.stem for word in premise if word.is_content]
    ours = [stem for stem in ours if stem in set(there)]
    if len(ours) < 3:
        return 1.0
    lengths = [0] * (len(there) + 1)
    for stem in ours:
        previous = 0
        for place, other in enumerate(there, start=1):
            previous, lengths[place] = (
                lengths[place],
                previous + 1 if stem == other else max(lengths[place], lengths[place - 1]),
            )
    return lengths[-1] / len(ours)
