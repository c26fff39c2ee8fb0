"""Joins the lines that a page's width has cut, words with a hyphen at the line's end included."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

LONGEST_WORD = 60
"""Characters at the end of a line in which a cut word is looked for; no English word is longer."""

_COMPOUNDING = frozenset({"cross", "half", "low", "non", "self", "well"})
"""First parts that have their hyphen by right, and that hyphenation leaves whole."""

_CUT_WORD = re.compile(r"([^\W\d_]+)-$")
_FIRST_WORD = re.compile(r"^[^\W\d_]+")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def vocabulary(lines: Iterable[str]) -> frozenset[str]:
    """Return the words of a document, in lower case, compounds with a hyphen as one word.

    A word cut at a line's end is none of them, so that it cannot vouch for itself.
    """
    return frozenset(
        match.group().lower()
        for line in lines
        for match in _WORDS.finditer(line)
        if line[match.end() : match.end() + 1] != "-"
    )


def join_lines(lines: Sequence[str], known: frozenset[str]) -> str:
    """Join ``lines`` of one paragraph with spaces; ``known`` is the document's `vocabulary`."""
    return "".join(fitted(lines, known))


def fitted(lines: Sequence[str], known: frozenset[str]) -> list[str]:
    """Return ``lines``, those without a word left out, so that one can follow the other without anything between."""
    parts: list[str] = []
    for line in filter(None, map(str.strip, lines)):
        if parts:
            parts[-1] = _end(parts[-1], line, known)
        parts.append(line)
    return parts


def _end(text: str, line: str, known: frozenset[str]) -> str:
    """Return ``text`` as it must end for ``line`` to follow.

    A hyphen goes when the next line starts in lower case, unless the document has the compound elsewhere, or the first
    part is one that makes compounds ("non-", "self-").
    """
    if not text.endswith("-") or text.endswith((" -", "--")) or not line[:1].isalnum() or text == "-":
        return text + " "
    head, tail = _CUT_WORD.search(text[-LONGEST_WORD:]), _FIRST_WORD.match(line)
    if head is None or tail is None or not tail.group()[0].islower():
        return text
    compound, whole = f"{head.group(1)}-{tail.group()}".lower(), (head.group(1) + tail.group()).lower()
    kept = compound in known or head.group(1).lower() in _COMPOUNDING
    return text if kept and whole not in known else text[:-1]
