"""Word's lists: which numbering a paragraph has, how deep it stands, and where a list starts anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from docx.oxml.ns import qn

INDENT_TOLERANCE = 100
"""Twentieths of a point; levels of a list are at least a quarter of an inch (360) apart."""

NO_LIST = "0"
"""The numbering id by which a paragraph says that it has none, whatever its style says."""


def value(element: Any, where: str, attribute: str = "w:val") -> str | None:
    """Return an attribute of the first element at ``where``, a path such as ``w:pPr/w:numPr``."""
    found = element.find("/".join(map(qn, where.split("/"))))
    return None if found is None else found.get(qn(attribute))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list item stands: its list, the level Word gives it, its indent, whether it has a number."""

    key: str
    level: int
    indent: int
    ordered: bool


class Numbering:
    """What the file's numbering part says: for each list, its pattern, and the indent of each level."""

    def __init__(self, root: Any | None) -> None:
        self._patterns: dict[str, Any] = {}
        self._lists: dict[str, Any] = {}
        if root is not None:
            self._patterns = {node.get(qn("w:abstractNumId")): node for node in root.findall(qn("w:abstractNum"))}
            self._lists = {node.get(qn("w:numId")): node for node in root.findall(qn("w:num"))}

    def key(self, number: str, level: int) -> str:
        """Name the list: those of one pattern are one list, unless one of them starts to count again."""
        node = self._lists.get(number)
        if node is None:
            return number
        pattern = value(node, "w:abstractNumId") or ""
        for override in node.findall(qn("w:lvlOverride")):
            restarts = override.find(qn("w:startOverride")) is not None
            if override.get(qn("w:ilvl")) == str(level) and restarts:
                return f"{pattern}/{number}"
        return pattern

    def level(self, number: str, level: int) -> Any | None:
        """Return the definition of one level of a list."""
        node = self._lists.get(number)
        if node is None:
            return None
        for override in node.findall(qn("w:lvlOverride")):
            own = override.find(qn("w:lvl"))
            if override.get(qn("w:ilvl")) == str(level) and own is not None:
                return own
        pattern = self._patterns.get(value(node, "w:abstractNumId") or "")
        levels = [] if pattern is None else pattern.findall(qn("w:lvl"))
        return next((found for found in levels if found.get(qn("w:ilvl")) == str(level)), None)


def find_place(element: Any, styles: list[Any], numbering: Numbering) -> Place | None:
    """Return where a paragraph stands in a list, or nothing where it has no number or bullet of its own.

    ``styles`` are the elements of its style and of those the style is based on.
    """
    source = next((node for node in (element, *styles) if value(node, "w:pPr/w:numPr/w:numId")), None)
    if source is None:
        return None
    number = value(source, "w:pPr/w:numPr/w:numId") or NO_LIST
    if number == NO_LIST:
        return None
    stated = value(element, "w:pPr/w:numPr/w:ilvl") or value(source, "w:pPr/w:numPr/w:ilvl") or "0"
    level = int(stated) if stated.isdigit() else 0
    definition = numbering.level(number, level)
    # Word's order: the paragraph itself, then whatever brought the numbering in, then the other of the two.
    nodes = [element, definition, *styles] if source is element else [element, *styles, definition]
    indent = next((found for node in nodes if node is not None for found in _indents(node)), level * 360)
    ordered = definition is not None and value(definition, "w:numFmt") not in ("bullet", "none", None)
    return Place(numbering.key(number, level), level, indent, ordered)


def indent_of(element: Any, styles: list[Any]) -> int:
    """Return a paragraph's left indent, in twentieths of a point."""
    return next((found for node in (element, *styles) for found in _indents(node)), 0)


def _indents(node: Any) -> Iterator[int]:
    for name in ("w:left", "w:start"):
        text = value(node, "w:pPr/w:ind", name) or ""
        if text.lstrip("-").isdigit():
            yield int(text)
            return


class OpenLists:
    """The lists that are open at one place of the text, the outermost first."""

    def __init__(self) -> None:
        self._stack: list[Place] = []

    def close(self) -> None:
        """End all lists: a heading, a table or plain text follows."""
        self._stack.clear()

    def item(self, place: Place) -> tuple[int, bool]:
        """Return the depth of an item (1 is outermost) and whether it starts a list anew; it joins the open lists.

        Levels count within one list, indents between lists. A list that other bullets carry on at the same
        indent is one list; one with other numbers is not.
        """
        starts = not any(outer.key == place.key for outer in self._stack)
        while self._stack:
            top = self._stack[-1]
            if top.key == place.key:
                if top.level < place.level:
                    self._stack.append(place)
                    return len(self._stack), False
                if top.level == place.level:
                    return len(self._stack), False
            elif not any(outer.key == place.key for outer in self._stack):
                if place.indent > top.indent + INDENT_TOLERANCE:
                    self._stack.append(place)
                    return len(self._stack), False
                if place.indent >= top.indent - INDENT_TOLERANCE:
                    self._stack[-1] = place
                    return len(self._stack), top.ordered or place.ordered
            self._stack.pop()
        self._stack.append(place)
        return 1, starts

    def continues(self, indent: int) -> bool:
        """Whether a paragraph at ``indent`` belongs to the item above it; if not, all lists end."""
        while self._stack and self._stack[-1].indent > indent + INDENT_TOLERANCE:
            self._stack.pop()
        if indent <= 0:
            self._stack.clear()
        return bool(self._stack)
