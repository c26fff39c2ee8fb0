"""Finds what a document says about itself: date, source, authors, publisher, commissioner, and further statements."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from spreadguide.ingest.builder import Piece
from spreadguide.ingest.catalogue import Entry, year_in
from spreadguide.ingest.statements import find_statements
from spreadguide.types import BlockKind

FRONT_PIECES = 12
"""A document states its own date, authors and publisher among its first pieces; later ones are of other works."""

OPENING_PIECES = 3
"""The title, and the paragraphs that introduce the document: who wrote it and for whom is said there."""

OPENING_CHARACTERS = 1000
"""An introduction is short; looking further would only cost time on a file without paragraphs."""

LINE_CHARACTERS = 300
"""A metadata line is one line; a full reference with many authors is the longest."""

SHORT_CHARACTERS = 100
"""A line of a title page that gives the date among other things; a sentence of the text is longer."""

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DATE = (
    rf"(?:(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?(?:\d{{1,2}}(?:st|nd|rd|th)?\s+)?"
    rf"{_MONTH}(?:\s*[/–-]\s*{_MONTH})?,?\s+(?:\d{{1,2}},?\s+)?(?:19|20)\d\d"
    r"|\d{4}-\d\d-\d\d|\d{1,2}[/.]\d{1,2}[/.](?:19|20)\d\d)"
)
_DATE_LABEL = (
    r"(?:(?:first\s+)?published(?:\s+(?:on|in|online))?|(?:publication|issue|issued|release)\s*(?:date)?|date"
    r"|date\s+(?:published|of\s+(?:publication|issue)))"
)

_DATE_LINE = re.compile(
    rf"(?:{_DATE_LABEL}\s*:?\s*)?(?P<published>{_DATE})(?:,?\s+\d{{1,2}}[:.]\d\d)?\.?", re.IGNORECASE
)
_DATE_INSIDE = re.compile(rf"\b(?:{_DATE_LABEL}\s*:|version\s+[\d.]+\s*[,:–-])\s*(?P<published>{_DATE})", re.IGNORECASE)
"""Within a short line of the title page, such as "Version 3, 8 February 2023"."""

_YEAR_LINE = re.compile(rf"{_DATE_LABEL}\s*:?\s*(?P<published>(?:19|20)\d\d)\.?", re.IGNORECASE)
_SOURCE_LINE = re.compile(
    rf"(?:source|publication)\s*:\s*(?P<publisher>[^:|]{{2,80}}?)(?:[,|\s]\s*(?P<published>{_DATE}))?\.?", re.IGNORECASE
)
_PUBLISHER_LINE = re.compile(
    rf"(?:published\s+by|publisher)\s*:?\s+(?P<publisher>[^.;|]{{2,100}}?)(?:,\s*(?:in\s+)?(?P<published>{_DATE}|(?:19|20)\d\d))?\.?",
    re.IGNORECASE,
)
_AUTHOR_LINE = re.compile(r"(?:written\s+by|authors?|by)(?:\s*:\s*|\s+)(?P<authors>.{3,200}?)\.?", re.IGNORECASE)
_COMMISSIONER_LINE = re.compile(
    r"commissioned\s+(?:by|on\s+behalf\s+of)\s*:?\s+(?P<commissioner>[^.;|]{2,100})\.?", re.IGNORECASE
)
_REFERENCE_LINE = re.compile(
    r"(?:full\s+reference|reference|citation|cite\s+(?:as|this\s+as))\s*:\s*.{10,}", re.IGNORECASE
)
_REPORT_LINE = re.compile(
    r"(?:full\s+(?:report|article|text)|original\s+(?:report|article)|source)\s*:\s*.{4,}", re.IGNORECASE
)

_COMMISSIONED = re.compile(
    r"\bcommissioned\s+(?:by|on\s+behalf\s+of)\s+(?:the\s+)?"
    r"(?P<commissioner>[A-Z][\w’'&-]*(?:\s+(?:(?:of|for|and|the)\s+)?[A-Z][\w’'&-]*)*)"
)
_STANDFIRST = re.compile(
    r"(?:^|[.?!]\s)(?P<author>[A-Z][\w’'-]+(?:\s[A-Z]\.)?(?:\s[A-Z][\w’'-]+){1,2}),\s[^.?!]*,\s"
    r"(?:explores|examines|argues|considers|reflects|writes|looks\s+at|asks)\b"
)
"""The line under a magazine title that says who wrote the piece and what it explores."""

_PERSON = re.compile(
    r"(?:(?:Dr|Prof|Professor|Sir|Dame|Mr|Mrs|Ms)\.?\s)?[A-Z][\w’'.-]+(?:\s(?:[a-z]{2,3}\s)?[A-Z][\w’'.-]*){1,3}"
)
_BETWEEN_NAMES = re.compile(r"\s*(?:,|;|\band\b|&)\s*")


def states_metadata(text: str) -> bool:
    """Whether a line does nothing but state a date, a source, an author, a publisher or a commissioner."""
    return _match(text) is not None


def authors_in(text: str) -> tuple[str, ...]:
    """Return the names in a by-line; none when it is not made of people's names."""
    names = [name for name in _BETWEEN_NAMES.split(text.strip()) if name]
    return tuple(names) if names and all(_PERSON.fullmatch(name) for name in names) else ()


def find_metadata(pieces: Sequence[Piece]) -> tuple[list[Piece], Entry]:
    """Mark the metadata lines among ``pieces``, and return what they say about the document itself.

    Dates, authors and publishers count for the document only near its top; references further down are marked,
    because they can be asked for, but say nothing about the document.
    """
    marked: list[Piece] = []
    found = Entry()
    for place, piece in enumerate(pieces):
        heading = piece.kind is BlockKind.HEADING and piece.level > 1
        match = _match(piece.text) if heading or piece.kind is BlockKind.PARAGRAPH else None
        if match is None or (place >= FRONT_PIECES and match[1]):
            marked.append(piece)
            continue
        name, values = match
        marked.append(replace(piece, kind=BlockKind.METADATA, level=0, field=name, continues=False))
        if place < FRONT_PIECES:
            found = found.over(values) if values else found
    return marked, found.over(_opening(pieces)).over(find_statements(pieces, FRONT_PIECES))


def _match(text: str) -> tuple[str, Entry | None] | None:
    """Return the field that a line states and, where it speaks of the document itself, the values."""
    if len(text) > LINE_CHARACTERS:
        return None
    if match := _DATE_LINE.fullmatch(text) or _YEAR_LINE.fullmatch(text):
        published = match["published"]
        return "published", Entry(published=published, year=year_in(published))
    if match := _PUBLISHER_LINE.fullmatch(text):
        published = match["published"]
        return "publisher", Entry(publisher=match["publisher"], published=published, year=year_in(published or ""))
    if match := _COMMISSIONER_LINE.fullmatch(text):
        return "commissioner", Entry(commissioner=match["commissioner"])
    if (match := _SOURCE_LINE.fullmatch(text)) and match["published"]:
        published = match["published"]
        return "source", Entry(publisher=match["publisher"].strip(), published=published, year=year_in(published))
    if (match := _AUTHOR_LINE.fullmatch(text)) and (names := authors_in(match["authors"])):
        return "authors", Entry(authors=names)
    if len(text) <= SHORT_CHARACTERS and (match := _DATE_INSIDE.search(text)):
        return "published", Entry(published=match["published"], year=year_in(match["published"]))
    if _REFERENCE_LINE.fullmatch(text):
        return "authors", None
    return ("source", None) if _REPORT_LINE.fullmatch(text) else None


def _opening(pieces: Sequence[Piece]) -> Entry:
    """Read author and commissioner from the sentences that introduce the document."""
    found = Entry()
    for piece in pieces[:OPENING_PIECES]:
        if piece.kind is not BlockKind.PARAGRAPH:
            continue
        text = piece.text[:OPENING_CHARACTERS]
        commissioned, standfirst = _COMMISSIONED.search(text), _STANDFIRST.search(text)
        if commissioned:
            found = found.over(Entry(commissioner=commissioned["commissioner"]))
        if standfirst:
            found = found.over(Entry(authors=(standfirst["author"],)))
    return found
