"""Reads PDF: starts the worker process, and makes paragraphs, headings and lists of the lines it returns."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spreadguide.errors import UnreadableDocument
from spreadguide.ingest.limits import IngestLimits
from spreadguide.ingest.outline import to_pieces
from spreadguide.ingest.pdf_layout import Line, Page, paragraphs
from spreadguide.ingest.reading import Reading
from spreadguide.text import normalise, squeeze

WORKER = Path(__file__).with_name("pdf_worker.py")
"""Started as a file, not as a module of the package: it then loads only pdfminer, in half the time."""

INDENT_TOLERANCE = 4.0
"""Points; bullets of one list drift by about one, and levels are at least a centimetre (28 points) apart."""

_LIGATURES = str.maketrans(
    {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st"}
)
"""Two or three letters drawn as one sign; nobody types them so."""

_JUNK_TITLES = (".doc", ".pdf", ".indd", ".ppt", "microsoft word", "untitled", "powerpoint")


def read_pdf(data: bytes, path: str, limits: IngestLimits) -> Reading:
    """Read a PDF; raises `UnreadableDocument` when it is encrypted or damaged, or holds no text."""
    pages, end, timed_out = _extract(data, limits)
    reason = end.get("end")
    if reason == "encrypted":
        raise UnreadableDocument(
            f"{path} is protected by a password.", hint="Save a copy without the password, and put that in the folder."
        )
    if not any(page.lines for page in pages):
        message, hint = _no_text(path, reason, timed_out=timed_out, limits=limits)
        raise UnreadableDocument(message, hint=hint)
    warnings = tuple(_incomplete(pages, end, timed_out=timed_out, limits=limits))
    pieces = to_pieces(paragraphs(pages), INDENT_TOLERANCE)
    return Reading(tuple(pieces), fallback_title=_usable_title(str(end.get("title", ""))), warnings=warnings)


def _extract(data: bytes, limits: IngestLimits) -> tuple[list[Page], dict[str, Any], bool]:
    """Return the pages the worker managed, its closing object (empty when it died), and whether time ran out."""
    bounds = (limits.pdf_pages, limits.pdf_memory_bytes, int(limits.pdf_seconds) + 1)
    # -P: without it, the modules beside the worker would be imported in place of the library's of the same name.
    command = [sys.executable, "-P", str(WORKER), *map(str, bounds)]
    timed_out = False
    try:
        output = subprocess.run(  # noqa: S603 - no argument comes from the file
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limits.pdf_seconds,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired as expired:
        output, timed_out = expired.stdout or b"", True
    pages: list[Page] = []
    end: dict[str, Any] = {}
    for line in output.split(b"\n")[:-1]:  # a line that the worker did not finish is left out
        value = json.loads(line)
        if "end" in value:
            end = value
        else:
            pages.append(_page(value))
    return pages, end, timed_out


def _page(value: dict[str, Any]) -> Page:
    lines = [Line(squeeze(normalise(text.translate(_LIGATURES))), *rest) for text, *rest in value["lines"]]
    return Page(value["page"], value["height"], tuple(line for line in lines if line.text))


def _no_text(path: str, reason: object, *, timed_out: bool, limits: IngestLimits) -> tuple[str, str]:
    """Return message and hint for a PDF without any text that could be read."""
    if timed_out:
        return f"{path} could not be read within {limits.pdf_seconds:g} seconds.", "Raise the limit (pdf_seconds)."
    if reason == "memory":
        return (
            f"{path} needs too much memory to be read.",
            "Save it again from a PDF viewer, or raise the setting pdf_memory_megabytes.",
        )
    if reason == "done":
        return f"{path} holds no text.", "It may be a scan: run text recognition (OCR) on it first."
    return f"{path} is damaged, or not a PDF.", "Open it in a PDF viewer and save it again, or remove it."


def _incomplete(pages: Sequence[Page], end: dict[str, Any], *, timed_out: bool, limits: IngestLimits) -> list[str]:
    """Say how much of the file was read, where that is not all of it."""
    read = f"Only the first {len(pages)} pages were read"
    if timed_out:
        return [f"{read}: {limits.pdf_seconds:g} seconds were over. Raise the limit (pdf_seconds)."]
    if end.get("end") == "memory":
        return [f"{read}: the rest needs too much memory. Raise the setting pdf_memory_megabytes."]
    if not end:
        return [f"{read}: the rest is damaged. Open the file in a PDF viewer and save it again."]
    return [f"{read}: that is the limit. Raise it (pdf_pages)."] if end["pages"] > len(pages) else []


def _usable_title(title: str) -> str:
    """Return the title in the file's properties, unless a program wrote a file name there."""
    clean = squeeze(normalise(title))
    return "" if any(junk in clean.lower() for junk in _JUNK_TITLES) else clean
