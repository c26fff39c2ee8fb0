"""Whether a question leans on the turns before it, told by its wording.

People rarely say "it" or "they": they ask "and outside London?", "what did the nurses think?", "how long for?". What a
question that stands alone has, and these have not, is a subject with a name or in so many words. A logistic regression
over a few signs of that decides. ``scripts/train_leaning.py`` fits it to conversations of our own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from spreadguide.logistic import load
from spreadguide.text import is_name, terms, words
from spreadguide.types import Turn

WEIGHTS = "retrieval/leaning.json"

FEW_TERMS = 3
"""Content words up to which each one less makes a question harder to understand alone."""

MANY_TERMS = 12
"""Content words beyond which more of them say nothing."""

TURNS_SEEN = 6
"""Latest turns in which the words of a question may have been said: as many as the longest conversation that the
regression was fitted to. A page keeps many more."""

_OPENING = re.compile(
    r"^\W*(?:and|but|so|also|then|or|what about|how about|what else|anything else|why|why not|for how long|since when"
    r"|by whom|how so|in what way|tell me more|more on|can you (?:explain|expand|say more))\b",
    re.IGNORECASE,
)
_ACKNOWLEDGES = re.compile(
    r"^\W*(?:(?:ok|okay|thanks|thank you|hm+|sorry)\b"
    r"|(?:right|fine|no|yes|great|good|sure)(?:\s*[,.;:!–—]|\s+(?:and|but|so|then|what|how|who|why|when|which)\b))",
    re.IGNORECASE,
)
"""A word that answers what was said before: "right, ..." and not "right care"."""
_CORRECTS = re.compile(r"\b(?:sorry|I meant|I mean|I asked|not what I)\b", re.IGNORECASE)
_ANAPHORA = re.compile(
    r"\b(?:they|them|their|theirs|it|its|this|these|those|he|him|his|she|her|hers|the same|there|such|then"
    r"|that (?:report|guide|study|trial|fund|funding|programme|project|article|page|paper|one|bit|part)"
    r"|the (?:report|guide|study|trial|article|page|paper|programme|authors?|others?|first|second|third|last))\b"
    r"|\bthat\b\W*$|\b(?:does|did|is|was|about) that\b",
    re.IGNORECASE,
)
_DEFINITE = re.compile(r"\bthe\b", re.IGNORECASE)
_INTRODUCES = re.compile(r"\ban? (?!few|lot|bit)\w", re.IGNORECASE)
_ASKS_WHAT_A_THING_IS = re.compile(
    r"^\W*(?:what|who) (?:is|are|was|were)(?: an?)? (?!the|it|they|that|this|there)\w", re.IGNORECASE
)

_COMMON = frozenset("england english trust".split())
"""Names that tell no subject from another."""


def signals(question: str, history: Sequence[Turn]) -> dict[str, float]:
    """Return what the verdict rests on, by name."""
    asked = terms(question)
    before = " ".join(turn.content for turn in history[-TURNS_SEEN:]).lower()
    known = set(terms(before))
    names = _names(question)
    return {
        "terms": float(min(len(asked), MANY_TERMS)),
        "few_terms": float(min(len(asked), FEW_TERMS)),
        "new_terms": sum(term not in known for term in asked) / max(1, len(asked)),
        "opening": float(bool(_OPENING.search(question))),
        "acknowledges": float(bool(_ACKNOWLEDGES.search(question))),
        "corrects": float(bool(_CORRECTS.search(question))),
        "pointing": float(_points(question)),
        "definite": float(bool(_DEFINITE.search(question))),
        "what_is": float(bool(_ASKS_WHAT_A_THING_IS.search(question))),
        "names": float(min(len(names), 2)),
        "no_name": float(not names),
        "name_said": float(any(name.lower() in before for name in names)),
    }


def leans(question: str, history: Sequence[Turn]) -> bool:
    """Whether ``question`` cannot be understood without the earlier turns, oldest first."""
    regression = load(WEIGHTS)
    return regression.probability(signals(question, history)) >= regression.least


def _points(question: str) -> bool:
    """Whether a word points to something outside the question; in "When may a team say they are done?" none does."""
    return any(_INTRODUCES.search(question, 0, found.start()) is None for found in _ANAPHORA.finditer(question))


def _names(question: str) -> list[str]:
    """Return the words of a question that name its subject."""
    return [word.text for word in words(question) if is_name(word, question) and word.text.lower() not in _COMMON]
