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


TURNS_READ = 3
"""Earlier turns that the cross-encoder reads after a question: it was trained on so many."""

TURN_CHARACTERS = 300
"""Characters of an earlier turn that are read; answers can be long."""


def with_last_turn(question: str, history: Sequence[Turn]) -> list[str]:
    """Return the wordings to search for beside ``question``: with the user's turn before it, where there is one.

    Rankings by both are fused, so that a question on a new subject loses little, and one that leans gains much.
    """
    earlier = [turn.content.strip() for turn in history if turn.role == "user" and turn.content.strip()]
    return [f"{earlier[-1]} {question}"] if earlier else []


def latest_first(question: str, history: Sequence[Turn]) -> str:
    """Return the question with the turns before it, latest first, as the cross-encoder was trained to read them."""
    earlier = [turn.content.strip()[:TURN_CHARACTERS] for turn in history if turn.content.strip()]
    return "  | ".join([question, *reversed(earlier[-TURNS_READ:])])


def _leans(question: str) -> bool:
    """Whether a question cannot be understood without the turn before it."""
    size = len(terms(question))
    if size <= FEW_TERMS or _OPENING.search(question):
        return True
    return size <= POINTING_TERMS and bool(_ANAPHORA.search(question)) and not _NAME.search(question)
