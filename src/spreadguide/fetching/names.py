"""File names from the web: what a server or an address suggests becomes a plain name without any path."""

from __future__ import annotations

import unicodedata
from email.message import Message
from urllib.parse import unquote

import httpx
from pathvalidate import sanitize_filename

NAME_BYTES = 120
"""Longest name in bytes of UTF-8, without its ending: still readable in a list, and every disk takes it."""


def suggested_name(url: httpx.URL, disposition: str) -> str:
    """Return the name, cleaned, that the header Content-Disposition gives, else the address, else the host."""
    for candidate in (_from_header(disposition), unquote(url.path), url.host):
        if name := clean_name(candidate):
            return name
    return "report"


def clean_name(name: str) -> str:
    """Return the last part of a path as a name that is safe on every system, in any language; empty if nothing is left.

    No separators, control or invisible characters, brackets or signs that Windows or a terminal reads as something
    else; no hidden name (leading dot), no name of a device, no lock file of Office (leading ``~$``).
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    visible = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C")
    plain = " ".join(visible.translate(_BRACKETS).split()).strip(". ").lstrip("~$. ")
    stem, dot, ending = plain.rpartition(".")
    short = f"{_cut(stem)}{dot}{_cut(ending)}" if stem else _cut(plain)
    return sanitize_filename(short, platform="universal").strip(". ").lstrip("~$. ")


_BRACKETS = str.maketrans("[]", "()")


def _cut(text: str) -> str:
    return text.encode("utf-8")[:NAME_BYTES].decode("utf-8", "ignore").strip(". ")


def _from_header(disposition: str) -> str:
    """Return the file name in a Content-Disposition header (RFC 6266), in either of its spellings."""
    message = Message()
    message["Content-Disposition"] = disposition
    return message.get_filename() or ""
