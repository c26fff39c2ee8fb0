"""The two sides of a comparison, so that each can be searched for by itself: one search finds the louder of the two."""

from __future__ import annotations

import re

from spreadguide.answering.gate import name_starts
from spreadguide.text import terms

_STRONG = re.compile(r"\s(?:versus|vs\.?|against|as opposed to|compared (?:to|with)|differs? from)\s", re.IGNORECASE)
"""Words that stand between two sides and hardly anywhere else."""

_WEAK = re.compile(r"\s(?:and|with|to|than|or|from)\s", re.IGNORECASE)

FEWEST_TERMS = 1
"""Content words that each side must have."""

_NAMES, _STRONG_WORD, _NEAR_MIDDLE = 2.0, 2.0, 1.0
"""What speaks for a place as the border: a name on either side, a strong word, about as much text before as after."""

_LEAST = 2.0


def sides(question: str) -> tuple[str, str] | None:
    """Return the wording of either side of a comparison, or ``None`` where the question does not show two.

    The border is the place between two words that has most of these: a name on both sides, a word such as "versus",
    and a position near the middle of what is compared.
    """
    names = name_starts(question)
    best: tuple[float, tuple[str, str]] | None = None
    for pattern, base in ((_STRONG, _STRONG_WORD), (_WEAK, 0.0)):
        for match in pattern.finditer(question):
            one, other = question[: match.start()].strip(" ,;:-–—?."), question[match.end() :].strip(" ,;:-–—?.")
            if min(len(set(terms(one))), len(set(terms(other)))) < FEWEST_TERMS:
                continue
            named = bool(names) and names[0] < match.start() and names[-1] >= match.end()
            middle = 1 - abs(len(one) - len(other)) / len(question)
            worth = base + _NAMES * named + _NEAR_MIDDLE * middle
            if best is None or worth > best[0]:
                best = (worth, (one, other))
    return best[1] if best is not None and best[0] >= _LEAST else None
