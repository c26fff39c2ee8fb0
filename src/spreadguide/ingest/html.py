"""Reads HTML: the main content only, with its headings, lists and tables; scripts and page furniture dropped."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from spreadguide.errors import UnreadableDocument
from spreadguide.ingest.builder import Piece
from spreadguide.ingest.catalogue import Entry, year_in
from spreadguide.ingest.decoding import decode
from spreadguide.ingest.furniture import drop_furniture
from spreadguide.ingest.html_select import chosen_text, covers, select
from spreadguide.ingest.html_walk import NEVER_TEXT, walk
from spreadguide.ingest.limits import IngestLimits
from spreadguide.ingest.reading import Reading
from spreadguide.text import squeeze
from spreadguide.types import BlockKind

MAIN_SHARE = 0.25
"""A `main` element with less than this share of the page's text is not the page's content."""

ARTICLE_SHARE = 0.5
"""So much of the text must stand in one `article` for it to be all of the content: a digest has several."""

MOST_NESTED = 10_000
"""Elements left open at one place; browsers stop at 512. Parsing that many takes about a second."""

_NESTING = re.compile(
    r"<(/?)(?:div|span|section|article|main|table|ul|ol|blockquote|form|center|font|[abius]|em|strong|big|small)\b",
    re.IGNORECASE,
)
_MENU = re.compile(r"[^|.]{2,40}(?:\s\|\s[^|.]{2,40}){2,}")
"""Links in a row, as older pages part them."""

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{3,20})", re.IGNORECASE)
_HEAD_BYTES = 4096
_ISO_DATE = re.compile(r"(\d{4}-\d\d-\d\d)T")

_META_FIELDS = {
    "og:title": "title",
    "citation_title": "title",
    "og:site_name": "publisher",
    "dc.publisher": "publisher",
    "dcterms.publisher": "publisher",
    "citation_publisher": "publisher",
    "article:published_time": "published",
    "citation_publication_date": "published",
    "dc.date": "published",
    "dcterms.issued": "published",
    "og:url": "url",
}
_AUTHOR_FIELDS = frozenset(("author", "citation_author", "dc.creator", "dcterms.creator"))


def read_html(data: bytes, path: str, limits: IngestLimits) -> Reading:  # noqa: ARG001 - every reader takes the limits
    """Read an HTML file; raises `UnreadableDocument` when it is empty, no text, or built to take for ever."""
    markup = _decoded(data, path)
    _check_nesting(markup, path)
    tree = LexborHTMLParser(markup)
    tree.strip_tags(NEVER_TEXT)
    pieces = _content(tree, markup)
    header = _header(tree)
    title = tree.css_first("title")
    named = any(piece.kind is BlockKind.HEADING and piece.level == 1 for piece in pieces)
    first = tree.css_first("h1")
    if not named and first is not None and squeeze(first.text()):
        header = header.model_copy(update={"title": squeeze(first.text())})
    elif named:
        header = header.model_copy(update={"title": None})
    return Reading(tuple(pieces), header=header, fallback_title=squeeze(title.text()) if title else "")


def html_pieces(markup: str) -> list[Piece]:
    """Return the pieces of a fragment of HTML, such as Markdown holds."""
    tree = LexborHTMLParser(markup)
    tree.strip_tags(NEVER_TEXT)
    return walk(tree.body).pieces


def _content(tree: LexborHTMLParser, markup: str) -> list[Piece]:
    """Return the page's content: by Trafilatura's choice or, where it finds nothing, by tags and names."""
    main = _main(tree)
    chosen = chosen_text(markup)
    walked = walk(main)
    if not covers(walked.pieces, chosen):
        walked = walk(tree.body, by_name=False)
    selected = select(walked.pieces, chosen, walked.notes)
    if selected is None:
        return drop_furniture(walk(main, strict=True).pieces)
    content = [piece for piece in selected if piece.kind is not BlockKind.PARAGRAPH or not _MENU.fullmatch(piece.text)]
    return drop_furniture(content, tail=False)


def _check_nesting(markup: str, path: str) -> None:
    """Refuse a page with elements within elements without end: parsing takes time with the square of their depth."""
    depth = 0
    for tag in _NESTING.finditer(markup):
        depth = max(0, depth - 1) if tag.group(1) else depth + 1
        if depth > MOST_NESTED:
            raise UnreadableDocument(
                f"{path} has elements nested more than {MOST_NESTED} deep.",
                hint="Open it in a browser and save it again, or save it as text.",
            )


def _decoded(data: bytes, path: str) -> str:
    """Decode as the page says it is encoded, where that works; else as any text."""
    declared = _CHARSET.search(data[:_HEAD_BYTES])
    if declared and b"\0" not in data:
        try:
            return data.decode(declared.group(1).decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            return decode(data, path)
    return decode(data, path)


def _main(tree: LexborHTMLParser) -> LexborNode | None:
    """Return the element that holds the page's content."""
    body = tree.body
    if body is None:
        return None
    total = len(body.text())
    for selector, share in (("main", MAIN_SHARE), ("[role=main]", MAIN_SHARE), ("article", ARTICLE_SHARE)):
        found = max(tree.css(selector), key=lambda node: len(node.text()), default=None)
        if found is not None and len(found.text()) >= share * total:
            return found
    return body


def _header(tree: LexborHTMLParser) -> Entry:
    """Read title, publisher, date, authors and address from the page's meta elements."""
    values: dict[str, str] = {}
    authors: list[str] = []
    for node in tree.css("meta"):
        name = (node.attributes.get("property") or node.attributes.get("name") or "").lower()
        content = squeeze(node.attributes.get("content") or "")
        if name in _AUTHOR_FIELDS and content and "://" not in content and content not in authors:
            authors.append(content)
        elif name in _META_FIELDS and content:
            values.setdefault(_META_FIELDS[name], content)
    canonical = tree.css_first("link[rel=canonical]")
    url = (canonical.attributes.get("href") if canonical is not None else None) or values.get("url") or ""
    published = values.get("published")
    date = _ISO_DATE.match(published) if published else None
    return Entry(
        title=values.get("title"),
        publisher=values.get("publisher"),
        authors=tuple(authors),
        published=date.group(1) if date else published,
        year=year_in(published or ""),
        url=url if url.startswith(("http://", "https://")) else None,
    )
