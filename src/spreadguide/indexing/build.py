"""Report files → a published index; what did not change is carried over, and no text is embedded twice."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path

from spreadguide.editions import Editions, find_editions
from spreadguide.errors import EmptyCorpus, IndexCorrupt, IndexMismatch, IndexMissing, UnreadableDocument
from spreadguide.indexing.chunking import CHUNKER_VERSION, chunk
from spreadguide.indexing.fingerprint import fingerprint
from spreadguide.indexing.manifest import (
    FORMAT_VERSION,
    DenseEntry,
    DocumentEntry,
    Manifest,
    check_files,
    describe_files,
    read_manifest,
    write_manifest,
)
from spreadguide.indexing.publish import build_lock, building_folder, clear, discard, leftovers, live_folder, publish
from spreadguide.protocols import Embedder, IndexDraft, IndexWriter, Progress, ReportFile
from spreadguide.types import BuildSummary, Document, EditionStatus

READING = "Reading reports"
EMBEDDING = "Embedding passages and sentences"

BATCH = 512
"""Texts that are embedded, and written to disk, at a time."""

KEPT_LEFTOVERS = 1
"""Folders of stopped builds that are looked through for vectors: the fullest, which found those of the others."""

FROM_THE_START = "A new index is built from the start."
"""Said of an index that cannot be carried over."""

NAMED_WARNINGS = 5
"""How many reasons a "nothing could be read" error lists; more would hide the message."""


@dataclass(slots=True)
class _Contents:
    """What the new index holds so far: its documents by path, and what could not be read."""

    documents: dict[str, DocumentEntry] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def warnings(self) -> list[str]:
        """Return what reading gave, those of documents that were not read again included."""
        found = [f"{path}: {warning}" for path, entry in self.documents.items() for warning in entry.warnings]
        return [*self.unread, *found]


def build_index(
    files: Sequence[ReportFile],
    *,
    warnings: Sequence[str],
    embedder: Embedder,
    writer: IndexWriter,
    index_dir: Path,
    progress: Progress,
) -> BuildSummary:
    """Bring the index in ``index_dir`` up to date with ``files`` and say what was done.

    ``warnings`` are what finding the files gave; the summary repeats them. The live index stays as it is until the
    new one is complete, also when the build is killed or fails; texts that a killed build embedded are not embedded
    again. Raises `EmptyCorpus`, `IndexLocked` when another build runs, and `IndexingError` when the index cannot be
    written.
    """
    started = time.perf_counter()
    files = sorted(files, key=lambda file: file.path)
    notes = list(warnings)
    with build_lock(index_dir), ThreadPoolExecutor(2, thread_name_prefix="prepare") as beside:
        before = _live_manifest(index_dir, embedder, notes)
        unchanged = _unchanged(files, before)
        if len(unchanged) < len(files):
            # Seconds that need not be waited for later. An error comes again when either is used.
            beside.submit(writer.prepare)
            beside.submit(embedder.prepare)
        before = _if_whole(index_dir, before, notes)
        unchanged = unchanged if before else frozenset()
        if before is not None and len(unchanged) == len(files) == len(before.documents) and _as_set(before, writer):
            contents, manifest, reused = _Contents(dict(before.documents)), before, before.passages
            clear(index_dir)
        else:
            build = _Build(index_dir, embedder, writer, progress)
            contents, manifest, reused = build.run(files, before, unchanged)
    return BuildSummary(
        documents=len(contents.documents),
        passages=manifest.passages,
        embedded=manifest.passages - reused,
        reused=reused,
        removed=_removed(before, contents),
        seconds=time.perf_counter() - started,
        fingerprint=manifest.fingerprint,
        warnings=(*notes, *contents.warnings(), *_editions(contents.documents).warnings, *_too_low(manifest)),
    )


def _as_set(before: Manifest, writer: IndexWriter) -> bool:
    """Whether search by meaning in the live index is made as the settings say."""
    return before.dense_recipe == writer.dense_recipe(before.passages)


def _too_low(manifest: Manifest) -> tuple[str, ...]:
    """Say where a quicker search by meaning was wanted, and would have found too little."""
    dense = manifest.dense
    if dense is None or dense.kept:
        return ()
    found = f"a quicker search by meaning found only {dense.recall:.1%} of the nearest passages"
    return (f"The index compares every passage with the question, because {found}. Searches may take longer.",)


def _removed(before: Manifest | None, contents: _Contents) -> int:
    """Return how many reports are gone; one that is there under another path was moved, not removed."""
    if before is None:
        return 0
    gone = before.documents.keys() - contents.documents.keys()
    moved = {contents.documents[path].key for path in contents.documents.keys() - before.documents.keys()}
    return sum(before.documents[path].key not in moved for path in gone)


def _live_manifest(index_dir: Path, embedder: Embedder, notes: list[str]) -> Manifest | None:
    """Return the manifest of the live index, or ``None`` when there is none that can be carried over."""
    try:
        live = live_folder(index_dir)
        manifest = read_manifest(live)
        if (manifest.embedder, manifest.chunker) != (embedder.embedder_id, CHUNKER_VERSION):
            return None
    except IndexMissing:
        return None
    except (IndexMismatch, IndexCorrupt) as error:
        notes.append(f"{error.message} {FROM_THE_START}")
        return None
    return manifest


def _if_whole(index_dir: Path, before: Manifest | None, notes: list[str]) -> Manifest | None:
    """Return ``before`` when the files of its index are as it says, else ``None``."""
    if before is None:
        return None
    try:
        check_files(index_dir / before.fingerprint, before.files)
    except IndexCorrupt as error:
        notes.append(f"{error.message} {FROM_THE_START}")
        return None
    return before


def _unchanged(files: Iterable[ReportFile], before: Manifest | None) -> frozenset[str]:
    """Return the paths of the files that the live index holds as they are."""
    known = before.documents if before else {}
    return frozenset(
        file.path
        for file in files
        if (entry := known.get(file.path)) and (entry.source_id, entry.key) == (file.source_id, file.key)
    )


@dataclass(frozen=True, slots=True)
class _Build:
    """One build of a new index."""

    index_dir: Path
    embedder: Embedder
    writer: IndexWriter
    progress: Progress

    def run(
        self, files: Sequence[ReportFile], before: Manifest | None, unchanged: frozenset[str]
    ) -> tuple[_Contents, Manifest, int]:
        """Write and publish the index; return what it holds, its manifest, and how many passages were not embedded."""
        stopped = leftovers(self.index_dir)
        discard(stopped[KEPT_LEFTOVERS:])
        del stopped[KEPT_LEFTOVERS:]  # a new folder may get the name of one that is gone
        previous = self.index_dir / before.fingerprint if before else None
        with building_folder(self.index_dir) as folder:
            draft = self.writer.begin(
                folder, embedder=self.embedder, previous=previous, leftovers=stopped[:KEPT_LEFTOVERS]
            )
            with closing(draft):
                contents = self._read(files, before, unchanged, draft)
                discard(stopped)  # what they held of use is in the draft now
                name = self._fingerprint(contents, draft)
                if before is not None and name == before.fingerprint:
                    # Only files that cannot be read are new: the live index is never replaced by its like.
                    discard([folder])
                    return contents, before, before.passages
                self._embed(draft)
                draft.finish(_superseded(contents.documents))
                manifest = self._describe(folder, name, contents, draft)
                publish(folder, self.index_dir, name)
        return contents, manifest, draft.reused

    def _read(
        self, files: Sequence[ReportFile], before: Manifest | None, unchanged: frozenset[str], draft: IndexDraft
    ) -> _Contents:
        contents = _Contents()
        self.progress(READING, len(files), 0)
        for as_before, run in groupby(files, key=lambda file: file.path in unchanged):
            if as_before and before is not None:
                carried = list(run)
                draft.carry([file.source_id for file in carried])
                contents.documents |= {file.path: before.documents[file.path] for file in carried}
                self.progress(READING, len(files), len(carried))
                continue
            for file in run:
                self._read_one(file, draft, contents)
                self.progress(READING, len(files), 1)
        if not draft.passages:
            raise EmptyCorpus("There is no report with text to index.", hint=_what_to_do(contents.warnings()))
        return contents

    def _read_one(self, file: ReportFile, draft: IndexDraft, contents: _Contents) -> None:
        try:
            document = file.read()
        except UnreadableDocument as error:
            contents.unread.append(f"{error.message} {error.hint}".strip())
            return
        passages = chunk(document)
        draft.add(document, passages)
        empty = () if passages else ("the report has no text below its headings.",)
        contents.documents[file.path] = DocumentEntry(
            source_id=file.source_id,
            key=file.key if document.complete else _passing_key(document),
            warnings=[*document.warnings, *empty],
            supersedes=list(document.metadata.supersedes),
            superseded=document.metadata.status is EditionStatus.SUPERSEDED,
        )

    def _embed(self, draft: IndexDraft) -> None:
        missing = draft.missing()
        if not missing:
            return
        self.progress(EMBEDDING, missing, 0)
        for texts in draft.batches(BATCH):
            vectors = self.embedder.embed_documents(
                texts, progress=lambda done: self.progress(EMBEDDING, missing, done)
            )
            draft.fill(texts, vectors)

    def _fingerprint(self, contents: _Contents, draft: IndexDraft) -> str:
        identities = [(path, entry.source_id, entry.key) for path, entry in contents.documents.items()]
        dense = self.writer.dense_recipe(draft.passages)
        return fingerprint(identities, embedder_id=self.embedder.embedder_id, dense=dense)

    def _describe(self, folder: Path, name: str, contents: _Contents, draft: IndexDraft) -> Manifest:
        measured = draft.approximation
        manifest = Manifest(
            format=FORMAT_VERSION,
            fingerprint=name,
            chunker=CHUNKER_VERSION,
            embedder=self.embedder.embedder_id,
            dimension=self.embedder.dimension,
            passages=draft.passages,
            units=draft.units,
            documents=contents.documents,
            files=describe_files(folder),
            dense=DenseEntry(**asdict(measured)) if measured else None,
        )
        write_manifest(folder, manifest)
        return manifest


def _passing_key(document: Document) -> str:
    """Return a key that no file has, so that the next build reads the file again."""
    return f"incomplete {hashlib.sha256(document.text.encode()).hexdigest()}"


def _editions(documents: Mapping[str, DocumentEntry]) -> Editions:
    return find_editions({path: entry.supersedes for path, entry in documents.items()})


def _superseded(documents: Mapping[str, DocumentEntry]) -> frozenset[str]:
    """Return the paths of the reports that say so of themselves, or that another report names as replaced."""
    said = {path for path, entry in documents.items() if entry.superseded}
    return _editions(documents).superseded | said


def _what_to_do(warnings: Sequence[str]) -> str:
    """Say how to fill an empty folder, with the first reasons why its files were not read."""
    return " ".join([*warnings[:NAMED_WARNINGS], "Add reports to the folder, then build the index again."])
