"""Joins the lines that a page's width has cut, words with a hyphen at the line's end included."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import reduce

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
        if not line[match.end() :].startswith("-")
    )


def join_lines(lines: Sequence[str], known: frozenset[str]) -> str:
    """Join ``lines`` of one paragraph with spaces; ``known`` is the document's `vocabulary`."""
    return reduce(lambda text, line: _join(text, line, known), (line.strip() for line in lines if line.strip()), "")


def _join(text: str, line: str, known: frozenset[str]) -> str:
    """A hyphen goes when the next line starts in lower case, unless the document has the compound elsewhere."""
    head, tail = _CUT_WORD.search(text), _FIRST_WORD.match(line)
    if not text:
        return line
    if text.endswith("-") and not text.endswith((" -", "--")) and line[:1].isalnum():
        if head is None or tail is None or not tail.group()[0].islower():
            return text + line
        compound, whole = f"{head.group(1)}-{tail.group()}".lower(), (head.group(1) + tail.group()).lower()
        return text + line if compound in known and whole not in known else text[:-1] + line
    return f"{text} {line}"
