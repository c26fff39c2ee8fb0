"""Finds what a document says about itself beyond who wrote it and when: licence, edition, DOI, kind of evidence.

A wrong value is worse than none, because it is shown with every citation. So each is read only where the document
says it in so many words, about itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from spreadguide.ingest.builder import Piece
from spreadguide.ingest.catalogue import Entry
from spreadguide.ingest.evidence_kind import stated_kind
from spreadguide.text import sentences
from spreadguide.types import BlockKind

LINE_CHARACTERS = 300
"""A line that gives the DOI or the edition is one line; a citation with many authors is the longest."""

LICENCE_CHARACTERS = 1500
"""A paragraph of small print with a licence in it is shorter; a longer one is a section about licences."""

_NUMBER = r"(?:v\.?\s?)?\d{1,3}(?:\.\d{1,3}){0,3}[a-z]?"
_ORDINAL = (
    r"(?:\d{1,2}(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|revised|new|updated)"
)
_DATE_AFTER = r"(?:\s*[,:(–—-]\s*[^.;]{0,20}\b(?:19|20)\d\d\)?)?"
_EDITION_LINE = re.compile(
    rf"(?:document\s+)?(?P<edition>(?:version(?:\s+(?:number|no\.?))?|edition|issue)\s*:?\s*{_NUMBER}"
    rf"|v\s?\d{{1,3}}(?:\.\d{{1,3}}){{0,3}}|{_ORDINAL}\s+edition){_DATE_AFTER}\.?",
    re.IGNORECASE,
)
_EDITION_IN_TITLE = re.compile(
    rf"(?:[(\[,:–—-]\s*)(?P<edition>{_ORDINAL}\s+edition|version\s+{_NUMBER})[)\]]?$", re.IGNORECASE
)

_DOI = re.compile(
    r"(?:https?://(?:dx\.)?doi\.org/|\bdoi(?:\.org/|\s*[:=]?\s*))(10\.\d{4,9}/[^\s\"<>|,;]+)", re.IGNORECASE
)
_OTHER_WORK = re.compile(
    r"\b(?:full\s+reference|references?|see|linked\s+to|comment\s+on|correction\s+to|supplement)\b", re.I
)
_ADDRESS_LINE = re.compile(
    r"(?:(?:this\s+(?:report|publication|document|guide|paper)\s+is\s+)?available\s+(?:online\s+)?(?:at|from)"
    r"|(?:web\s*)?address|url|web\s*(?:page|link))\s*:?\s*(?P<url>https?://[^\s<>\"]+?)\.?",
    re.IGNORECASE,
)

_OWN_WORK = (
    r"(?:article|paper|work|report|publication|document|guide|guidance|brief(?:ing)?|review|study|book|toolkit|manual"
    r"|policy|framework|page|website|resource)"
)
_LICENSED = re.compile(
    rf"^(?:open\s+access\s*[.:]?\s*)?(?:©[^.]{{0,120}}[.,]?\s*)?(?:"
    rf"(?:except\s+where\s+otherwise\s+(?:noted|stated),\s*)?(?:this|the\s+content\s+of\s+this)\s+"
    rf"(?:is\s+an\s+open[- ]access\s+)?{_OWN_WORK}\b|(?:licen[cs]e|copyright|licen[cs]ed\s+under)\b|©)",
    re.IGNORECASE,
)
"""How a sentence begins that states the licence of the document it stands in."""

_REPRODUCED = re.compile(
    r"\b(?:reproduced|adapted|reprinted|redrawn|taken|tool|data\s+set|image|photo\w*|icons?|figure|table)\b",
    re.IGNORECASE,
)
"""Words before the licence that say it belongs to something else."""

_CREATIVE_COMMONS = re.compile(r"\bcreative\s+commons?\b|\bCC[ -]BY\b|\bCC0\b", re.IGNORECASE)
_OPEN_GOVERNMENT = re.compile(
    r"\bopen\s+government\s+licen[cs]e(?:\s*\(?(?:v(?:ersion)?\.?\s*)?(?P<version>\d(?:\.\d)?))?", re.IGNORECASE
)
_VERSION = re.compile(r"(?:^|[^\d])([1-4]\.0)\b")
_WAIVER = re.compile(r"\bCC0\b|public\s+domain\s+dedication", re.IGNORECASE)
_LICENCE_LINE = re.compile(
    r"(?:licen[cs]ed?(?:\s+under)?\s*:?\s*)?(?:the\s+)?(?:(?:a\s+)?creative\s+commons\b.{0,100}|CC[ -]BY\b.{0,40}"
    r"|CC0\b.{0,20}|open\s+government\s+licen[cs]e.{0,30})",
    re.IGNORECASE,
)
"""A line that only names the licence."""


def find_statements(pieces: Sequence[Piece], front: int) -> Entry:
    """Return licence, edition, DOI or address and kind of evidence, as the document states them.

    The licence may stand anywhere, because it often stands at the end; all else must be among the first ``front``
    pieces.
    """
    top = pieces[:front]
    doi = _doi(top)
    return Entry(
        licence=next(filter(None, (licence_in(piece.text) for piece in pieces)), None),
        edition=_edition(top),
        url=f"https://doi.org/{doi}" if doi else _address(top),
        kind=stated_kind(top),
    )


def licence_in(text: str) -> str | None:
    """Return the licence that a paragraph states for the document it stands in, in its short form.

    Other works have licences too (a figure, a tool, a data set): a sentence counts only when it begins with the
    document itself, and nothing in the paragraph says that it was taken from elsewhere.
    """
    if len(text) > LICENCE_CHARACTERS or not (_CREATIVE_COMMONS.search(text) or _OPEN_GOVERNMENT.search(text)):
        return None
    if _LICENCE_LINE.fullmatch(text):
        return _short_licence(text)
    found = None
    for span in sentences(text):
        sentence = text[span.start : span.end]
        if _REPRODUCED.search(sentence[: sentence.lower().find("licen")]):
            return found
        if found is None and _LICENSED.match(sentence):
            # The version often follows a full stop: "Attribution 4.0" or "(CC BY 4.0)" is split by some layouts.
            found = _short_licence(sentence)
    return found


def _short_licence(text: str) -> str | None:
    """Return the name that a licence is known by, such as "CC BY-NC 4.0"; none where its terms are not said."""
    if match := _OPEN_GOVERNMENT.search(text):
        return "Open Government Licence" + (f" v{float(match['version']):.1f}" if match["version"] else "")
    if not _CREATIVE_COMMONS.search(text):
        return None
    if _WAIVER.search(text):
        return "CC0 1.0"
    plain = re.sub(r"[\s_-]+", "-", text.lower())
    if "attribution" not in plain and "cc-by" not in plain:
        return None
    parts = ["CC BY"]
    for code, words in (("NC", "non-?commercial|by-nc"), ("ND", "no-?deriv|-nd\\b"), ("SA", "share-?alike|-sa\\b")):
        if re.search(words, plain):
            parts.append(code)
    version = _VERSION.search(text)
    return "-".join(parts) + (f" {version[1]}" if version else "")


def _edition(top: Iterable[Piece]) -> str | None:
    for piece in top:
        if piece.kind is BlockKind.HEADING and piece.level == 1 and (match := _EDITION_IN_TITLE.search(piece.text)):
            return match["edition"]
        if piece.kind is not BlockKind.TABLE_ROW and (match := _EDITION_LINE.fullmatch(piece.text[:LINE_CHARACTERS])):
            return match["edition"]
    return None


def _doi(top: Iterable[Piece]) -> str | None:
    """Return the one DOI near the top; with several, none is certain to be the document's own."""
    found = set()
    for piece in top:
        if len(piece.text) <= LINE_CHARACTERS and not _OTHER_WORK.search(piece.text):
            found |= {match.rstrip(".)]}'’") for match in _DOI.findall(piece.text)}
    return found.pop() if len({doi.lower() for doi in found}) == 1 else None


def _address(top: Iterable[Piece]) -> str | None:
    lines = (_ADDRESS_LINE.fullmatch(piece.text) for piece in top if len(piece.text) <= LINE_CHARACTERS)
    return next((match["url"] for match in lines if match), None)
