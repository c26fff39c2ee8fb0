"""What a file is, by its content: names and headers from the web are often wrong."""

from __future__ import annotations

import codecs
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import filetype

HEAD = 8192
"""Bytes of a file that are looked at; `filetype` needs no more."""

_PDF_MARK_WITHIN = 1024
"""How far into the file the mark of a PDF may stand, as readers of PDF have always allowed."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file in plain words, and the endings under which the readers know it; none if they cannot read it."""

    words: str
    endings: tuple[str, ...] = ()


PDF = Kind("a PDF", (".pdf",))
WORD = Kind("a Word file", (".docx",))
SLIDES = Kind("a PowerPoint file", (".pptx",))
PAGE = Kind("a web page", (".html", ".htm"))
TEXT = Kind("plain text", (".txt", ".md"))
KINDS = (PDF, WORD, SLIDES, PAGE, TEXT)

_PARTS = {"word/document.xml": WORD, "ppt/presentation.xml": SLIDES}
"""The part without which an archive is no file of that kind."""

_FAMILIES = {"image": "a picture", "video": "a film", "audio": "a sound recording", "font": "a font"}
_OTHERS = {
    "application/zip": "a ZIP archive",
    "application/gzip": "a packed archive",
    "application/epub+zip": "an e-book",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "an Excel file",
}
_OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_UNKNOWN = "a kind of file that is not known here"

_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text holds: the "binary data bytes" of the WHATWG standard for MIME sniffing."""

_OPENING = re.compile(r"\s*(?:<!--.*?-->\s*|<\?xml[^>]*\?>\s*)*", re.DOTALL)
_HTML = re.compile(
    r"<(?:!doctype\s+html|html|head|body|title|script|style|meta|link|iframe|div|table|h1|p|a|b|br|font)(?=[\s/>])",
    re.IGNORECASE,
)
"""How a page begins: the list of the WHATWG standard, with the elements that belong into a head."""

_JSON = re.compile(r'\s*(?:\{\s*["}]|\[\s*\{)')


def kind_of(file: Path) -> Kind:
    """Return the kind of a whole file."""
    with file.open("rb") as stream:
        head = stream.read(HEAD)
    return _archive(file) if head.startswith(b"PK") else kind_of_head(head)


def kind_of_head(head: bytes) -> Kind:
    """Return the kind by the first `HEAD` bytes; an archive may still turn out to be a Word or PowerPoint file."""
    if not head.strip():
        return Kind("nothing")
    if b"%PDF-" in head[:_PDF_MARK_WITHIN]:
        return PDF
    if head.startswith(_OLE_MARK):
        return Kind("an Office file of the old kind, or one with a password")
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if utf16 or not _CONTROLS.search(head):
        return _text_kind(head.decode("utf-16", "replace") if utf16 else head.decode("latin-1"))
    # Only now: some marks are two letters long, and a text that begins with "BMJ" is no BMP picture.
    mime = filetype.guess_mime(head) or ""
    return Kind(_OTHERS.get(mime) or _FAMILIES.get(mime.partition("/")[0]) or _UNKNOWN)


def kind_of_ending(ending: str) -> Kind | None:
    """Return the kind that files with ``ending`` are of."""
    return next((kind for kind in KINDS if ending in kind.endings), None)


def _archive(file: Path) -> Kind:
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return Kind("a damaged archive")
    found = next((kind for part, kind in _PARTS.items() if part in names), None)
    return found or Kind("an Excel file" if "xl/workbook.xml" in names else "a ZIP archive")


def _text_kind(text: str) -> Kind:
    """Tell pages, data and plain text apart; Latin-1 is enough to see tags, whatever the encoding."""
    text = text.removeprefix(codecs.BOM_UTF8.decode("latin-1"))
    opening = _OPENING.match(text)
    if _HTML.match(text, opening.end() if opening else 0):
        return PAGE
    start = text.lstrip()
    if start.startswith("{\\rtf"):
        return Kind("an RTF file")
    if start.startswith(("<?xml", "<svg")):
        return Kind("data for programs (XML)")
    return Kind("data for programs (JSON)") if _JSON.match(text) else TEXT
