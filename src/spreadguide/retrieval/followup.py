"""Turn history and a question into a question that stands alone.

First decide whether that is needed, by the wording; then carry over the last question that stood alone. The reader
sees the result, so it keeps both wordings instead of inventing a third.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from spreadguide.text import terms
from spreadguide.types import Turn

FEW_TERMS = 1
"""A question with at most this many content words cannot stand alone ("For how long?", "And the cost?")."""

POINTING_TERMS = 4
"""A longer question with a "they" or "it" in it mostly says itself whom it means."""

_OPENING = re.compile(
    r"^\W*(?:and|but|so|also|then|or|what about|how about|what else|anything else|why|why not|for how long|since when"
    r"|by whom|how so|in what way|tell me more|more on|can you (?:explain|expand|say more))\b",
    re.IGNORECASE,
)
_ANAPHORA = re.compile(
    r"\b(?:they|them|their|theirs|it|its|this|these|those|he|him|his|she|her|hers|the same|there|such"
    r"|that (?:report|guide|study|trial|fund|funding|programme|project|article|page|paper|one)"
    r"|the (?:report|guide|study|trial|article|page|paper|programme|authors?|others?|first|second|third|last))\b"
    r"|\bthat\b\W*$|\b(?:does|did|is|was|about) that\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=\w\s)(?:[A-Z][a-z]+|[A-Z]{2,})\b")


def stand_alone(question: str, history: Sequence[Turn]) -> str:
    """Return ``question`` with the earlier question that it leans on, or unchanged when it needs none.

    A follow-up to a follow-up leans on the last question that stood alone.
    """
    base = ""
    for turn in history:
        if turn.role == "user" and turn.content.strip() and not (base and _leans(turn.content)):
            base = turn.content.strip()
    return f"{question} (about: {base})" if base and _leans(question) else question


def _leans(question: str) -> bool:
    """Whether a question cannot be understood without the turn before it."""
    size = len(terms(question))
    if size <= FEW_TERMS or _OPENING.search(question):
        return True
    return size <= POINTING_TERMS and bool(_ANAPHORA.search(question)) and not _NAME.search(question)
