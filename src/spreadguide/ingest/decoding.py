"""Bytes to text, whatever encoding an office, a browser or an old system saved them in."""

from __future__ import annotations

import codecs
import logging

import charset_normalizer

from spreadguide.errors import UnreadableDocument

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Longest first where one begins with another."""

_WESTERN = "cp1252"
"""What Windows in western Europe saves text in; it contains all printable characters of Latin-1."""

SAMPLE_BYTES = 65_536
"""How much of a file is looked at to guess its encoding; the guess does not improve with more."""

UTF16_ZERO_SHARE = 0.3
"""English in UTF-16 has a zero in nearly every second byte; a binary file has them on both sides."""

CONTROL_SHARE = 0.02
"""Share of control characters above which a file is no text; real text has next to none."""

_TEXT_CONTROLS = frozenset("\t\n\r\x0b\x0c\x85")

logging.getLogger("charset_normalizer").setLevel(logging.WARNING)


def decode(data: bytes, path: str) -> str:
    """Return the text of ``data``: by its byte-order mark, else as UTF-8, else by the likeliest encoding.

    Raises `UnreadableDocument` when the bytes are no text.
    """
    if not data.strip():
        raise UnreadableDocument(f"{path} is empty.", hint="Check the file, or remove it from the folder.")
    text = _decoded(data)
    if text is None or _is_binary(text[:SAMPLE_BYTES]):
        raise UnreadableDocument(
            f"{path} is not a text file, although its name says so.",
            hint="Save it as plain text in UTF-8, or give it the ending of what it really is.",
        )
    return text


def _decoded(data: bytes) -> str | None:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    encoding = _utf16_without_mark(data[:SAMPLE_BYTES])
    if encoding:
        return data.decode(encoding, errors="replace")
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_guess(data), errors="replace")


def _utf16_without_mark(sample: bytes) -> str:
    """Name the UTF-16 form that ``sample`` is in, or return an empty string."""
    half = len(sample) // 2
    if not half:
        return ""
    even, odd = sample[0::2].count(0) / half, sample[1::2].count(0) / half
    if odd > UTF16_ZERO_SHARE and even < CONTROL_SHARE:
        return "utf-16-le"
    return "utf-16-be" if even > UTF16_ZERO_SHARE and odd < CONTROL_SHARE else ""


def _guess(data: bytes) -> str:
    """Return the likeliest encoding of text that is not UTF-8; western European wins a tie."""
    first = next((place for place, byte in enumerate(data) if byte > 127), 0)
    start = max(0, first - SAMPLE_BYTES // 2)
    matches = charset_normalizer.from_bytes(data[start : start + SAMPLE_BYTES])
    names = {name for match in matches for name in (match.encoding, *match.could_be_from_charset)}
    best = matches.best()
    return _WESTERN if best is None or names & {_WESTERN, "latin_1"} else best.encoding


def _is_binary(sample: str) -> bool:
    controls = sum(1 for c in sample if (ord(c) < 32 or ord(c) == 127) and c not in _TEXT_CONTROLS)
    return controls / max(1, len(sample)) > CONTROL_SHARE
