"""Remarks beside a question ("I need this for a paper", "just bullet them"): they ask nothing of their own.

Read as a part of the question, a remark finds lines that share its idle words, and these would stand in the answer.
What it says of the form that is wanted is kept: a list, a number, a name.
"""

from __future__ import annotations

import re

from spreadguide.text import is_contraction, terms

_WORD = r"(?:how|what|who|whose|when|where|which|why)(?:['’]?s)?"
_AUXILIARY = r"(?:is|are|was|were|do|does|did|can|could|should|would|will|has|have|had)"

_ASKS = re.compile(
    rf"(?:^|[.:;,]\s|\s[-–—]\s)\W*(?:(?:and|also|so|then|but|or|plus|ok|okay|please|hi|hello)\b\W*)*"
    rf"(?:(?:(?:for|by|in|to|at|from|since)\s)?{_WORD}|{_AUXILIARY}|any)\b"
    rf"|\b{_WORD}\s{_AUXILIARY}\b",
    re.IGNORECASE,
)
"""How a question opens, with or without a question mark."""

_REQUEST = re.compile(
    r"^(?:[\w'’]+[^\w'’]+){0,4}?(?:need|want|like to know|looking for|interested in|wondering|curious|give|tell|list"
    r"|name|show|compare|explain|describe|summarise|include)\b",
    re.IGNORECASE,
)
"""How a request opens that is not worded as a question; a few words may stand before."""

_OF_THAT = re.compile(r"\b(?:need|want|give|list|show|name|explain) (?:it|this|that|them|these|those)\b", re.IGNORECASE)
"""A request for what was asked before: "I need it for a paper on staff"."""

_OF_FORM = frozenset(
    terms(
        """need want like know looking interested wondering curious give tell list name show compare explain describe
        summarise include please pls thanks exact full set complete bullet bulleted points numbers number figure figures
        reasons details find found paper slide slides board report briefing deck meeting everything ones short brief
        quick answer try trying use using help get see write writing"""
    )
)
"""Words of a request that say how or what for, not what."""

NEW_TERMS = 2
"""Content words that a request must add to what was asked before, to ask for something else."""


def is_remark(piece: str, before: str) -> bool:
    """Whether a piece of a message asks nothing that the pieces ``before`` it do not ask."""
    if piece.rstrip(" !\"'”’)").endswith("?") or _ASKS.search(piece):
        return False
    if not _REQUEST.search(piece) or _OF_THAT.search(piece):
        return True
    new = {term for term in terms(piece) if not is_contraction(term)} - _OF_FORM - set(terms(before))
    return len(new) < NEW_TERMS
