"""Lists the reports of a folder, those that are only named in its catalogue included."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from spreadguide.editions import find_editions
from spreadguide.errors import EmptyCorpus, UnreadableDocument
from spreadguide.ingest import Catalogue, CorpusFile, IngestLimits, Scan, read_catalogue, scan_corpus
from spreadguide.ingest.assemble import slug
from spreadguide.ingest.catalogue import Entry
from spreadguide.protocols import Progress
from spreadguide.types import Document, EditionStatus, EvidenceKind

STEP = "Looking at the reports"

LISTED_PAGES = 5
"""Pages of a PDF that are read for the list: title, publisher and date stand there."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report of the list. ``present`` is false while only ``sources.toml`` names it."""

    path: str
    source_id: str
    title: str
    publisher: str | None
    year: int | None
    kind: EvidenceKind | None
    status: EditionStatus
    edition: str | None
    licence: str | None
    url: str | None
    supersedes: tuple[str, ...]
    present: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """The reports in the order of their paths, and what is wrong with the folder and its catalogue."""

    reports: tuple[Report, ...]
    warnings: tuple[str, ...] = ()


def list_reports(folder: Path, limits: IngestLimits, progress: Progress | None = None) -> Listing:
    """Look at every report of a folder.

    Only the first pages of a PDF are read, so a fact that stands further back is missing here. Raises
    `EmptyCorpus` when there is no such folder.
    """
    scan = scan_folder(folder, limits)
    entries = read_catalogue(folder).entries
    found: list[Report] = []
    for file in scan.files:
        found.append(_present(file))
        if progress:
            progress(STEP, len(scan.files), 1)
    here = {file.path for file in scan.files}
    skipped = {path for path in entries if path not in here and (folder / path).is_file()}
    found += [_named(path, entry) for path, entry in entries.items() if path not in here | skipped]
    editions = find_editions({report.path: report.supersedes for report in found if report.present})
    settled = (
        replace(report, status=EditionStatus.SUPERSEDED) if report.path in editions.superseded else report
        for report in found
    )
    reports = tuple(sorted(settled, key=lambda report: report.path))
    return Listing(reports, scan.warnings + editions.warnings)


def scan_folder(folder: Path, limits: IngestLimits) -> Scan:
    """Find the reports of a folder; none is no error here. Raises `EmptyCorpus` when there is no such folder."""
    try:
        return scan_corpus(folder, limits=limits, strict=False)
    except EmptyCorpus:
        if not folder.is_dir():
            raise
        return Scan((), read_catalogue(folder).warnings)


def unfetched(folder: Path, catalogue: Catalogue) -> list[tuple[str, Entry]]:
    """Return the entries of the catalogue whose file is not there."""
    return [(path, entry) for path, entry in catalogue.entries.items() if not (folder / path).is_file()]


def _present(file: CorpusFile) -> Report:
    entry = file.entry or Entry()
    try:
        document = _first_pages(file)
    except UnreadableDocument as error:
        named = _named(file.path, entry, source_id=file.source_id)
        return replace(named, present=True, problems=(f"{error.message} {error.hint}".strip(),))
    known = document.metadata
    return Report(
        path=file.path,
        source_id=file.source_id,
        title=known.title,
        publisher=known.publisher,
        year=known.year,
        kind=known.kind,
        status=known.status,
        edition=known.edition,
        licence=known.licence,
        url=known.url,
        supersedes=known.supersedes,
        present=True,
        problems=() if known.named else ("No title was found, so the file's name is shown.",),
    )


def _first_pages(file: CorpusFile) -> Document:
    """Read a report, of a PDF only the first pages, unless nothing can be read there."""
    if file.path.lower().endswith(".pdf"):
        pages = min(LISTED_PAGES, file.limits.pdf_pages)
        try:
            return replace(file, limits=replace(file.limits, pdf_pages=pages)).read()
        except UnreadableDocument:
            return file.read()
    return file.read()


def _named(path: str, entry: Entry, source_id: str | None = None) -> Report:
    """Describe a report by its entry alone."""
    problems = () if entry.url else ("There is no such file, and no url says where to fetch it.",)
    return Report(
        path=path,
        source_id=source_id or slug(str(PurePosixPath(path).with_suffix(""))),
        title=entry.title or PurePosixPath(path).stem,
        publisher=entry.publisher,
        year=entry.year,
        kind=entry.kind,
        status=entry.status,
        edition=entry.edition,
        licence=entry.licence,
        url=entry.url,
        supersedes=entry.supersedes,
        present=False,
        problems=problems,
    )
