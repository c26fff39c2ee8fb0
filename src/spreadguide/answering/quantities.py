"""Numbers in running text: their value, unit, bound and what they count."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from spreadguide.text import Word, stem, words

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_TEENS = "seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {name: float(value) for value, name in enumerate(f"{_UNITS} {_TEENS}".split())}
_SMALL |= {name: float(10 * value) for value, name in enumerate(_TENS.split(), start=2)}
_SMALL |= {"single": 1.0}
_SCALES = {
    "dozen": 12.0, "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "m": 1e6, "bn": 1e9, "k": 1e3,
}  # fmt: skip
_FRACTIONS = {"half": 0.5, "halves": 0.5, "third": 1 / 3, "quarter": 0.25, "fifth": 0.2, "eighth": 0.125, "tenth": 0.1}
_FRACTIONS |= {f"{name}s": value for name, value in _FRACTIONS.items() if name not in {"half", "halves"}}
_ORDINALS = {
    name: float(value)
    for value, name in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), start=1
    )
}
_ORDINAL_DIGITS = re.compile(r"^(\d+)(?:st|nd|rd|th)$", re.IGNORECASE)
_NUMBER = re.compile(r"^\d+(?:,\d{3})*(?:\.\d+)?$")
_NUMBER_WITH_SUFFIX = re.compile(r"^(\d+(?:,\d{3})*(?:\.\d+)?)(m|bn|k|mg|mcg|ml|g|kg|hrs|hr|h|pp)$", re.IGNORECASE)
_PERCENT_AFTER = re.compile(r"\s*(?:(?P<points>percentage points?\b)|%|per\s?cent\b|percent\b)", re.IGNORECASE)
_RATE_AFTER = re.compile(r"(?:\s+[^\W\d_]+){0,4}?\s+(?:a|an|per|each|every)\s+([^\W\d_]+)", re.IGNORECASE)
_BETWEEN_ENDS = re.compile(r"\s*(?:[-–—]|to|in|out of|and)\s*[£$€]?\s*", re.IGNORECASE)
_CURRENCY = "£$€"

TIME_UNITS = frozenset({"second", "minut", "hour", "day", "week", "fortnight", "month", "year", "decad", "quarter"})
"""Stems of units of time."""

_NOT_A_COUNT_AFTER_ONE = frozenset({"of", "another", "that", "who", "which", "can", "stop", "thing", "should", "might"})

_BEFORE_SECOND = frozenset("a the every each its their our his her this that".split())
_PASSED_OVER = frozenset("of the these those its their our all also then only".split())
"""Words that may stand between a number and what it counts: "three of the wards"."""

_CLAUSE_MARK = re.compile(r"[,;:.!?()\[\]–—]")

COUNTED_WINDOW = 4
"""Words after a number in which the thing counted is looked for: "11,000 local NHS sites"."""

BOUND_WINDOW = 60
"""Characters before a number in which its bound stands: the longest ("in excess of a total of £") takes half."""


class Bound(StrEnum):
    """How a number limits what it counts."""

    EXACT = "exactly"
    BELOW = "less than"
    AT_MOST = "up to"
    ABOVE = "more than"
    AT_LEAST = "at least"
    ABOUT = "about"


_BOUNDS: tuple[tuple[re.Pattern[str], Bound], ...] = tuple(
    (re.compile(rf"(?:{pattern})(?:\s+(?:a|an|the|some|total of|just))?\s*[£$€]?\s*$", re.IGNORECASE), bound)
    for pattern, bound in (
        (r"\b(?:up to|at most|no more than|not more than|(?:a )?maximum of|as many as|as much as)", Bound.AT_MOST),
        (r"\b(?:at least|no (?:less|fewer) than|not less than|(?:a )?minimum of)", Bound.AT_LEAST),
        (r"\b(?:less than|fewer than|under|below)", Bound.BELOW),
        (r"\b(?:more than|over|above|greater than|in excess of|exceeding|upwards of)", Bound.ABOVE),
        (r"\b(?:about|around|approximately|roughly|nearly|almost|circa|some)", Bound.ABOUT),
    )
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number: ``unit`` is "%", "pp" (percentage points), a currency sign, "share", "ordinal" or "".

    ``counted`` holds the stems of what it counts and ``rate`` that of the unit of time in "a year". ``other`` is
    the other end of a range, or the other number of "one in five". ``start:end`` index into the text it was found
    in; ``is_year`` marks a bare number from 1900 to 2099.
    """

    value: float
    unit: str
    bound: Bound
    counted: tuple[str, ...]
    start: int
    end: int
    is_year: bool = False
    rate: str = ""
    other: float | None = None

    @property
    def is_duration(self) -> bool:
        """Whether the number counts units of time."""
        return self.unit == "" and bool(self.counted) and self.counted[0] in TIME_UNITS


def quantities(text: str) -> list[Quantity]:
    """Find every number in ``text``, written in digits or in words."""
    tokens = words(text)
    found: list[Quantity] = []
    index = 0
    while index < len(tokens):
        parsed = _number_at(tokens, index)
        if parsed is None:
            index += 1
            continue
        value, unit, following = parsed
        found.append(_quantity(text, tokens, index, following, value, unit))
        index = following
    return _paired(text, found)


def _paired(text: str, found: list[Quantity]) -> list[Quantity]:
    """Tie the two ends of "3-5 hours", "between 8 and 12" or "one in five" to each other."""
    paired = list(found)
    for place, (first, second) in enumerate(pairwise(found)):
        link = _BETWEEN_ENDS.fullmatch(text, first.end, second.start)
        word = link.group().strip(f" {_CURRENCY}").lower() if link else ""
        if link is None or "ordinal" in (first.unit, second.unit) or (word == "in" and second.is_year):
            continue
        if word == "and" and not text[: first.start].rstrip(f" {_CURRENCY}").lower().endswith("between"):
            continue
        paired[place] = replace(
            paired[place],
            other=second.value,
            rate=first.rate or second.rate,
            counted=first.counted or second.counted,
            unit=first.unit or second.unit,
        )
        paired[place + 1] = replace(paired[place + 1], other=first.value)
    return paired


def _number_at(tokens: list[Word], index: int) -> tuple[float, str, int] | None:
    """Return (value, unit, index after the number) when a number starts at ``index``."""
    word = tokens[index].text.lower()
    if match := _ORDINAL_DIGITS.match(word):
        return float(match.group(1)), "ordinal", index + 1
    if match := _NUMBER_WITH_SUFFIX.match(word):
        scale = _SCALES.get(match.group(2), 1.0)
        unit = "" if match.group(2) in _SCALES else match.group(2)
        return _digits(match.group(1)) * scale, unit, index + 1
    if _NUMBER.match(word):
        return _scaled(_digits(word), tokens, index + 1)
    return _worded(tokens, index)


def _worded(tokens: list[Word], index: int) -> tuple[float, str, int] | None:
    word, before, after = (_lowered(tokens, place) for place in (index, index - 1, index + 1))
    ends = index + 1 == len(tokens) or not tokens[index + 1].is_content
    if word == "one" and after in _NOT_A_COUNT_AFTER_ONE:
        return None
    if word in _SMALL:
        return _spelled(tokens, index)
    if word in {"hundred", "thousand", "dozen"} and before == "a":
        return _rest(1.0, tokens, index)
    if word in _FRACTIONS and (word == "half" or after == "of" or (before == "a" and ends)):
        return _FRACTIONS[word], "share", index + 1
    if word in _ORDINALS and word != "second" and before not in _SMALL:
        return _ORDINALS[word], "ordinal", index + 1
    if word == "second" and before in _BEFORE_SECOND and after not in {"", "s"}:
        return 2.0, "ordinal", index + 1
    return None


def _lowered(tokens: list[Word], index: int) -> str:
    return tokens[index].text.lower() if 0 <= index < len(tokens) else ""


def _digits(text: str) -> float:
    return float(text.replace(",", ""))


def _spelled(tokens: list[Word], index: int) -> tuple[float, str, int]:
    value, following = _below_hundred(tokens, index)
    if _lowered(tokens, following) in _FRACTIONS and value < _SMALL["twenty"]:
        return value * _FRACTIONS[_lowered(tokens, following)], "share", following + 1
    return _rest(value, tokens, following)


def _below_hundred(tokens: list[Word], index: int) -> tuple[float, int]:
    value, following = _SMALL[_lowered(tokens, index)], index + 1
    after = _SMALL.get(_lowered(tokens, following), 0.0)
    if value >= _SMALL["twenty"] and 0 < after < 10:
        return value + after, following + 1
    return value, following


def _rest(value: float, tokens: list[Word], following: int) -> tuple[float, str, int]:
    """Read on after the first words of a number: "hundred and fifty", "thousand", "million"."""
    if _lowered(tokens, following) == "hundred":
        value, following = value * 100, following + 1
        small = following + (_lowered(tokens, following) == "and")
        if _lowered(tokens, small) in _SMALL:
            added, following = _below_hundred(tokens, small)
            value += added
    return _scaled(value, tokens, following)


def _scaled(value: float, tokens: list[Word], following: int) -> tuple[float, str, int]:
    while _lowered(tokens, following) in _SCALES:
        value *= _SCALES[_lowered(tokens, following)]
        following += 1
    return value, "", following


def _quantity(text: str, tokens: list[Word], index: int, following: int, value: float, unit: str) -> Quantity:
    start, end = tokens[index].start, tokens[following - 1].end
    before = text[max(0, start - BOUND_WINDOW) : start]
    if before.rstrip()[-1:] in tuple(_CURRENCY):
        unit = before.rstrip()[-1]
    if percent := _PERCENT_AFTER.match(text, end):
        unit, end = "pp" if percent["points"] else "%", percent.end()
    bound = next((bound for pattern, bound in _BOUNDS if pattern.search(before)), Bound.EXACT)
    written = text[tokens[index].start : tokens[following - 1].end]
    is_year = unit == "" and written.isdigit() and 1900 <= value <= 2099
    rate = _RATE_AFTER.match(text, end)
    per = stem(rate.group(1)) if rate and stem(rate.group(1)) in TIME_UNITS else ""
    return Quantity(value, unit, bound, _counted(text, tokens[following:], end), start, end, is_year, per)


def _counted(text: str, tokens: list[Word], end: int) -> tuple[str, ...]:
    """Return the stems of what a number counts: the words after it, up to one that starts another phrase."""
    counted: list[str] = []
    for word in tokens:
        if word.start < end or word.text.lower() in _PASSED_OVER:
            continue
        if _CLAUSE_MARK.search(text, end, word.start) or word.text[0].isdigit() or len(counted) == COUNTED_WINDOW:
            break
        if not word.is_content or word.text.lower() in _SMALL:
            if counted:
                break
            continue
        counted.append(word.stem)
    return tuple(counted)
