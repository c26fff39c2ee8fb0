"""Checks what a statement stands in: whose view it is, on what condition it holds, and before, by or without what."""

from __future__ import annotations

from collections.abc import Iterable

from spreadguide.answering.matching import Match
from spreadguide.answering.reading import REPORTING, Reading

_CONDITIONS = frozenset("if unless without except provided until".split())
"""Words that open a condition, which may not be left out of what it limits."""

_GROUP_OF_PREPOSITION = {
    word: group.split()[0]
    for group in ("in on at during within across through throughout around among", "from since", "after once following")
    for word in group.split()
}
_CHECKED = frozenset(
    """in on at during within across through throughout from since after once following by to with without before
    until than if unless because against despite except above below over under between""".split()
)
"""Prepositions and conjunctions that must agree where both texts have one before the same word."""

_BINDING = frozenset("after once before if unless until because without against despite except since than".split())
"""Those that must stand before the same word in the passage, and may not be invented."""

_NEVER_INVENTED = _BINDING | frozenset(
    "more therefore thus hence again despite other another above below up down".split()
)
_BOUND_REACH = 3
"""Words before a number in which "more", "over" and their like are part of its bound, which is checked with it."""

_ITSELF = frozenset(
    """report news item brief brief's article guide document evaluation study paper page source author summary digest
    release press notice review process researcher text web accord say state note""".split()
)
"""Words (or their stems) for the document itself; whose voice is only that may go unsaid."""


def changed_frames(match: Match, source: set[str]) -> list[str]:
    """Return what is wrong with the claim's frame; ``source`` holds the keys of title, publisher and authors."""
    return [*_dropped_frames(match, source), *_changed_prepositions(match)]


def _dropped_frames(match: Match, source: set[str]) -> list[str]:
    """What opens "to …", "that …" or "according to …" must be kept with what follows it, and so must a condition."""
    premise = match.premise
    for place in sorted(match.places.values()):
        frame = _frame_before(premise, place)
        if frame is not None and not match.kept(frame) and premise.tokens[frame].key not in REPORTING:
            return [f"it leaves out {premise.tokens[frame].lowered!r}"]
        if _narrowed(match, place):
            return [f"it leaves out which {premise.tokens[place].lowered!r} are meant"]
    for voice in _voices(premise):
        governed = premise.tokens[min(voice)].sentence
        said = any(premise.tokens[p].sentence == governed and p not in voice for p in match.places.values())
        keys = {premise.tokens[place].key for place in voice if premise.tokens[place].content}
        unsaid = keys - match.claim.keys
        if said and unsaid and keys.isdisjoint(match.claim.keys - source) and not _is_itself(keys, source):
            return ["it leaves out whose view it is"]
    return _dropped_condition(match)


_NARROWING = frozenset("that who whose which with without".split())


def _narrowed(match: Match, place: int) -> bool:
    """Whether "clinics that shared records cut costs" has lost what stands between the clinics and the cut."""
    premise = match.premise
    following = premise.tokens[place + 1 : place + 2]
    if not following or following[0].mark or following[0].lowered not in _NARROWING:
        return False
    inner = [p for p in premise.clauses[following[0].clause] if p > place and premise.tokens[p].content]
    return bool(inner) and not match.kept(inner[0]) and any(p in match.places.values() for p in inner[1:])


def _is_itself(keys: set[str], source: set[str]) -> bool:
    return all(key in source or key in _ITSELF or key in REPORTING for key in keys)


def _frame_before(premise: Reading, place: int) -> int | None:
    """Return the place of X in "X to do" or "X that they did", for the first word after it."""
    before = place - 1
    if before < 1 or premise.tokens[place].mark or premise.tokens[before].mark:
        return None
    token = premise.tokens[place]
    infinitive = premise.tokens[before].lowered == "to" and not token.quantity and not token.name and not token.date
    if infinitive and premise.tokens[before - 1].content:
        return before - 1
    for other in range(before, max(0, place - 5), -1):
        lowered = premise.tokens[other].lowered
        if lowered in {"that", "whether"} and premise.tokens[other - 1].content and not premise.tokens[other].mark:
            return other - 1
        if premise.tokens[other].content or premise.tokens[other].mark:
            return None
    return None


def _voices(premise: Reading) -> list[set[int]]:
    """Return the places of each "according to X", "X says that" and "says X"."""
    voices: list[set[int]] = []
    for clause in premise.clauses:
        tokens = [premise.tokens[place] for place in clause]
        if tokens[0].lowered == "according":
            voices.append(set(clause))
            continue
        verbs = [place for place in clause if premise.tokens[place].key in REPORTING]
        if not verbs:
            continue
        verb = verbs[0]
        following = premise.tokens[verb + 1 : verb + 2]
        if following and following[0].lowered == "that" and following[0].clause == tokens[0].clause:
            voices.append({place for place in clause if place <= verb})
        elif clause[0] > 0 and (verb == clause[-1] or verb == clause[0]) and tokens[0].mark == ",":
            voices.append(set(clause))
    return voices


def _dropped_condition(match: Match) -> list[str]:
    premise = match.premise
    used = {premise.tokens[place].sentence for place in match.places.values()}
    for place, token in enumerate(premise.tokens):
        if token.lowered not in _CONDITIONS or token.sentence not in used or token.lowered in match.claim.lowered:
            continue
        near = [other for other in premise.clauses[token.clause] if other < place and premise.tokens[other].content]
        following = [
            other for other in premise.clauses[token.clause] if other > place and premise.tokens[other].content
        ]
        neighbours = near or [p for p in premise.content if premise.tokens[p].clause == token.clause + 1]
        if any(match.kept(other) for other in neighbours) and following:
            return [f"the passage adds a condition with {token.lowered!r}"]
    return []


def _grouped(preps: Iterable[str]) -> set[str]:
    return {_GROUP_OF_PREPOSITION.get(prep, prep) for prep in preps if prep in _CHECKED}


def _changed_prepositions(match: Match) -> list[str]:
    """Words like "before", "by" and "without" must stand before the same words as in the passage."""
    claim, premise = match.claim, match.premise
    for place, there in match.places.items():
        ours, theirs = _grouped(claim.tokens[place].preps), _grouped(premise.tokens[there].preps)
        binding = _grouped(claim.tokens[place].preps & _BINDING)
        if (ours and theirs and not ours & theirs) or not binding <= theirs:
            return [f"{', '.join(sorted(ours))!r} is not how the passage puts it"]
    known = {_GROUP_OF_PREPOSITION.get(word, word) for word in premise.lowered}
    for place, token in enumerate(claim.tokens):
        new = token.lowered in _NEVER_INVENTED and _GROUP_OF_PREPOSITION.get(token.lowered, token.lowered) not in known
        if new and not any(t.quantity for t in claim.tokens[place : place + _BOUND_REACH + 1]):
            return [f"the passage does not say {token.lowered!r}"]
    return []
