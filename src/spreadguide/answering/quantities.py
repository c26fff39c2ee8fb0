"""Numbers in running text: their value, unit, bound and what they count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from spreadguide.text import Word, words

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_TEENS = "seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {name: float(value) for value, name in enumerate(f"{_UNITS} {_TEENS}".split())}
_SMALL |= {name: float(10 * value) for value, name in enumerate(_TENS.split(), start=2)}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "m": 1e6, "bn": 1e9, "k": 1e3}
_FRACTIONS = {"half": 0.5, "third": 1 / 3, "thirds": 1 / 3, "quarter": 0.25, "quarters": 0.25}
_ORDINALS = {
    name: float(value)
    for value, name in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), start=1
    )
}
_ORDINAL_DIGITS = re.compile(r"^(\d+)(?:st|nd|rd|th)$", re.IGNORECASE)
_NUMBER = re.compile(r"^\d+(?:,\d{3})*(?:\.\d+)?$")
_NUMBER_WITH_SUFFIX = re.compile(r"^(\d+(?:,\d{3})*(?:\.\d+)?)(m|bn|k|mg|mcg|ml|g|kg|hrs|hr|h|pp)$", re.IGNORECASE)
_PERCENT_AFTER = re.compile(r"\s*(?:%|per\s?cent\b|percent\b|percentage points?\b)", re.IGNORECASE)
_CURRENCY = "£$€"

TIME_UNITS = frozenset({"second", "minut", "hour", "day", "week", "fortnight", "month", "year", "decad", "quarter"})
"""Stems of units of time."""

_NOT_A_COUNT_AFTER_ONE = frozenset({"of", "another", "that", "who", "which", "can", "stop", "thing", "should", "might"})

_CLAUSE_MARK = re.compile(r"[,;:.!?()\[\]–—]")

COUNTED_WINDOW = 4
"""Content words after a number in which the thing counted is looked for: "11,000 local NHS sites"."""


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
    """One number: ``unit`` is "%", a currency sign, "ordinal" or "" and ``counted`` the stems of what it counts.

    ``start:end`` index into the text it was found in; ``is_year`` marks a bare number from 1900 to 2099.
    """

    value: float
    unit: str
    bound: Bound
    counted: tuple[str, ...]
    start: int
    end: int
    is_year: bool = False

    @property
    def is_duration(self) -> bool:
        """Whether the number counts units of time."""
        return bool(self.counted) and self.counted[0] in TIME_UNITS


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
    return found


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
    if word == "one" and index + 1 < len(tokens) and tokens[index + 1].text.lower() in _NOT_A_COUNT_AFTER_ONE:
        return None
    if word in _SMALL:
        return _spelled(tokens, index)
    if word in _ORDINALS and word != "second" and not _follows_number(tokens, index):
        return _ORDINALS[word], "ordinal", index + 1
    if word in {"half", "quarter"}:
        return _FRACTIONS[word], "share", index + 1
    return None


def _follows_number(tokens: list[Word], index: int) -> bool:
    return index > 0 and tokens[index - 1].text.lower() in _SMALL


def _digits(text: str) -> float:
    return float(text.replace(",", ""))


def _spelled(tokens: list[Word], index: int) -> tuple[float, str, int]:
    value = _SMALL[tokens[index].text.lower()]
    following = index + 1
    if following < len(tokens):
        after = tokens[following].text.lower()
        if after in _FRACTIONS:
            return value * _FRACTIONS[after], "share", following + 1
        if value >= _SMALL["twenty"] and _SMALL.get(after, 10) < 10:
            value, following = value + _SMALL[after], following + 1
    return _scaled(value, tokens, following)


def _scaled(value: float, tokens: list[Word], following: int) -> tuple[float, str, int]:
    while following < len(tokens) and tokens[following].text.lower() in _SCALES:
        value *= _SCALES[tokens[following].text.lower()]
        following += 1
    return value, "", following


def _quantity(text: str, tokens: list[Word], index: int, following: int, value: float, unit: str) -> Quantity:
    start, end = tokens[index].start, tokens[following - 1].end
    before = text[:start]
    if before.rstrip()[-1:] in tuple(_CURRENCY):
        unit = before.rstrip()[-1]
    if percent := _PERCENT_AFTER.match(text, end):
        unit, end = "%", percent.end()
    bound = next((bound for pattern, bound in _BOUNDS if pattern.search(before)), Bound.EXACT)
    written = text[tokens[index].start : tokens[following - 1].end]
    is_year = unit == "" and written.isdigit() and 1900 <= value <= 2099
    return Quantity(value, unit, bound, _counted(text, tokens[following:], end), start, end, is_year)


def _counted(text: str, tokens: list[Word], end: int) -> tuple[str, ...]:
    """Return the stems of what a number counts: the content words up to the next number or clause mark."""
    counted: list[str] = []
    for word in tokens:
        if word.start < end:
            continue
        if _CLAUSE_MARK.search(text, end, word.start) or word.text[0].isdigit() or len(counted) == COUNTED_WINDOW:
            break
        if word.is_content:
            counted.append(word.stem)
    return tuple(counted)
