"""Walks a folder of reports and reads every file that can be read."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from spreadguide.errors import EmptyCorpus, UnreadableDocument
from spreadguide.ingest.assemble import READERS, check_size, path_hash, read_document, slug
from spreadguide.ingest.catalogue import CATALOGUE_NAME, Catalogue, read_catalogue
from spreadguide.ingest.limits import IngestLimits
from spreadguide.protocols import Progress
from spreadguide.text import normalise
from spreadguide.types import Document

STEP = "Reading reports"

NAMED_WARNINGS = 5
"""How many reasons an "nothing could be read" error lists; more would hide the message."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents of a folder, in the order of their paths, and what could not be used."""

    documents: tuple[Document, ...]
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Findings:
    """What a walk has met so far."""

    documents: list[Document] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    first_with: dict[str, str] = field(default_factory=dict)


def read_corpus(folder: Path, *, limits: IngestLimits | None = None, progress: Progress | None = None) -> Corpus:
    """Read every report in ``folder`` and its sub-folders, in sorted order.

    Hidden files, ``sources.toml`` and a top-level ``README.md`` are passed over. A file that cannot be read is a
    warning that names it and says what to do. Raises `EmptyCorpus` when there is no such folder, or when nothing
    in it can be read. ``progress`` is told of each file as it is done.
    """
    if not folder.is_dir():
        raise EmptyCorpus(
            f"There is no report folder at {folder}.", hint="Create the folder and put reports in it, or name another."
        )
    limits = limits or IngestLimits()
    catalogue = read_catalogue(folder)
    findings = _Findings(warnings=list(catalogue.warnings))
    files = _report_files(folder, findings.warnings)
    findings.warnings += _unknown_entries(catalogue, files)
    ids = _source_ids(files)
    for path in files:
        _read_file(folder, path, ids[path], catalogue, limits, findings)
        if progress:
            progress(STEP, len(files), 1)
    if not findings.documents:
        raise EmptyCorpus(f"No report could be read in {folder}.", hint=_what_to_do(findings.warnings))
    return Corpus(tuple(findings.documents), tuple(findings.warnings))


def _report_files(folder: Path, warnings: list[str]) -> list[str]:
    """Return the relative paths of the files to read; say once which endings are not supported."""
    found: list[str] = []
    unsupported: list[str] = []
    for path in sorted(_walk(folder, warnings)):
        if path == CATALOGUE_NAME or path.lower() == "readme.md":
            continue
        known = PurePosixPath(path).suffix.lower() in READERS
        (found if known else unsupported).append(path)
    if unsupported:
        warnings.append(
            f"Not read, because only {', '.join(sorted(READERS))} files can be: {', '.join(unsupported)}. "
            "Save them in one of these forms."
        )
    return found


def _walk(folder: Path, warnings: list[str]) -> Iterator[str]:
    """Yield the relative path of each plain file that is not hidden and does not lie outside the folder."""
    root = folder.resolve()

    def denied(error: OSError) -> None:
        warnings.append(f"{error.filename} could not be opened ({error.strerror}). Check who may read that folder.")

    for place, folders, names in os.walk(folder, onerror=denied):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in sorted(names + links):
            file = Path(place, name)
            path = file.relative_to(folder).as_posix()
            if name.startswith((".", "~$")):
                continue
            if file.is_symlink() and not file.resolve().is_relative_to(root):
                warnings.append(f"{path} was skipped: it is a link to a place outside the folder. Copy the file here.")
            elif not _is_storable(path):
                warnings.append(f"{path!a} was skipped: its name is not valid text. Rename the file.")
            elif file.is_file():
                yield path


def _is_storable(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _unknown_entries(catalogue: Catalogue, files: list[str]) -> list[str]:
    return [
        f'{CATALOGUE_NAME} describes "{name}", but there is no such report. Correct the name, or add the file.'
        for name in catalogue.entries
        if name not in files
    ]


def _source_ids(files: list[str]) -> dict[str, str]:
    """Give each path an id; where short ones clash, all of them get the ending, then a hash of the path."""
    short = {path: slug(str(PurePosixPath(path).with_suffix(""))) for path in files}
    uses = Counter(short.values())
    ids = {path: name if uses[name] == 1 else slug(path) for path, name in short.items()}
    uses = Counter(ids.values())
    return {path: name if uses[name] == 1 else f"{name}-{path_hash(path)}" for path, name in ids.items()}


def _read_file(
    folder: Path, path: str, source_id: str, catalogue: Catalogue, limits: IngestLimits, findings: _Findings
) -> None:
    """Read one file into ``findings``: a document, or a warning."""
    try:
        check_size((folder / path).stat().st_size, path, limits)
        data = (folder / path).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if digest in findings.first_with:
            findings.warnings.append(
                f"{path} was skipped: it is the same file as {findings.first_with[digest]}. Remove one of them."
            )
            return
        document = read_document(data, path, catalogue.entries.get(path), limits=limits, source_id=source_id)
    except UnreadableDocument as error:
        findings.warnings.append(f"{error.message} {error.hint}".strip())
    except OSError as error:
        findings.warnings.append(f"{path} could not be opened ({error.strerror}). Check who may read the file.")
    else:
        findings.first_with[digest] = path
        findings.documents.append(document)
        findings.warnings += [f"{path}: {warning}" for warning in document.warnings]


def _what_to_do(warnings: list[str]) -> str:
    """Say how to fill an empty folder, with the first reasons why its files were not read."""
    advice = f"Put reports ({', '.join(sorted(READERS))}) in the folder."
    return " ".join([*map(normalise, warnings[:NAMED_WARNINGS]), advice])
