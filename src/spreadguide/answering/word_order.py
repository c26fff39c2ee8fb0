"""Checks who does what: words may change places only where a comma, a preposition or a passive explains it."""

from __future__ import annotations

from itertools import pairwise

from spreadguide.answering.matching import Match
from spreadguide.answering.reading import BE, PREPOSITIONS, REPORTING, Reading, Token, looks_participle

_LINKS = PREPOSITIONS | frozenset("that which who whom whose and or whether so".split())
AGENT_REACH = 8
"""Words before "by" among which the passive verb is looked for: "was viewed 2.4 million times by staff"."""

_MOVED = "words have changed places"


_BEFORE_SUBJECT = frozenset("as while when where than if unless because once after before until since".split())
"""Words that open a clause, so that a subject may follow them."""


def changed_order(match: Match) -> list[str]:
    """Return what is wrong with the order of the words, with who does what, and with words joined across clauses."""
    if _wrong_agent(match) or _misplaced_subject(match):
        return [_MOVED]
    for first, second in match.steps:
        if _goes_back(match, first, second) and not _may_go_back(match, first, second):
            return [_MOVED]
    return ["it joins the parts of two statements"] if _crosses(match) else []


def _goes_back(match: Match, first: int, second: int) -> bool:
    return match.places[second] <= match.places[first]


def _linked(match: Match, first: int, second: int) -> bool:
    """Whether punctuation, a preposition or a conjunction stands before the claim's token at ``second``."""
    between = match.claim.tokens[first + 1 : second + 1]
    return any(token.mark for token in between) or any(token.lowered in _LINKS for token in between[:-1])


def _may_go_back(match: Match, first: int, second: int) -> bool:
    claim, premise = match.claim, match.premise
    if _linked(match, first, second) or claim.is_passive(second):
        return True
    if claim.tokens[second].key in REPORTING or claim.tokens[first].key in REPORTING:
        return True
    if match.fills_in(first, second):
        return True
    was, now = match.places[first], match.places[second]
    clause = premise.tokens[was].clause
    return any(
        was == verb or (now == verb and was >= min(agents) and clause == premise.tokens[min(agents)].clause)
        for verb, agents in passives(premise).items()
    )


def _crosses(match: Match) -> bool:
    """Whether the claim goes from one clause into the middle of another, past how that one opens, or back again."""
    premise = match.premise
    filled = {second for first, second in match.steps if match.fills_in(first, second)}
    path = [match.places[place] for place in sorted(match.places) if place not in filled]
    left: set[int] = set()
    for was, now in pairwise(path):
        clause = premise.tokens[now].clause
        if premise.tokens[was].clause == clause:
            continue
        left.add(premise.tokens[was].clause)
        opening = next(place for place in premise.clauses[clause] if premise.tokens[place].content)
        if opening not in path or (now < was and clause in left):
            return True
    return False


def passives(reading: Reading) -> dict[int, set[int]]:
    """Return the places of passive verbs with those of the words after their "by": "written by two researchers"."""
    found: dict[int, set[int]] = {}
    for place, token in enumerate(reading.tokens):
        if token.lowered != "by":
            continue
        agents = _agents(reading, place)
        verb = _verb_before(reading, place)
        if agents and verb is not None:
            found.setdefault(verb, set()).update(agents)
    return found


def _agents(reading: Reading, by: int) -> set[int]:
    agents: set[int] = set()
    for place in range(by + 1, len(reading.tokens)):
        token = reading.tokens[place]
        if token.mark or (token.lowered in PREPOSITIONS and token.lowered != "of") or token.lowered in BE:
            break
        if not agents and (token.date or _is_amount(token) or (token.lowered.endswith("ing") and not token.name)):
            break
        agents |= {place} if token.content else set()
    return agents


def _is_amount(token: Token) -> bool:
    """Whether a number says by how much, or until when, rather than how many did it."""
    number = token.quantity
    return number is not None and (number.unit != "" or number.is_year or number.is_duration or not number.counted)


def _verb_before(reading: Reading, by: int) -> int | None:
    for place in range(by - 1, max(-1, by - 1 - AGENT_REACH), -1):
        token = reading.tokens[place]
        if token.content and looks_participle(token.lowered):
            return place
        if reading.tokens[place + 1].mark:
            return None
    return None


def _wrong_agent(match: Match) -> bool:
    """Whether a deed is given to another than the premise does, in the passive or in the active."""
    claim, premise = match.claim, match.premise
    theirs, ours = passives(premise), passives(claim)
    return (
        any(_wrong_by(match, verb, agents, theirs) for verb, agents in ours.items())
        or any(_wrong_doer(match, verb, agents, set(ours)) for verb, agents in theirs.items())
        or any(_made_passive(match, place) for place in match.places if place not in ours)
    )


def _wrong_by(match: Match, verb: int, agents: set[int], theirs: dict[int, set[int]]) -> bool:
    """Claim "V by A": the premise must say "V by A" too, or A before V."""
    at = [match.places[place] for place in agents if place in match.places]
    if verb not in match.places or not at:
        return False
    there = match.places[verb]
    if there in theirs:
        return not set(at) & theirs[there]
    patient = [place for place in match.places if place < verb and not match.claim.tokens[place].preps]
    return min(at) > there or (bool(patient) and match.places[patient[-1]] < min(at))


def _wrong_doer(match: Match, verb: int, agents: set[int], passive: set[int]) -> bool:
    """Premise "V by A": a claim that uses V in the active must have A before it."""
    for ours, there in match.places.items():
        if there != verb or ours in passive or match.claim.is_passive(ours):
            continue
        before = {match.places[place] for place in match.places if place < ours}
        clause = match.claim.tokens[ours].clause
        near = {match.places[p] for p in match.places if p < ours and match.claim.tokens[p].clause == clause}
        return bool(near) and not before & agents
    return False


def _made_passive(match: Match, place: int) -> bool:
    """Whether "A trained B" has become "A was trained"."""
    claim, premise = match.claim, match.premise
    there = match.places[place]
    following = premise.tokens[there + 1 : there + 2]
    if not claim.is_passive(place) or premise.is_passive(there) or not following or following[0].mark:
        return False
    if following[0].lowered in PREPOSITIONS:
        return False
    before = [other for other in match.places if other < place]
    earlier = [other for other in premise.content if other < there]
    return bool(before) and bool(earlier) and match.places[before[-1]] == earlier[-1]


def _misplaced_subject(match: Match) -> bool:
    """Whether the claim's subject stands in the premise only after a preposition: "for charities" → "Charities pay"."""
    if not match.places:
        return False
    first = min(match.places)
    token, there = match.claim.tokens[first], match.premise.tokens[match.places[first]]
    if (
        "according" in there.preps
        or token.preps
        or first != match.claim.content[0]
        or not there.preps - _BEFORE_SUBJECT
    ):
        return False
    if any(match.claim.is_passive(place) for place in match.places):
        return False
    return not any(match.places[first] in agents for agents in passives(match.premise).values())
