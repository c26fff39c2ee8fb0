"""Checks a folder of reports: the catalogue, every file, and the evidence briefs among them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from spreadguide.editions import find_editions
from spreadguide.errors import ConfigError, UnreadableDocument
from spreadguide.ingest import READERS, CorpusFile, IngestLimits, Scan, read_catalogue, read_document
from spreadguide.ingest.catalogue import CATALOGUE_NAME, Entry, reasons
from spreadguide.protocols import Progress
from spreadguide.shelf.body_rules import layout_problems, personal_problems, sentence_problems
from spreadguide.shelf.brief import Brief, read_brief
from spreadguide.shelf.copying import copied_runs, own_parts, titles_of
from spreadguide.shelf.front_rules import front_problems
from spreadguide.shelf.listing import scan_folder, unfetched
from spreadguide.shelf.problems import Problem
from spreadguide.shelf.source_rules import source_problems

STEP = "Checking the reports"

_AT_LINE = re.compile(r"line (\d+)")
_TEXT_ENDINGS = (".txt", ".md")
"""Files whose text is compared as it stands: what cleaning drops can be copied too."""


def check_corpus(
    folder: Path, limits: IngestLimits, *, against: Sequence[Path] = (), progress: Progress | None = None
) -> list[Problem]:
    """Read everything in ``folder`` and return what is wrong, in the order of the files.

    ``against`` names folders (or files) of source texts with which no brief may share a run of ten words. Raises
    `EmptyCorpus` when there is no such folder, and `ConfigError` when one of ``against`` is not there.
    """
    sources = [file for place in against for file in _source_files(place)]
    scan = scan_folder(folder, limits)
    found = [*_catalogue_problems(folder), *_scan_problems(folder, scan)]
    supersedes: dict[str, tuple[str, ...]] = {}
    briefs: list[Brief] = []
    for file in scan.files:
        found += _file_problems(file, supersedes, briefs)
        if progress:
            progress(STEP, len(scan.files), 1)
    found += [_about(warning, supersedes) for warning in find_editions(supersedes).warnings]
    for brief in briefs:
        found += brief_problems(brief)
    if sources:
        titles = set().union(*map(titles_of, briefs))
        own = ((brief.path, own_parts(brief.text, titles)) for brief in briefs)
        found += copied_runs(own, _texts(sources, limits))
    return sorted(found, key=lambda problem: (problem.path, problem.line or 0))


def brief_problems(brief: Brief) -> Iterator[Problem]:
    """Yield everything that is wrong with the form of one brief."""
    yield from front_problems(brief)
    yield from layout_problems(brief)
    yield from sentence_problems(brief)
    yield from source_problems(brief)
    yield from personal_problems(brief)


def _file_problems(file: CorpusFile, supersedes: dict[str, tuple[str, ...]], briefs: list[Brief]) -> Iterator[Problem]:
    """Read one file; note in ``supersedes`` what it takes the place of, and in ``briefs`` that it is one."""
    try:
        document = file.read()
    except UnreadableDocument as error:
        yield Problem(file.path, error.message, error.hint)
        return
    supersedes[file.path] = document.metadata.supersedes
    is_markdown = file.path.lower().endswith(".md")
    if is_markdown:
        text = (file.folder / file.path).read_text(encoding="utf-8-sig", errors="replace")
        if brief := read_brief(text, file.path):
            briefs.append(brief)
    for warning in document.warnings:
        # In Markdown a warning is about the front matter, which the owner can put right; else it is about a page.
        yield Problem(file.path, warning, line=1 if is_markdown else None, note=not is_markdown)
    if not document.metadata.named:
        cure = f"Give it one in {CATALOGUE_NAME}: spreadguide corpus add FILE --title TITLE"
        yield Problem(file.path, "The report has no title, so its file name is shown.", cure, note=True)
    if document.metadata.url and not document.metadata.url.startswith(("https://", "http://")):
        cure = "An address begins with https://. Correct it."
        yield Problem(file.path, f"The url {document.metadata.url} is not an address.", cure)


def _catalogue_problems(folder: Path) -> Iterator[Problem]:
    """Yield what is wrong with ``sources.toml``, with the lines."""
    file = folder / CATALOGUE_NAME
    if not file.is_file():
        return
    try:
        text = file.read_text(encoding="utf-8-sig")
        tables = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        line = _AT_LINE.search(str(error))
        what = f"The catalogue cannot be read: {error}."
        yield Problem(CATALOGUE_NAME, what, "Correct that line.", int(line[1]) if line else None)
        return
    for name, table in tables.items():
        try:
            Entry.model_validate(table)
        except ValidationError as error:
            what = f'The entry for "{name}" is not valid: {reasons(error)}.'
            yield Problem(CATALOGUE_NAME, what, "Correct the entry; until then it does not count.", _line(text, name))
    for name, entry in unfetched(folder, read_catalogue(folder)):
        if not entry.url:
            cure = "Correct the name, add the file, or give a url to fetch it from."
            yield Problem(CATALOGUE_NAME, f'There is no report "{name}".', cure, _line(text, name))
        else:
            cure = "To fetch it, run: spreadguide corpus fetch"
            yield Problem(CATALOGUE_NAME, f'"{name}" is not fetched yet.', cure, _line(text, name), note=True)


def _line(text: str, name: str) -> int | None:
    """Return the line of the header that names ``name``."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("[") and name in line:
            return number
    return None


def _scan_problems(folder: Path, scan: Scan) -> Iterator[Problem]:
    """Yield what kept files from being read at all; what is said of the catalogue has been said with its lines."""
    paths = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))]
    for warning in scan.warnings:
        if not warning.startswith(CATALOGUE_NAME):
            yield _about(warning, paths)


def _about(warning: str, paths: Sequence[str] | dict[str, tuple[str, ...]]) -> Problem:
    """Return a warning as a problem of the file that it begins with."""
    named = [path for path in paths if warning.startswith(f"{path} ")]
    return Problem(max(named, key=len, default=""), warning)


def _source_files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise ConfigError(f"There is nothing to compare with at {place}.", hint="Correct the folder after --against.")
    readable = (file for file in sorted(place.rglob("*")) if file.suffix.lower() in READERS and file.is_file())
    return [file for file in readable if file.name.lower() != "readme.md"]


def _texts(files: Sequence[Path], limits: IngestLimits) -> Iterator[tuple[str, str]]:
    """Yield name and text of each source; one that cannot be read is an error, because it would not be compared."""
    for file in files:
        if file.suffix.lower() in _TEXT_ENDINGS:
            yield file.name, file.read_text(encoding="utf-8", errors="replace")
        else:
            yield file.name, read_document(file.read_bytes(), file.name, limits=limits).text
