"""Turn text that documents, people and the model wrote into HTML that can only be text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html import escape
from urllib.parse import quote, urlencode

MARKER = re.compile(r"\[(\d{1,3})\]")
"""A citation marker, such as [1]."""

BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")

QUOTE_ANCHOR = "quote"
"""The id of the first marked quote on the page of a passage, so that the browser scrolls to it."""

Span = tuple[int, int]
"""Start and end of a piece of text, in characters of the document's normalised text."""


def safe(text: str) -> str:
    """Escape ``text`` for HTML, as content or as a quoted attribute, on one line.

    Line breaks become character references: a block without raw line breaks cannot end a block of HTML early when
    the page's Markdown component reads it.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return escape(lines, quote=True).replace("\n", "&#10;")


def passage_href(passage_id: str, spans: Iterable[Span] = ()) -> str:
    """Return the address of our own page for a passage, with the pieces to highlight."""
    pairs = [pair for start, end in spans for pair in (("start", start), ("end", end))]
    query = f"?{urlencode(pairs)}" if pairs else ""
    fragment = f"#{QUOTE_ANCHOR}" if pairs else ""
    return escape(f"/passage/{quote(passage_id, safe='')}{query}{fragment}", quote=True)


def prose(text: str, link: Callable[[int], str | None]) -> str:
    """Render paragraphs, flat lists, bold words and citation markers; everything else stays literal text.

    ``link`` returns the HTML for a marker, or ``None`` for a marker that stands for nothing and stays plain text.
    """
    html: list[str] = []
    items: list[str] = []
    for line in [*text.splitlines(), ""]:
        bullet = BULLET.match(line)
        if bullet:
            items.append(f"<li>{_inline(line[bullet.end() :], link)}</li>")
            continue
        if items:
            html.append(f"<ul>{''.join(items)}</ul>")
            items = []
        if line.strip():
            html.append(f"<p>{_inline(line.strip(), link)}</p>")
    return "".join(html)


def _inline(line: str, link: Callable[[int], str | None]) -> str:
    def marker(match: re.Match[str]) -> str:
        return link(int(match.group(1))) or match.group()

    return MARKER.sub(marker, BOLD.sub(r"<strong>\1</strong>", safe(line)))


def highlighted(text: str, start: int, spans: Iterable[Span]) -> str:
    """Escape ``text``, which begins at offset ``start`` of its document, and mark the parts within ``spans``."""
    html: list[str] = []
    done = 0
    for first, last in sorted(spans):
        left, right = max(first - start, done), min(last - start, len(text))
        if left < right:
            html += [safe(text[done:left]), "<mark>", safe(text[left:right]), "</mark>"]
            done = right
    return "".join([*html, safe(text[done:])])


def plain(text: str) -> str:
    """Return an answer's text without citation markers, for the history of a conversation."""
    return re.sub(r"[ \t]+(?=[.,;\n]|$)", "", MARKER.sub("", text)).strip()
