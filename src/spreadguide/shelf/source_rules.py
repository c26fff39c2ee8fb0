"""Where the facts of an evidence brief come from: every section names its sources, and every source is complete."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from spreadguide.shelf.brief import SOURCE_MARK, SOURCES, Brief, Line, Section, SourceEntry
from spreadguide.shelf.problems import Problem

NOT_GIVEN = "not given."
NO_DATE = "no date"

_SOURCE = re.compile(
    r"Source: (?P<title>.+?) \((?P<publisher>[^()]*(?:\([^()]*\)[^()]*)*), "
    r"(?P<year>no date|(?:[\w/]+ )*\d{4}(?: ?[–/-] ?\d{2,4})?)\), (?P<where>.+)[.?]"
)
_URL = re.compile(r"https://\S+[^.\s]")
_FOUR_DIGITS = re.compile(r"\d{4}")
_EMPTY_WORDS = frozenset(("the", "a", "and", "of", "publisher", "page", "on"))

_FORM = f'Write it as "{SOURCE_MARK}Title (Publisher, 2018), section or page where the facts stand."'
_LIST_FORM = 'Write it as "- Title: … Publisher: … Date: … URL: …".'


def source_problems(brief: Brief) -> Iterator[Problem]:
    """Yield sections without sources, sources that are not complete, and sources that the list does not have."""
    for section in brief.sections:
        if section.title != SOURCES:
            yield from _section(brief, section)
    yield from _entries(brief)
    yield from _front(brief)


def _section(brief: Brief, section: Section) -> Iterator[Problem]:
    """A section ends with one line, a paragraph of its own, for each source."""
    named = [line for line in section.lines if line.text.startswith(SOURCE_MARK)]
    if not named:
        what = f'The section "{section.title}" does not say where its facts come from.'
        yield Problem(brief.path, what, f"End it with a line. {_FORM}", section.heading.number)
        return
    for line in section.lines[: -len(named)]:
        if line in named:
            cure = "Move it to the end of the section."
            yield Problem(brief.path, "A source stands in the middle of a section.", cure, line.number)
    for line in named:
        if brief.text.split("\n")[line.number - 2].strip():
            cure = "Put an empty line above it."
            yield Problem(brief.path, "A source is not a paragraph of its own.", cure, line.number)
        yield from _source_line(brief, line)


def _source_line(brief: Brief, line: Line) -> Iterator[Problem]:
    match = _SOURCE.fullmatch(line.text)
    if match is None:
        yield Problem(brief.path, "The source does not have the form that it should have.", _FORM, line.number)
        return
    if not named_entries(match["title"], match["publisher"], match["year"], brief.sources):
        what = f'No line of {SOURCES} has the title, publisher and date of "{match["title"]}".'
        yield Problem(brief.path, what, "Correct the source, or add it there.", line.number)


def named_entries(title: str, publisher: str, year: str, sources: Iterable[SourceEntry]) -> list[SourceEntry]:
    """Return the sources that begin with ``title`` and fit publisher and year; "no date" fits a date not given."""
    return [
        entry
        for entry in sources
        if _words(entry.title)[: len(_words(title))] == _words(title)
        and _same_publisher(publisher, entry.publisher)
        and _same_year(year, entry.date)
    ]


def _same_publisher(named: str, listed: str) -> bool:
    """Whether all words of one are among the other's: a list may add volume and pages, or a name's long form."""
    short, full = (set(_words(text)) - _EMPTY_WORDS for text in (named, listed))
    return short <= full or full <= short


def _same_year(year: str, date: str) -> bool:
    if year == NO_DATE:
        return "not" in _words(date) or not _FOUR_DIGITS.search(date)
    return set(_FOUR_DIGITS.findall(year)) <= set(_FOUR_DIGITS.findall(date))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", re.sub("['’‘]", "", text.casefold()))


def _entries(brief: Brief) -> Iterator[Problem]:
    """Every line of the last section has title, publisher, date and address, and none stands there twice."""
    complete = {entry.number: entry for entry in brief.sources}
    seen: set[tuple[str, ...]] = set()
    for line in brief.source_lines:
        entry = complete.get(line.number)
        if entry is None:
            yield Problem(brief.path, "The source is not complete.", _LIST_FORM, line.number)
            continue
        if entry.url != NOT_GIVEN and not _URL.fullmatch(entry.url):
            cure = f'End the line with an address that begins with https://, or with "{NOT_GIVEN}".'
            yield Problem(brief.path, "The source's URL is not one.", cure, line.number)
        key = (entry.title.casefold(), entry.publisher.casefold(), entry.date.casefold(), entry.url)
        if key in seen:
            yield Problem(brief.path, "The source is listed twice.", "Remove one of the two lines.", line.number)
        seen.add(key)
    if complete and all(entry.url == NOT_GIVEN for entry in complete.values()):
        number = brief.source_lines[0].number
        yield Problem(brief.path, "No source has a URL.", "Give the address of at least one.", number)


def _front(brief: Brief) -> Iterator[Problem]:
    """Publisher, date and address of the front matter are those of a source."""
    front, sources = brief.front, brief.sources
    cure = f"Write the same in the front matter and in {SOURCES}."
    publishers = " ".join(entry.publisher for entry in sources).casefold()
    for name in str(front.get("publisher", "")).split(";"):
        if name.strip().casefold() not in publishers:
            what = f"No source has the publisher {name.strip()}."
            yield Problem(brief.path, what, cure, brief.front_line("publisher"))
    if "published" in front and not any(str(front["published"]) in entry.date for entry in sources):
        what = f"No source has the date {front['published']}."
        yield Problem(brief.path, what, cure, brief.front_line("published"))
    if "url" in front and front["url"] not in {entry.url for entry in sources}:
        yield Problem(brief.path, "No source has the url of the front matter.", cure, brief.front_line("url"))
