"""Walks a folder of reports: finds the files, says what each is by a hash, and reads those that are asked for."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spreadguide.errors import EmptyCorpus, IngestError, UnreadableDocument
from spreadguide.ingest.assemble import READERS, check_size, path_hash, read_document, slug
from spreadguide.ingest.catalogue import CATALOGUE_NAME, Catalogue, Entry, read_catalogue
from spreadguide.ingest.limits import IngestLimits
from spreadguide.ingest.version import reader_version
from spreadguide.protocols import Progress
from spreadguide.text import normalise
from spreadguide.types import Document

STEP = "Reading reports"

NAMED_WARNINGS = 5
"""How many reasons an "nothing could be read" error lists; more would hide the message."""


NOTHING = hashlib.sha256(b"").hexdigest()
"""The hash of an empty file: two of them are two mistakes, not one report twice."""

TOO_LARGE = "too large: "
"""Begins what stands in for the hash of a file that is too large to be read."""


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """One report that was found, a `ReportFile`: ``entry`` is what the catalogue says of it.

    ``digest`` is the SHA-256 of the file's bytes. ``key`` is a hash of those bytes, the file's kind, its catalogue
    entry, the limits and the version of the readers.
    """

    folder: Path
    path: str
    source_id: str
    key: str
    digest: str
    entry: Entry | None
    limits: IngestLimits

    def read(self) -> Document:
        """Read the file; raises `UnreadableDocument`, with a hint, when it cannot be read.

        So it does when the file is no longer the one whose hash is in ``key``.
        """
        file = self.folder / self.path
        try:
            check_size(file.stat().st_size, self.path, self.limits)
            with file.open("rb") as stream:
                data = stream.read(self.limits.file_bytes + 1)
        except OSError as error:
            raise _denied(self.path, error) from error
        if hashlib.sha256(data).hexdigest() != self.digest:
            message = f"{self.path} was changed while the index was being built."
            raise UnreadableDocument(message, hint="Build the index again.")
        return read_document(data, self.path, self.entry, limits=self.limits, source_id=self.source_id)


@dataclass(frozen=True, slots=True)
class Scan:
    """The reports of a folder, in the order of their paths, and what cannot be used."""

    files: tuple[CorpusFile, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents of a folder, in the order of their paths, and what could not be used."""

    documents: tuple[Document, ...]
    warnings: tuple[str, ...] = ()


def scan_corpus(folder: Path, *, limits: IngestLimits | None = None, strict: bool = True) -> Scan:
    """Find every report in ``folder`` and its sub-folders, in sorted order; nothing is read but for its hash.

    Hidden files, ``sources.toml`` and a top-level ``README.md`` are passed over; so is a second copy of the same
    bytes. Raises `EmptyCorpus` when there is no such folder, or no report in it, and `IngestError` when
    ``sources.toml`` makes no sense; unless ``strict`` is false: then that is a warning.
    """
    if not folder.is_dir():
        raise EmptyCorpus(
            f"There is no report folder at {folder}.", hint="Create the folder and put reports in it, or name another."
        )
    limits = limits or IngestLimits()
    catalogue = read_catalogue(folder)
    if catalogue.unreadable and strict:
        # Without it, reports would lose their publishers, and superseded ones would be answered from again.
        reason = catalogue.warnings[0].removeprefix(f"{CATALOGUE_NAME} was ignored: ")
        raise IngestError(f"{CATALOGUE_NAME} cannot be read.", hint=f"{reason} The index in use is unchanged.")
    warnings = list(catalogue.warnings)
    paths = _report_files(folder, warnings)
    warnings += _unknown_entries(catalogue, paths)
    ids = _source_ids(paths)
    version = reader_version()
    first_with: dict[tuple[str, str], str] = {}
    files: list[CorpusFile] = []
    for path in paths:
        try:
            digest = _file_hash(folder / path, limits)
        except OSError as error:
            denied = _denied(path, error)
            warnings.append(f"{denied.message} {denied.hint}")
            continue
        kind = PurePosixPath(path).suffix.lower()
        comparable = not digest.startswith(TOO_LARGE) and digest != NOTHING
        same = first_with.setdefault((digest, kind), path) if comparable else path
        if same != path:
            warnings.append(f"{path} was skipped: it is the same file as {same}. Remove one of them.")
            continue
        entry = catalogue.entries.get(path)
        said = entry.model_dump_json() if entry else ""
        key = hashlib.sha256(repr((digest, kind, said, limits, version)).encode()).hexdigest()
        files.append(CorpusFile(folder, path, ids[path], key, digest, entry, limits))
    if not files:
        raise EmptyCorpus(f"No report could be read in {folder}.", hint=_what_to_do(warnings))
    return Scan(tuple(files), tuple(warnings))


def read_corpus(folder: Path, *, limits: IngestLimits | None = None, progress: Progress | None = None) -> Corpus:
    """Read every report in ``folder`` into memory; see `scan_corpus`.

    A file that cannot be read is a warning that names it and says what to do. Raises `EmptyCorpus` when nothing can
    be read. ``progress`` is told of each file as it is done.
    """
    scan = scan_corpus(folder, limits=limits)
    documents: list[Document] = []
    warnings = list(scan.warnings)
    for file in scan.files:
        try:
            document = file.read()
        except UnreadableDocument as error:
            warnings.append(f"{error.message} {error.hint}".strip())
        else:
            documents.append(document)
            warnings += [f"{file.path}: {warning}" for warning in document.warnings]
        if progress:
            progress(STEP, len(scan.files), 1)
    if not documents:
        raise EmptyCorpus(f"No report could be read in {folder}.", hint=_what_to_do(warnings))
    return Corpus(tuple(documents), tuple(warnings))


def _file_hash(file: Path, limits: IngestLimits) -> str:
    """Return the SHA-256 of a file; of one that is too large to be read, only its size."""
    size = file.stat().st_size
    if size > limits.file_bytes:
        return f"{TOO_LARGE}{size} bytes"
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _denied(path: str, error: OSError) -> UnreadableDocument:
    message = f"{path} could not be opened ({error.strerror})."
    return UnreadableDocument(message, hint="Check who may read the file.")


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
    """Warn of entries without a report; one with an address can be fetched, and is no mistake."""
    return [
        f'{CATALOGUE_NAME} describes "{name}", but there is no such report. Correct the name, or add the file.'
        for name, entry in catalogue.entries.items()
        if name not in files and not entry.url
    ]


def _source_ids(files: list[str]) -> dict[str, str]:
    """Give each path an id; where short ones clash, all of them get the ending, then a hash of the path."""
    short = {path: slug(str(PurePosixPath(path).with_suffix(""))) for path in files}
    uses = Counter(short.values())
    ids = {path: name if uses[name] == 1 else slug(path) for path, name in short.items()}
    uses = Counter(ids.values())
    return {path: name if uses[name] == 1 else f"{name}-{path_hash(path)}" for path, name in ids.items()}


def _what_to_do(warnings: list[str]) -> str:
    """Say how to fill an empty folder, with the first reasons why its files were not read."""
    advice = f"Put reports ({', '.join(sorted(READERS))}) in the folder."
    return " ".join([*map(normalise, warnings[:NAMED_WARNINGS]), advice])
