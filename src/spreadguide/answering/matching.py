"""Finds the words of a claim in its premise, so that neighbours stay neighbours where they can."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from spreadguide.answering.reading import Reading


@dataclass(frozen=True)
class Match:
    """Where the content tokens of ``claim`` stand in ``premise``: place → place; tokens that do not are left out."""

    claim: Reading
    premise: Reading
    places: dict[int, int]

    @cached_property
    def steps(self) -> list[tuple[int, int]]:
        """Return pairs of neighbouring matched places of the claim."""
        matched = sorted(self.places)
        return list(pairwise(matched))

    @cached_property
    def used(self) -> dict[int, set[int]]:
        """Return the clauses of the premise that hold matched tokens, with the places matched in each."""
        found: dict[int, set[int]] = {}
        for place in self.places.values():
            found.setdefault(self.premise.tokens[place].clause, set()).add(place)
        return found

    def fills_in(self, first: int, second: int) -> bool:
        """Whether the claim's token at ``second`` only says what a bare number counts: "112 carers replied"."""
        place = self.places[first]
        if self.premise.tokens[place].quantity is None:
            return False
        after = [other for other in self.premise.content if other > place][:1]
        following = [self.places[other] for other in self.places if other > second][:1]
        return bool(after) and after == following

    def kept(self, place: int) -> bool:
        """Whether the premise's token at ``place`` is said in the claim, wherever."""
        return self.premise.tokens[place].key in self.claim.keys


_NEXT, _GAP, _CLAUSE, _BACK, _AGAIN, _PREP = 0.0, 0.01, 0.3, 1.0, 2.0, 0.2
"""Costs of going on to the next word, of each word left out, of another clause, of going back, of using a word
twice and of another preposition. Only their order matters."""


def match(claim: Reading, premise: Reading) -> Match:
    """Find, for each content token of the claim, the place in the premise that keeps most words together."""
    index = {place: number for number, place in enumerate(premise.content)}
    best: list[tuple[float, dict[int, int], int | None]] = [(0.0, {}, None)]
    for place in claim.content:
        token = claim.tokens[place]
        options = [other for other in premise.content if premise.tokens[other].key == token.key]
        if not options:
            continue
        reached: list[tuple[float, dict[int, int], int | None]] = []
        for option in options:
            other = premise.tokens[option]
            own = _PREP if token.preps and other.preps and not token.preps & other.preps else 0.0
            cost, before = min(
                ((c + own + _step(premise, index, last, option), p) for c, p, last in best), key=lambda pair: pair[0]
            )
            reached.append((cost, {**before, place: option}, option))
        best = reached
    return Match(claim, premise, min(best, key=lambda state: state[0])[1])


def _step(premise: Reading, index: dict[int, int], last: int | None, option: int) -> float:
    if last is None:
        return 0.0
    gap = index[option] - index[last]
    other_clause = _CLAUSE * (premise.tokens[last].clause != premise.tokens[option].clause)
    if gap == 0:
        return _AGAIN
    return (_NEXT + _GAP * gap if gap > 0 else _BACK) + other_clause
