"""What the text of an evidence brief must be like: its layout, its length, its sentences, nothing personal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from spreadguide.shelf.brief import CANNOT_TELL, ITEM_MARK, SOURCE_MARK, SOURCES, Brief
from spreadguide.shelf.problems import Problem

MIN_WORDS, MAX_WORDS = 300, 900
"""Words of the body, sources included."""

MAX_SENTENCE_WORDS = 27
"""Longer sentences hold more than one fact, and cannot be quoted as one."""

_SENTENCE_END = re.compile(r"(?<=[.?:]) (?=[A-Z])")
_NO_SUBJECT = re.compile(r"(?:It|They|He|She|This|These|Those|That) (?!brief )")
_LINK = re.compile(r"\]\(|https?://|\bwww\.")
_ADDRESS = re.compile(r"https?://\S+")

_PERSONAL = {
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.\w+"),
    "a telephone number": re.compile(r"(?<!\d)(?:\+44|0)(?:[ -]?\d){9,10}(?!\d)"),
    "a number like an NHS number": re.compile(r"(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)"),
    "a postcode": re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b"),
}
_SPEECH = "says|said|writes|wrote|argues|notes|warns"
_NAME = r"[A-Z][\w’'-]+ [A-Z][\w’'-]+"
_SPOKEN_BY = re.compile(
    rf"\b(?:by|[Aa]ccording to) ({_NAME}(?: [A-Z][\w’'-]+)?)|\b({_NAME}) (?:{_SPEECH})\b|\b(?:{_SPEECH}) ({_NAME})"
)
_ORGANISATION = re.compile(
    r"\b(?:NHS|[A-Z]{3,}\w*|Trusts?|Foundation|Innovation|Network|Institute|University|College|Health\w*|Care|England"
    r"|Scotland|Wales|Ireland|Kingdom|Fund|Confederation|Unit|Council|Executive|Hospitals?|Department|Commission"
    r"|Academy|Agency|Association|Centre|Group|Society|Service|System|Board|Office|Research|Review)\b"
)
"""Words that make a name the name of a body rather than of a person."""


def layout_problems(brief: Brief) -> Iterator[Problem]:
    """Yield what is wrong with headings, length, lists and links."""
    title = f"# {brief.front.get('title')}"
    lines = brief.lines
    if not lines or lines[0].text != title:
        cure = f"Begin the text with the line: {title}"
        yield Problem(brief.path, "The text does not begin with the title.", cure, lines[0].number if lines else 1)
    for line in lines[1:]:
        if line.text.startswith("#") and not line.text.startswith("## "):
            yield Problem(brief.path, "Below the title, headings must begin with ##.", "Correct it.", line.number)
    last = [section.title for section in brief.sections[-2:]]
    if last != [CANNOT_TELL, SOURCES] or len(brief.sections) < 3:
        cure = f'End with the sections "## {CANNOT_TELL}" and "## {SOURCES}", after at least one other.'
        number = brief.sections[-1].heading.number if brief.sections else 1
        yield Problem(brief.path, "The last two sections are not those of a brief.", cure, number)
    for section in brief.sections:
        if not section.lines:
            yield Problem(brief.path, "This heading has no text.", "Write it, or remove it.", section.heading.number)
    yield from _length(brief)
    yield from _lists_and_links(brief)


def _length(brief: Brief) -> Iterator[Problem]:
    count = sum(any(map(str.isalnum, word)) for line in brief.lines for word in line.text.split())
    if not MIN_WORDS <= count <= MAX_WORDS:
        what = f"The brief has {count} words; it must have {MIN_WORDS} to {MAX_WORDS}."
        yield Problem(brief.path, what, "Shorten it." if count > MAX_WORDS else "Add facts from the source.")


def _lists_and_links(brief: Brief) -> Iterator[Problem]:
    for above, line in pairwise(brief.lines):
        first_item = line.text.startswith(ITEM_MARK) and not above.text.startswith(ITEM_MARK)
        if first_item and not above.text.endswith(":") and above.text != f"## {SOURCES}":
            cure = "Introduce the list with a line that ends with a colon."
            yield Problem(brief.path, "Nothing introduces this list.", cure, line.number)
    for line in brief.lines:
        if _LINK.search(line.text) and line not in brief.source_lines:
            yield Problem(brief.path, "There is a link in the text.", f"Move it to {SOURCES}.", line.number)


def sentence_problems(brief: Brief) -> Iterator[Problem]:
    """Yield sentences that are too long, or that do not name what they are about."""
    for line in brief.running():
        if line.text.startswith(ITEM_MARK):
            continue
        for sentence in _SENTENCE_END.split(line.text):
            opening = " ".join(sentence.split()[:6])
            length = len(sentence.split())
            if length > MAX_SENTENCE_WORDS:
                what = f'The sentence "{opening} …" has {length} words; at most {MAX_SENTENCE_WORDS} are allowed.'
                yield Problem(brief.path, what, "Make two sentences of it.", line.number)
            if _NO_SUBJECT.match(sentence):
                what = f'The sentence "{opening} …" does not name what it is about.'
                cure = "Name the study, body or place, so that the sentence can be quoted alone."
                yield Problem(brief.path, what, cure, line.number)


def personal_problems(brief: Brief) -> Iterator[Problem]:
    """Yield contact details and numbers of persons and, as one note each, people who are named as speakers."""
    bodies = " ".join(entry.publisher for entry in brief.sources)
    named: set[str] = set()
    for number, line in enumerate(brief.text.split("\n"), start=1):
        plain = _ADDRESS.sub("", line)
        for name, pattern in _PERSONAL.items():
            if pattern.search(plain):
                yield Problem(brief.path, f"The line holds {name}.", "Take it out.", number)
        for person in speakers(plain):
            if person not in named and person not in bodies:
                cure = "Make sure that the source names this person in public, or leave the name out."
                yield Problem(brief.path, f"{person} is named as a speaker.", cure, number, note=True)
            named.add(person)


def speakers(text: str) -> list[str]:
    """Return the names in ``text`` of people who are said to have said something; bodies are passed over."""
    if text.startswith((SOURCE_MARK, "- Title: ")):
        return []
    names = [next(filter(None, groups)) for groups in _SPOKEN_BY.findall(text)]
    return [name for name in names if not _ORGANISATION.search(name)]
