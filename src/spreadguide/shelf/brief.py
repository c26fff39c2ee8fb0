"""An evidence brief as its rules see it: front matter, and the lines of the body with their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from spreadguide.ingest.catalogue import front_matter

SOURCES = "Sources"
CANNOT_TELL = "What can this evidence not tell us?"

SOURCE_MARK = "Source: "
ITEM_MARK = "- "

BRIEF_KEYS = ("audience", "pillars")
"""A Markdown file with one of these keys in its front matter is a brief, and must have a brief's form."""

_ENTRY = re.compile(
    r"- Title: (?P<title>.+?)(?:\.|(?<=[?!])) Publisher: (?P<publisher>.+?)\. Date: (?P<date>.+?)\. URL: (?P<url>.+)"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank, with its number in the file, from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of the second level and the lines below it."""

    heading: Line
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        """The heading's words."""
        return self.heading.text.lstrip("#").strip()


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One line of the last section, taken apart."""

    number: int
    title: str
    publisher: str
    date: str
    url: str


@dataclass(frozen=True)
class Brief:
    """One brief; ``path`` is relative to the folder, ``text`` the whole file."""

    path: str
    text: str
    front: Mapping[str, Any]

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines of the body that are not blank."""
        header, body = front_matter(self.text)
        above = self.text[: len(self.text) - len(body)].count("\n") if header is not None else 0
        numbered = enumerate(body.split("\n"), start=above + 1)
        return tuple(Line(number, line.rstrip()) for number, line in numbered if line.strip())

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections in their order; lines above the first heading of the second level belong to none."""
        starts = [place for place, line in enumerate(self.lines) if line.text.startswith("## ")]
        ends = [*starts[1:], len(self.lines)]
        return tuple(
            Section(self.lines[start], self.lines[start + 1 : end]) for start, end in zip(starts, ends, strict=False)
        )

    @property
    def source_lines(self) -> tuple[Line, ...]:
        """The lines of the section of sources."""
        return next((section.lines for section in self.sections if section.title == SOURCES), ())

    @cached_property
    def sources(self) -> tuple[SourceEntry, ...]:
        """The sources whose lines have the form that they should have."""
        return tuple(
            SourceEntry(line.number, match["title"], match["publisher"], match["date"], match["url"])
            for line in self.source_lines
            if (match := _ENTRY.fullmatch(line.text))
        )

    def running(self) -> Iterator[Line]:
        """Yield the lines of running text and lists: no headings, and nothing that only names a source."""
        for line in self.lines:
            if not line.text.startswith(("#", SOURCE_MARK)) and line not in self.source_lines:
                yield line

    def front_line(self, key: str) -> int:
        """Return the number of the line that states ``key``, of the first line when none does."""
        lines = self.text.split("\n")
        return next((number for number, line in enumerate(lines, start=1) if line.startswith(f"{key}:")), 1)


def read_brief(text: str, path: str) -> Brief | None:
    """Return the brief, or ``None`` when the text is not one; broken front matter is not a brief's."""
    text = text.replace("\r\n", "\n")
    header, _ = front_matter(text)
    if header is None:
        return None
    try:
        front = yaml.safe_load(header)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    is_brief = isinstance(front, dict) and any(key in front for key in BRIEF_KEYS)
    return Brief(path, text, front) if is_brief else None
