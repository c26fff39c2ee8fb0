"""The two sides of a comparison, so that each can be searched for by itself: one search finds the louder of the two."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spreadguide.answering.gate import name_starts
from spreadguide.text import terms

_STRONG = re.compile(
    r",?\s(?:versus|vs?\.?|(?-i:against)|as opposed to|compare[sd]? (?:to|with)|differs? from|different (?:from|to))\s",
    re.IGNORECASE,
)
"""Words that stand between two sides and hardly anywhere else."""

_WEAK = re.compile(r"\s(?:and|with|to|than|or|from)\s", re.IGNORECASE)

_BETWEEN = re.compile(r"\bbetween\b", re.IGNORECASE)
"""A word that an "and" must follow."""

_COMPARE = re.compile(r"\bcompare\b", re.IGNORECASE)
"""Words that a border may follow are "with" and "to" then, and not only "and"."""

_CUE = re.compile(
    r"\b(?:each|both|either|neither|two|between|compare|which (?:one|of them)|alike|differ|differences?|different"
    r"|do they (?:agree|say)|which\b[^.?]{0,60}\b(?:more|fewer|less|\w{3,}er))\b",
    re.IGNORECASE,
)
"""Words that tell of two things, so that an "and" may well be the border."""

_NAMES, _STRONG_WORD, _TOLD, _NEAR_MIDDLE = 2.0, 5.0, 1.75, 1.0
"""What speaks for a place as the border: a name on either side, a strong word, an "and" where the question tells of
two things, and about as much text in the one side as in the other."""

_LEAST = 2.0

_EDGES = " ,;:-–—?."


_BREAK = re.compile(
    r"[.?!:;]\s|[.?!:;]$|,\s(?=(?:and|or|but|so|is|are|does|did|what|which|how|who)\b)|\s(?=both\b)|\s[-–—]+\s"
)
"""What a side does not reach across: before it stands what is asked of both, and so it does after it."""

_OPENING = re.compile(
    r".*\bbetween |(?:(?:and|but|so|please) )*(?:compare |both )|(?:and|but|so) ", re.IGNORECASE | re.DOTALL
)
"""What may stand before the first side without being part of it."""

_CHOICE = re.compile(r"(?:which|what|who|where|when)\b[^,]*,\s+", re.IGNORECASE)
"""What is asked before two things to choose from: "which worked better, A or B"."""

_ASKS = re.compile(r"\b(?:how|what|which|who|whom|whose|why|when|where|does|do|did|is|are|was|were)\b", re.IGNORECASE)
"""A word with which something is asked, as against the bare name of a side."""

_EACH = re.compile(r"\b(?:each|either)(?: one| of (?:them|these|those))?(['’]s)?\b", re.IGNORECASE)
"""What stands for a side where the same is asked of both."""

_POINTS = re.compile(r"(?:those|that) ", re.IGNORECASE)
"""Stands for what the first side names."""

_ATTACHED = re.compile(r".*\s(?:of|for|in|under|by|with|behind|about|at|from|on|per)\s", re.IGNORECASE | re.DOTALL)
"""All up to the last preposition: what it attaches is the side, and what stands before is asked of it."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: ``phrase`` by itself, and ``question``, which is the whole without the other side."""

    phrase: str
    question: str


def sides(question: str) -> tuple[Side, Side] | None:
    """Return the two sides of a comparison, or ``None`` where the question does not show two.

    The border is the place between two words that has most of these: a name on both sides, a word such as "versus",
    a word that tells of two things ("each"), and two sides of about the same length.
    """
    names = name_starts(question)
    best: tuple[float, re.Match[str]] | None = None
    for pattern, plain in ((_STRONG, _STRONG_WORD), (_WEAK, 0.0)):
        for match in pattern.finditer(question):
            start, end = _reach(question, match)
            one, other = question[start : match.start()].strip(_EDGES), question[match.end() : end].strip(_EDGES)
            if not terms(one) or not terms(other):
                continue
            named = bool(names) and names[0] < match.start() and names[-1] >= match.end()
            base = plain or _told(question, match)
            evenly = min(len(one), len(other)) / max(len(one), len(other))
            worth = base + _NAMES * named + _NEAR_MIDDLE * evenly
            if best is None or worth > best[0]:
                best = (worth, match)
    if best is None or best[0] < _LEAST:
        return None
    return _split(question, best[1])


def _told(question: str, border: re.Match[str]) -> float:
    """Return what speaks for a weak word as the border by what the question tells of."""
    if border.group().strip().lower() in {"and", "or"}:
        between = _BETWEEN.search(question, 0, border.start())
        return _STRONG_WORD if between else _TOLD * (_CUE.search(question) is not None)
    return _TOLD * (_COMPARE.search(question, 0, border.start()) is not None)


def _reach(question: str, border: re.Match[str]) -> tuple[int, int]:
    """Return where the first side starts and where the second one ends."""
    start = max((one.end() for one in _BREAK.finditer(question, 0, border.start())), default=0)
    for opening in (_OPENING, _CHOICE) if border.group().strip().lower() == "or" else (_OPENING,):
        if found := opening.match(question[start : border.start()]):
            start += found.end()
    after = _BREAK.search(question, border.end())
    return start, after.start() if after else len(question)


def _split(question: str, border: re.Match[str]) -> tuple[Side, Side]:
    start, end = _reach(question, border)
    opening, rest = question[:start], question[end:]
    one, other = question[start : border.start()].strip(_EDGES), question[border.end() : end].strip(_EDGES)
    opening, rest = (_EACH.sub(lambda found: "its" if found[1] else "it", text) for text in (opening, rest))
    asked = _asked_of(one, other)
    return Side(one, f"{opening}{one}{rest}".strip()), Side(other, f"{opening}{asked}{rest}".strip())


def _asked_of(one: str, other: str) -> str:
    """Return the second side with what is asked of the first alone: "how long is A" and "B" become "how long is B"."""
    attached = _ATTACHED.match(one)
    if attached is None or not _ASKS.match(one) or _ASKS.search(other) or _POINTS.match(other):
        return other
    asked = attached.group()
    return other if set(terms(asked)) & set(terms(other)) else f"{asked}{other}"
