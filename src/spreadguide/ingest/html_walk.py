"""One pass over the elements of a page: its headings, lists, tables and paragraphs, in reading order."""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from spreadguide.ingest.builder import Piece
from spreadguide.ingest.html_tables import is_layout, table_pieces
from spreadguide.text import squeeze
from spreadguide.types import BlockKind

DEEPEST = 200
"""Elements nested deeper than this are read as plain text: no page needs it, and each level costs stack."""

DEEPEST_HEADING = 6

WHOLE_SHARE = 0.5
"""An element with more than this share of the text is content, whatever its tag or class says."""

BUTTON_WORDS = 3
"""A button that opens a panel and has so many words is the panel's heading; "Show more" is not."""

NEVER_TEXT = ["script", "style", "noscript", "template", "iframe", "object", "svg"]
"""Taken out before anything is read, so that no short cut through an element's text can meet them."""

_DROPPED = frozenset("embed canvas audio video input select textarea button head title link meta map".split())
_FURNITURE_TAGS = frozenset("nav footer dialog menu form".split())
_BLOCKS = frozenset(
    """address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form header
    hgroup hr html main p pre section summary table caption thead tbody tfoot tr td th""".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_FURNITURE_ROLES = frozenset("navigation banner contentinfo search dialog alertdialog menu".split())
_FURNITURE_NAME = re.compile(
    r"""(?:cookies?|consent|gdpr|breadcrumbs?|share|sharing|social|related|newsletter|sidebar|side-bar|comments?|promo
    |advert|advertisement|popup|modal|pagination|pager|nav|navbar|navigation|menu|skip-?link|subscribe|toolbar|feedback
    |widget-area|respond)s?
    |(?:cookies?|consent|gdpr|share|related|newsletter|comments?|skip-?link|pagination)[-_].*
    |.*[-_](?:cookies?|cookie-?banner|cookiebanner|breadcrumbs?|share|sharing|newsletter|sidebar|nav|navigation|feedback
    |contents-list|related-navigation|social-share)""",
    re.IGNORECASE | re.VERBOSE,
)
"""Class names and ids of page furniture; a looser pattern takes content with it on real pages."""

_PANEL_NAME = re.compile(r"accordion|panel|tab|collaps|expand|toggle|details", re.IGNORECASE)
_NOTES_NAME = re.compile(r"(?:foot|end)-?notes?(?:[-_]list)?", re.IGNORECASE)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BACK_LINK = re.compile(r"[\s↩↑^︎]+")
_UNIT = re.compile(r"(?:^|[\d\s(/])(?:[kcmdµ]?m|ft|in|kg/m|s)$")
_NUMBER = re.compile(r"[\d,–-]+")
_BREAK = "\x01"
"""Stands for a line break among the gathered words; two of them end a paragraph."""


@dataclass(frozen=True, slots=True)
class Walked:
    """The pieces of a page in reading order, and the places among them of its foot- and endnotes."""

    pieces: list[Piece]
    notes: frozenset[int]


def walk(root: LexborNode | None, *, strict: bool = False, by_name: bool = True) -> Walked:
    """Return the pieces of ``root``, page furniture left out as far as tags, roles and class names tell it.

    ``strict`` drops side notes and page headers too: for pages where nothing else tells content from furniture.
    Without ``by_name``, class names and ids are not looked at: on some pages they lie.
    """
    passed = _Walk(root, strict=strict, by_name=by_name)
    return Walked(passed.pieces(), frozenset(passed.notes))


class _Walk:
    """The state of one pass."""

    def __init__(self, root: LexborNode | None, *, strict: bool, by_name: bool) -> None:
        self._root = root
        self._by_name = by_name
        self._whole = len(root.text()) if root is not None else 0
        self._furniture = _FURNITURE_TAGS | {"aside", "header"} if strict else _FURNITURE_TAGS
        self._pieces: list[Piece] = []
        self._words: list[str] = []
        self._heading = 0
        self._last_heading = 1
        self._depth = 0
        self._term = ""
        self._starts_list = self._starts_item = False
        self.notes: set[int] = set()

    def pieces(self) -> list[Piece]:
        """Return the pieces of the page in reading order."""
        if self._root is not None:
            self._children(self._root, 0)
            self._flush()
        return self._pieces

    def _children(self, node: LexborNode, depth: int) -> None:
        for child in node.iter(include_text=True):
            if child.tag == "-text":
                self._words.append(child.text(deep=False) or "")
            elif depth > DEEPEST:
                self._words.append(child.text() or "")
            elif _is_panel_button(child):
                self._part(child, depth, heading=min(self._last_heading + 1, DEEPEST_HEADING))
            elif _holds_notes(child):
                first = len(self._pieces)
                self._part(child, depth, heading=self._heading)
                self.notes.update(range(first, len(self._pieces)))
            elif not self._is_dropped(child):
                self._element(child, depth + 1)

    def _element(self, node: LexborNode, depth: int) -> None:
        tag = node.tag or ""
        if tag == "br":
            self._break()
        elif tag in _HEADINGS:
            self._part(node, depth, heading=_HEADINGS[tag])
        elif tag in ("ul", "ol"):
            self._list(node, depth)
        elif tag == "li":
            self._flush()
            self._starts_item = self._depth > 0
            self._children(node, depth)
            self._flush()
        elif tag == "table":
            self._table(node, depth)
        elif tag in ("dt", "dd"):
            self._definition(node, depth)
        elif tag in _BLOCKS:
            self._part(node, depth, heading=self._heading)
        elif not (tag == "sup" and self._is_note_mark(node)):
            self._children(node, depth)

    def _part(self, node: LexborNode, depth: int, heading: int) -> None:
        """Read an element that stands on lines of its own."""
        self._flush()
        outer, self._heading = self._heading, heading
        self._children(node, depth)
        self._flush()
        self._heading = outer

    def _break(self) -> None:
        """A line break is a space; two of them end the paragraph, as old pages and e-mails have it."""
        if self._words and _BREAK in self._words[-1]:
            self._flush()
        else:
            self._words.append(_BREAK)

    def _list(self, node: LexborNode, depth: int) -> None:
        """A list whose items have headings only lays the page out: it is read like any other element."""
        if node.css_first("li h1, li h2, li h3, li h4, li h5, li h6") is not None:
            self._part(node, depth, heading=self._heading)
            return
        self._flush()
        self._depth += 1
        self._starts_list = True
        self._children(node, depth)
        self._flush()
        self._depth -= 1
        self._starts_item = False

    def _table(self, node: LexborNode, depth: int) -> None:
        """Write a table out by rows; a table that only lays the page out is read like any other element."""
        if is_layout(node):
            self._part(node, depth, heading=self._heading)
            return
        self._flush()
        self._pieces += table_pieces(node)

    def _definition(self, node: LexborNode, depth: int) -> None:
        """Put a term before what is said of it, so that neither is read without the other."""
        self._flush()
        if node.tag == "dt":
            self._term = squeeze(node.text(separator=" ")).rstrip(":")
            return
        if self._term:
            self._words.append(f"{self._term}: ")
            self._term = ""
        self._part_open(node, depth)

    def _part_open(self, node: LexborNode, depth: int) -> None:
        self._children(node, depth)
        self._flush()

    def _flush(self) -> None:
        """End the text that has been gathered: it becomes a heading, an item or a paragraph."""
        text = squeeze("".join(self._words).replace(_BREAK, " "))
        self._words.clear()
        if not text:
            return
        if self._heading and not self._depth:
            self._last_heading = self._heading
            self._pieces.append(Piece(BlockKind.HEADING, text, level=self._heading))
        elif self._depth and self._starts_item:
            self._pieces.append(Piece(BlockKind.LIST_ITEM, text, level=self._depth, starts_list=self._starts_list))
            self._starts_item = self._starts_list = False
        else:
            self._pieces.append(Piece(BlockKind.PARAGRAPH, text, continues=self._depth > 0))

    def _is_note_mark(self, node: LexborNode) -> bool:
        """Whether a raised text is the mark of a note: left in, "17²" would read as another number.

        Powers of ten, and units of area, are written out instead.
        """
        text = squeeze(node.text())
        if not _NUMBER.fullmatch(text.strip("[]()")):
            return not text
        before = "".join(self._words[-3:])
        if node.css_first("a") is None and before.endswith("10") and not before[-3:-2].isdigit():
            self._words.append("^")
            return False
        return node.css_first("a") is not None or not _UNIT.search(before)

    def _is_dropped(self, node: LexborNode) -> bool:
        tag, attributes = node.tag or "", node.attributes
        if tag.startswith(("-", "!")):
            return True
        if tag in _DROPPED:
            return not (tag == "button" and self._heading)
        if tag == "a":
            return bool(_BACK_LINK.fullmatch(node.text()))
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".split()
        if _is_hidden(node) and not any(map(_PANEL_NAME.search, names)):
            return True
        role = attributes.get("role") or ""
        named = self._by_name and any(map(_FURNITURE_NAME.fullmatch, names))
        noisy = named or tag in self._furniture or role in _FURNITURE_ROLES
        return noisy and len(node.text()) < WHOLE_SHARE * self._whole


def _holds_notes(node: LexborNode) -> bool:
    """Whether an element holds the page's foot- or endnotes."""
    attributes = node.attributes
    names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".split()
    in_block = node.tag in ("div", "section", "aside")
    return in_block and (attributes.get("role") == "doc-endnotes" or any(map(_NOTES_NAME.fullmatch, names)))


def _is_hidden(node: LexborNode) -> bool:
    """Whether an element does not show. Panels that a click opens do not either, but they are content."""
    attributes = node.attributes
    hidden = "hidden" in attributes or attributes.get("aria-hidden") == "true"
    return hidden or bool(_HIDDEN_STYLE.search(attributes.get("style") or ""))


def _is_panel_button(node: LexborNode) -> bool:
    """Whether a button is the heading of a panel that it opens, and does not stand in a heading already."""
    if node.tag != "button" or not ({"aria-expanded", "aria-controls"} & set(node.attributes)):
        return False
    above = node.parent
    return len(node.text().split()) >= BUTTON_WORDS and (above is None or above.tag not in _HEADINGS)
