"""Reads PDF: starts the worker process, has scans recognised, and makes pieces of the words that come back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spreadguide.errors import UnreadableDocument
from spreadguide.ingest import ocr
from spreadguide.ingest.limits import IngestLimits
from spreadguide.ingest.outline import to_pieces
from spreadguide.ingest.pdf_flow import flow_of
from spreadguide.ingest.pdf_layout import paragraphs
from spreadguide.ingest.pdf_page import Page, page_of
from spreadguide.ingest.pdf_quality import PageState, page_warnings, state_of
from spreadguide.ingest.pdf_turn import as_shown, upright
from spreadguide.ingest.reading import Reading
from spreadguide.text import normalise, squeeze
from spreadguide.types import PageInfo

WORKER = Path(__file__).with_name("pdf_worker.py")
"""Started as a file, not as a module of the package: it then loads only PDFium, in half the time."""

INDENT_TOLERANCE = 4.0
"""Points; bullets of one list drift by about one, and levels are at least a centimetre (28 points) apart."""

_JUNK_TITLES = (".doc", ".pdf", ".indd", ".ppt", "microsoft word", "untitled", "powerpoint")


@dataclass(slots=True)
class _Extract:
    """What the worker managed: pages, its closing object (empty when it died), and whether time ran out."""

    pages: list[Page] = field(default_factory=list)
    end: dict[str, Any] = field(default_factory=dict)
    timed_out: bool = False


@dataclass(slots=True)
class _Recognised:
    """Pages after text recognition, and the numbers of those that it read and of those where it found nothing.

    ``gave_up`` says whether the program failed or ran out of time on one of them.
    """

    pages: list[Page]
    read: list[int] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)
    gave_up: bool = False


def read_pdf(data: bytes, path: str, limits: IngestLimits) -> Reading:
    """Read a PDF; raises `UnreadableDocument` when it is encrypted or damaged, or holds no text."""
    extract = _extract(data, limits)
    if extract.end.get("end") == "encrypted":
        raise UnreadableDocument(
            f"{path} is protected by a password.", hint="Save a copy without the password, and put that in the folder."
        )
    states = {page.number: state_of(page) for page in extract.pages}
    program = ocr.find_program() if limits.ocr_pages else None
    done = _recognise(data, extract.pages, states, program, limits)
    if not any(page.words for page in done.pages):
        message, hint = _no_text(path, extract, limits, reader=program is not None)
        raise UnreadableDocument(message, hint=hint)
    level = [upright(page) for page in done.pages]
    flow = flow_of(level)
    pieces = as_shown(to_pieces(paragraphs(flow.blocks), INDENT_TOLERANCE), level)
    warnings = _incomplete(extract, limits)
    warnings += page_warnings(states, done.read, reader=program is not None, failed=done.empty)
    return Reading(
        tuple(pieces),
        fallback_title=_usable_title(str(extract.end.get("title", ""))),
        warnings=tuple(warnings),
        pages=tuple(
            PageInfo(page.number, flow.labels.get(page.number) or page.label or None, page.width, page.height)
            for page in done.pages
        ),
        complete=not (extract.timed_out or done.gave_up),
    )


def _run_worker(data: bytes, limits: IngestLimits, *task: object) -> tuple[bytes, bool]:
    """Return the worker's output, as far as it came, and whether time ran out."""
    bounds = (limits.pdf_memory_bytes, int(limits.pdf_seconds) + 1)
    # -P: without it, the modules beside the worker would be imported in place of the library's of the same name.
    command = [sys.executable, "-P", str(WORKER), *map(str, (*bounds, *task))]
    try:
        done = subprocess.run(  # noqa: S603 - no argument comes from the file
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limits.pdf_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        return expired.stdout or b"", True
    return done.stdout, False


def _extract(data: bytes, limits: IngestLimits) -> _Extract:
    output, timed_out = _run_worker(data, limits, "read", limits.pdf_pages)
    extract = _Extract(timed_out=timed_out)
    for line in output.split(b"\n")[:-1]:  # a line that the worker did not finish is left out
        value = json.loads(line)
        if "end" in value:
            extract.end = value
        else:
            extract.pages.append(page_of(value))
    return extract


def _recognise(
    data: bytes, pages: Sequence[Page], states: dict[int, PageState], program: str | None, limits: IngestLimits
) -> _Recognised:
    """Read pages without usable text by OCR; where that is not possible, leave them empty."""
    done = _Recognised([])
    for page in pages:
        state = states[page.number]
        if state not in (PageState.SCAN, PageState.BROKEN):
            done.pages.append(page)
            continue
        words = page.words if state is PageState.SCAN else ()
        if program and len(done.read) + len(done.empty) < limits.ocr_pages:
            picture, _ = _run_worker(data, limits, "render", page.number, ocr.DOTS)
            found = ocr.recognise(program, picture, page.width, page.height, limits.ocr_seconds)
            done.gave_up |= found is None
            (done.read if found else done.empty).append(page.number)
            words = tuple(found) if found and len(found) > len(words) else words
        done.pages.append(replace(page, words=words))
    return done


def _no_text(path: str, extract: _Extract, limits: IngestLimits, *, reader: bool) -> tuple[str, str]:
    """Return message and hint for a PDF without any text that could be read."""
    if extract.timed_out:
        return f"{path} could not be read within {limits.pdf_seconds:g} seconds.", "Raise the limit (pdf_seconds)."
    reason = extract.end.get("end")
    if reason == "memory":
        return (
            f"{path} needs too much memory to be read.",
            "Save it again from a PDF viewer, or raise the setting pdf_memory_megabytes.",
        )
    if reason == "done" and extract.pages:
        install = "" if reader else "install Tesseract (on Debian: apt-get install tesseract-ocr), or "
        return f"{path} holds no text.", f"It may be a scan: {install}run text recognition (OCR) on it first."
    return f"{path} is damaged, or not a PDF.", "Open it in a PDF viewer and save it again, or remove it."


def _incomplete(extract: _Extract, limits: IngestLimits) -> list[str]:
    """Say how much of the file was read, where that is not all of it."""
    read = f"Only the first {len(extract.pages)} pages were read"
    if extract.timed_out:
        return [f"{read}: {limits.pdf_seconds:g} seconds were over. Raise the limit (pdf_seconds)."]
    if extract.end.get("end") == "memory":
        return [f"{read}: the rest needs too much memory. Raise the setting pdf_memory_megabytes."]
    if "pages" not in extract.end:
        return [f"{read}: the rest is damaged. Open the file in a PDF viewer and save it again."]
    return [f"{read}: that is the limit. Raise it (pdf_pages)."] if extract.end["pages"] > len(extract.pages) else []


def _usable_title(title: str) -> str:
    """Return the title in the file's properties, unless a program wrote a file name there."""
    clean = squeeze(normalise(title))
    return "" if any(junk in clean.lower() for junk in _JUNK_TITLES) else clean
