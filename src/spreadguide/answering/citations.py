"""Draft → sentences with the markers they carry; forgiving about how a small model writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spreadguide.text import sentences, squeeze

_MARKER = re.compile(
    r"\s*[\[【(]\s*(?:(?:lines?|sources?|passages?|refs?|nos?\.?)\s*)?"
    r"(\d{1,3}(?:\s*(?:[,;&–-]|and)\s*\[?\d{1,3})*)\s*[\]】)]",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")
_RANGE = re.compile(r"(\d+)\s*[–-]\s*(\d+)")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
_HEADING = re.compile(r"^\s*#+\s*|\*\*|__|`")
_LABEL = re.compile(r"^\s*(?:answer|response|lines?|question)\s*:\s*", re.IGNORECASE)

MAX_RANGE = 10
"""Longest run read from "[1-3]"; anything longer is not a citation."""


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """One sentence of a draft, without its markers, and the line numbers it cites (may be empty)."""

    text: str
    markers: tuple[int, ...]


def parse(draft: str) -> list[DraftSentence]:
    """Split a draft into sentences with their citations.

    Reads [1], [1][2], [1, 2], [1-3], 【1】, (1), [line 1] and a marker after the full stop, which belongs to the
    sentence before it. A list item is a sentence of its own.
    """
    found: list[DraftSentence] = []
    for raw in draft.splitlines():
        text = _LABEL.sub("", _BULLET.sub("", _HEADING.sub("", raw))).strip()
        if text:
            found += _line(text)
    return found


def _line(text: str) -> list[DraftSentence]:
    """Cut one line at sentence ends; markers are moved to stand before the full stop so that they stay with it."""
    tidy = re.sub(r"([.!?])((?:\s*[\[【]\s*\w{0,8}\s*\d[^\]】]{0,20}[\]】])+)", r"\2\1", text)
    found = []
    for span in sentences(tidy):
        sentence = tidy[span.start : span.end]
        markers, plain = _take_markers(sentence)
        plain = squeeze(plain)
        if any(character.isalnum() for character in plain):
            found.append(DraftSentence(plain, tuple(dict.fromkeys(markers))))
    return found


def _take_markers(sentence: str) -> tuple[list[int], str]:
    markers: list[int] = []

    def take(match: re.Match[str]) -> str:
        markers.extend(_numbers(match.group(1)))
        return ""

    plain = _MARKER.sub(take, sentence)
    return markers, re.sub(r"\s+([.,;:!?])", r"\1", plain)


def _numbers(text: str) -> list[int]:
    if match := _RANGE.fullmatch(text.strip()):
        first, last = int(match.group(1)), int(match.group(2))
        return list(range(first, last + 1)) if 0 < last - first < MAX_RANGE else []
    return [int(number) for number in _NUMBER.findall(text)]
