"""The two sides of a comparison, so that each can be searched for by itself: one search finds the louder of the two."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spreadguide.answering.gate import name_starts
from spreadguide.text import terms

_STRONG = re.compile(
    r"\s(?:versus|vs\.?|against|as opposed to|compare[sd]? (?:to|with)|differs? from)\s", re.IGNORECASE
)
"""Words that stand between two sides and hardly anywhere else."""

_WEAK = re.compile(r"\s(?:and|with|to|than|or|from)\s", re.IGNORECASE)

FEWEST_TERMS = 1
"""Content words that each side must have."""

_NAMES, _STRONG_WORD, _NEAR_MIDDLE = 2.0, 2.0, 1.0
"""What speaks for a place as the border: a name on either side, a strong word, about as much text before as after."""

_LEAST = 2.0

_EDGES = " ,;:-–—?."


_BREAK = re.compile(r"[.?!:;]\s|[.?!:;]$|,\s(?:and|or|what|which|how)\b|\s[-–—]+\s")
"""What a side does not reach across: before it stands what is asked of both, and so it does after it."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: ``phrase`` by itself, and ``question``, which is the whole without the other side."""

    phrase: str
    question: str


def sides(question: str) -> tuple[Side, Side] | None:
    """Return the two sides of a comparison, or ``None`` where the question does not show two.

    The border is the place between two words that has most of these: a name on both sides, a word such as "versus",
    and a position near the middle of what is compared.
    """
    names = name_starts(question)
    best: tuple[float, re.Match[str]] | None = None
    for pattern, base in ((_STRONG, _STRONG_WORD), (_WEAK, 0.0)):
        for match in pattern.finditer(question):
            one, other = question[: match.start()], question[match.end() :]
            if min(len(set(terms(one))), len(set(terms(other)))) < FEWEST_TERMS:
                continue
            named = bool(names) and names[0] < match.start() and names[-1] >= match.end()
            middle = 1 - abs(len(one.strip(_EDGES)) - len(other.strip(_EDGES))) / len(question)
            worth = base + _NAMES * named + _NEAR_MIDDLE * middle
            if best is None or worth > best[0]:
                best = (worth, match)
    if best is None or best[0] < _LEAST:
        return None
    found = _split(question, best[1])
    return found if all(terms(side.phrase) for side in found) else None


def _split(question: str, border: re.Match[str]) -> tuple[Side, Side]:
    start = max((found.end() for found in _BREAK.finditer(question, 0, border.start())), default=0)
    after = _BREAK.search(question, border.end())
    end = after.start() if after else len(question)
    opening, rest = question[:start], question[end:]
    one, other = question[start : border.start()].strip(_EDGES), question[border.end() : end].strip(_EDGES)
    return Side(one, f"{opening}{one}{rest}".strip()), Side(other, f"{opening}{other}{rest}".strip())
