"""Reads HTML: the main content only, with its headings, lists and tables; scripts and page furniture dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from spreadguide.ingest.builder import Piece
from spreadguide.ingest.catalogue import Entry, year_in
from spreadguide.ingest.decoding import decode
from spreadguide.ingest.furniture import drop_furniture
from spreadguide.ingest.limits import IngestLimits
from spreadguide.ingest.reading import Reading
from spreadguide.ingest.tables import rows_as_text
from spreadguide.text import squeeze
from spreadguide.types import BlockKind

DEEPEST = 200
"""Elements nested deeper than this are read as plain text: no page needs it, and each level costs stack."""

MAIN_SHARE = 0.25
"""A `main` or `article` element with less than this share of the page's text is not the page's content."""

WHOLE_SHARE = 0.5
"""An element with more than this share of the text is content, whatever its class says."""

_NEVER_TEXT = ["script", "style", "noscript", "template", "iframe", "object", "svg"]
"""Taken out before anything is read, so that no short cut through an element's text can meet them."""

_DROPPED = frozenset(
    """embed canvas audio video form button input select textarea
    nav aside footer dialog menu head title link meta map figcaption""".split()
)
_BLOCKS = frozenset(
    """address article blockquote body center dd details div dl dt fieldset figure header hgroup hr html main p pre
    section summary table caption thead tbody tfoot tr td th""".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_DROPPED_ROLES = frozenset("navigation banner contentinfo complementary search dialog alertdialog menu".split())
_NOISE = re.compile(
    r"""(?:(?:cookies?|consent|gdpr|breadcrumbs?|share|sharing|social|related|newsletter|sidebar|side-bar|comments?|promo
    |adverts?|advertisement|popup|modal|pagination|pager|nav|navbar|navigation|menu|skip-?link|subscribe|toolbar)
    (?:[-_].*|s)?)|.*[-_](?:cookies?|breadcrumbs?|sidebar|nav|navigation|menu|sharing|newsletter)""",
    re.IGNORECASE | re.VERBOSE,
)
"""Class names and ids of page furniture."""

_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
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
    """Read an HTML file; raises `UnreadableDocument` when it is empty or no text."""
    tree = LexborHTMLParser(_decoded(data, path))
    tree.strip_tags(_NEVER_TEXT)
    pieces = drop_furniture(list(_Walk(_main(tree)).pieces()))
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
    tree.strip_tags(_NEVER_TEXT)
    body = tree.body
    return list(_Walk(body).pieces()) if body is not None else []


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
    for selector in ("main", "[role=main]", "article"):
        found = max(tree.css(selector), key=lambda node: len(node.text()), default=None)
        if found is not None and len(found.text()) >= MAIN_SHARE * total:
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


class _Walk:
    """One pass over the elements of a page."""

    def __init__(self, root: LexborNode | None) -> None:
        self._root = root
        self._whole = len(root.text()) if root is not None else 0
        self._pieces: list[Piece] = []
        self._words: list[str] = []
        self._heading = 0
        self._depth = 0
        self._starts_list = self._starts_item = False

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces of the page in reading order."""
        if self._root is not None:
            self._children(self._root, 0)
            self._flush()
        yield from self._pieces

    def _children(self, node: LexborNode, depth: int) -> None:
        for child in node.iter(include_text=True):
            if child.tag == "-text":
                self._words.append(child.text(deep=False) or "")
            elif depth > DEEPEST:
                self._words.append(child.text() or "")
            elif not self._is_dropped(child):
                self._element(child, depth + 1)

    def _element(self, node: LexborNode, depth: int) -> None:
        tag = node.tag or ""
        if tag == "br":
            self._words.append(" ")
        elif tag in _HEADINGS:
            self._flush()
            self._heading = _HEADINGS[tag]
            self._children(node, depth)
            self._flush()
            self._heading = 0
        elif tag in ("ul", "ol"):
            self._list(node, depth)
        elif tag == "li":
            self._flush()
            self._starts_item = True
            self._children(node, depth)
            self._flush()
        elif tag == "table":
            self._table(node, depth)
        elif tag in _BLOCKS:
            self._flush()
            self._children(node, depth)
            self._flush()
        else:
            self._children(node, depth)

    def _list(self, node: LexborNode, depth: int) -> None:
        self._flush()
        self._depth += 1
        self._starts_list = True
        self._children(node, depth)
        self._flush()
        self._depth -= 1
        self._starts_item = False

    def _table(self, node: LexborNode, depth: int) -> None:
        """Write a table out by rows; a table that only lays the page out is read like any other element."""
        self._flush()
        rows = [row for row in node.css("tr") if row.css("td, th")]
        cells = [[cell.text(separator=" ") for cell in row.css("td, th")] for row in rows]
        if len(node.css("table")) > 1 or max(map(len, cells), default=0) < 2:
            self._children(node, depth)
            self._flush()
            return
        headed = bool(rows[0].css("th")) and not rows[0].css("td")
        self._pieces += [Piece(BlockKind.TABLE_ROW, row) for row in rows_as_text(cells, headed=headed)]

    def _flush(self) -> None:
        """End the text that has been gathered: it becomes a heading, an item or a paragraph."""
        text = squeeze("".join(self._words))
        self._words.clear()
        if not text:
            return
        if self._heading and not self._depth:
            self._pieces.append(Piece(BlockKind.HEADING, text, level=self._heading))
        elif self._depth and self._starts_item:
            self._pieces.append(Piece(BlockKind.LIST_ITEM, text, level=self._depth, starts_list=self._starts_list))
            self._starts_item = self._starts_list = False
        else:
            self._pieces.append(Piece(BlockKind.PARAGRAPH, text, continues=self._depth > 0))

    def _is_dropped(self, node: LexborNode) -> bool:
        tag, attributes = node.tag or "", node.attributes
        if tag.startswith(("-", "!")) or tag in _DROPPED:
            return True
        hidden = "hidden" in attributes or attributes.get("aria-hidden") == "true"
        if hidden or _HIDDEN_STYLE.search(attributes.get("style") or ""):
            return True
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".split()
        noisy = (attributes.get("role") or "") in _DROPPED_ROLES or any(map(_NOISE.fullmatch, names))
        return noisy and len(node.text()) < WHOLE_SHARE * self._whole
