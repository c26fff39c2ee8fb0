"""Checks names and dates: each must be known, and an abbreviation may stand for the words that it abbreviates."""

from __future__ import annotations

import re

from spreadguide.answering.matching import Match
from spreadguide.answering.reading import PREPOSITIONS, Reading
from spreadguide.text import MAX_INITIALS, SMALL_WORDS, Word, words

_ABBREVIATION = re.compile(r"^[A-Z]{2,6}s?$")


def expansions(claim: str, premise: str) -> dict[str, list[str]]:
    """Return, for each abbreviation (its stem) that only ``claim`` has, the words of ``premise`` it stands for."""
    wanted = {word.stem: word.text.rstrip("s") for word in words(claim) if _ABBREVIATION.match(word.text)}
    if not wanted:
        return {}
    there = {word.stem for word in words(premise)}
    long_names = _long_names(premise)
    return {
        short: long_names[letters] for short, letters in wanted.items() if short not in there and letters in long_names
    }


def _long_names(text: str) -> dict[str, list[str]]:
    """Return the runs of capitalised words in ``text`` by their initials."""
    found: dict[str, list[str]] = {}
    run: list[Word] = []
    for word in words(text):
        if word.text[0].isupper():
            run = [*run[1 - MAX_INITIALS :], word]
            for start in range(len(run) - 1):
                found.setdefault("".join(part.text[0] for part in run[start:]), [part.text for part in run[start:]])
        elif word.text.lower() not in SMALL_WORDS:
            run = []
    return found


def unknown_names(claim: Reading, known: set[str]) -> list[str]:
    """Return a reason for each name, month or season of the claim that is not among the ``known`` keys."""
    return [
        f"the {'date' if token.date else 'name'} {claim.text[token.start : token.end]!r} is not in the passage"
        for token in claim.tokens
        if (token.name or token.date) and token.key not in known
    ]


def crossed_facts(match: Match) -> list[str]:
    """A statement's number, date, name or "most" may not go to another statement that has one of its own."""
    claim, premise = match.claim, match.premise
    return [
        f"it mixes the {kind} of one statement with another"
        for kind in ("numbers", "dates", "names", "amounts")
        if _is_crossed(match, _anchors(claim, kind), [_anchors(premise, kind, c) for c in range(len(premise.clauses))])
    ][:1]


_AMOUNTS = frozenset("all every each only most mostly many several few some any both no none neither half".split())


def _anchors(reading: Reading, kind: str, clause: int | None = None) -> set[str]:
    tokens = [token for token in reading.tokens if clause is None or token.clause == clause]
    match kind:
        case "numbers":
            return {t.key for t in tokens if t.quantity and not t.quantity.is_year and t.quantity.unit != "ordinal"}
        case "dates":
            return {t.key for t in tokens if t.date or (t.quantity and t.quantity.is_year)}
        case "names":
            return {t.key for t in tokens if t.name}
        case _:
            numbers = {t.key for t in tokens if t.quantity and t.quantity.unit != "ordinal"}
            return {t.lowered for t in tokens if t.lowered in _AMOUNTS} | numbers


def _is_crossed(match: Match, ours: set[str], theirs: list[set[str]]) -> bool:
    """Whether a clause lends words to the claim that no other has, while its own anchors gave way to another's."""
    premise = match.premise
    filled = {match.places[second] for first, second in match.steps if match.fills_in(first, second)}
    for clause, places in match.used.items():
        own = theirs[clause]
        if not own or own & ours or _is_shared_subject(match, clause, theirs):
            continue
        others = set().union(*(a for c, a in enumerate(theirs) if not _continues(premise, clause, c))) - own
        elsewhere = {t.key for t in premise.tokens if t.clause != clause}
        if ours & others and any(premise.tokens[place].key not in elsewhere for place in places - filled):
            return True
    return False


def _continues(premise: Reading, one: int, other: int) -> bool:
    """Whether two clauses are one statement: the later only adds ", in the first year" or ", two years later"."""
    for clause in range(min(one, other) + 1, max(one, other) + 1):
        opening, *rest = (premise.tokens[place] for place in premise.clauses[clause])
        timed = opening.quantity is not None and opening.quantity.is_duration
        points_back = bool(rest) and rest[0].lowered in _POINTING_BACK
        if opening.mark != "," or points_back or not (timed or opening.lowered in PREPOSITIONS):
            return False
    return True


_POINTING_BACK = frozenset("which whom whose these those this that them it".split())


def _is_shared_subject(match: Match, clause: int, theirs: list[set[str]]) -> bool:
    """Whether the claim takes only a clause's subject, and goes on with the verb of the next: "and was revised"."""
    premise = match.premise
    for first, second in match.steps:
        was, now = (premise.tokens[match.places[place]] for place in (first, second))
        if was.clause != clause or now.clause <= clause:
            continue
        leading = [premise.tokens[p] for p in premise.clauses[now.clause] if premise.tokens[p].start <= now.start]
        opens = sum(token.content for token in leading) == 1 and now.key not in theirs[now.clause]
        return opens and not any(token.lowered in theirs[now.clause] for token in leading)
    return False
