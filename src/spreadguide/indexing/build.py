"""Documents → a published index; what an earlier index embedded already is not embedded again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spreadguide.errors import EmptyCorpus, IndexCorrupt, IndexMismatch, IndexMissing
from spreadguide.indexing.chunking import CHUNKER_VERSION, chunk
from spreadguide.indexing.embedded_text import embedded_texts, text_key
from spreadguide.indexing.fingerprint import fingerprint
from spreadguide.indexing.manifest import (
    FORMAT_VERSION,
    Manifest,
    check_files,
    describe_files,
    read_manifest,
    write_manifest,
)
from spreadguide.indexing.publish import build_lock, building_folder, live_folder, make_live, publish
from spreadguide.protocols import Embedder, IndexWriter, Progress, Vectors
from spreadguide.types import BlockKind, BuildSummary, Document, Passage

CHUNKING = "Cutting reports into passages"
EMBEDDING = "Embedding passages and sentences"

_Cache = Mapping[str, NDArray[np.float32]]


def build_index(
    documents: Sequence[Document],
    *,
    warnings: Sequence[str],
    embedder: Embedder,
    writer: IndexWriter,
    index_dir: Path,
    progress: Progress,
) -> BuildSummary:
    """Bring the index in ``index_dir`` up to date with ``documents`` and say what was done.

    ``warnings`` are what reading the documents gave; the summary repeats them. The live index stays as it is until
    the new one is complete, also when the build is killed or fails. Raises `EmptyCorpus`, `IndexLocked` when another
    build runs, and `IndexingError` when the index cannot be written.
    """
    started = time.perf_counter()
    documents = sorted(documents, key=lambda document: document.path)
    empty = [document.path for document in documents if _is_empty(document)]
    if len(empty) == len(documents):
        hint = "Add reports (.md, .txt, .html, .pdf or .docx) to the folder, then build the index again."
        raise EmptyCorpus("There is no report with text to index.", hint=hint)
    notes = [*warnings, *(f"{path}: the report has no text below its headings." for path in empty)]
    name = fingerprint(documents, embedder_id=embedder.embedder_id)
    with build_lock(index_dir):
        before = _live_manifest(index_dir, notes)
        manifest = _published(index_dir, name)
        reused = manifest.passages if manifest else 0
        if manifest is None:
            cache = _cache(index_dir, before, embedder, writer, notes)
            manifest, reused = _build(documents, name, embedder, writer, index_dir, cache, progress)
        elif before is None or before.fingerprint != name:
            make_live(index_dir, name)
    paths = {document.path for document in documents}
    return BuildSummary(
        documents=len(documents),
        passages=manifest.passages,
        embedded=manifest.passages - reused,
        reused=reused,
        removed=len(before.documents.keys() - paths) if before else 0,
        seconds=time.perf_counter() - started,
        fingerprint=name,
        warnings=tuple(notes),
    )


def _is_empty(document: Document) -> bool:
    return all(block.kind is BlockKind.HEADING for block in document.blocks)


def _live_manifest(index_dir: Path, notes: list[str]) -> Manifest | None:
    """Return the manifest of the live index, or ``None`` when there is none that this version can use."""
    try:
        return read_manifest(live_folder(index_dir))
    except (IndexMissing, IndexMismatch):
        return None
    except IndexCorrupt as error:
        notes.append(f"{error.message} A new index is built from the start.")
        return None


def _published(index_dir: Path, name: str) -> Manifest | None:
    """Return the manifest of the index with this fingerprint, or ``None`` when it is not there, whole and sound."""
    try:
        manifest = read_manifest(index_dir / name)
        check_files(index_dir / name, manifest.files)
    except (IndexMismatch, IndexCorrupt):
        return None
    return manifest


def _cache(index_dir: Path, live: Manifest | None, embedder: Embedder, writer: IndexWriter, notes: list[str]) -> _Cache:
    """Return the vectors of the live index, where the same embedder made them."""
    if live is None or live.embedder != embedder.embedder_id:
        return {}
    try:
        return writer.cached_vectors(index_dir / live.fingerprint)
    except IndexCorrupt as error:
        notes.append(f"{error.message} A new index is built from the start.")
        return {}


def _build(
    documents: Sequence[Document],
    name: str,
    embedder: Embedder,
    writer: IndexWriter,
    index_dir: Path,
    cache: _Cache,
    progress: Progress,
) -> tuple[Manifest, int]:
    """Write and publish a new index; return its manifest and how many passages were in ``cache`` already."""
    passages = _chunk(documents, progress)
    passage_texts, unit_texts = embedded_texts(documents, passages)
    vectors = _embed([*passage_texts, *unit_texts], embedder, cache, progress)
    with building_folder(index_dir, name) as folder:
        count = len(passages)
        writer.write(folder, documents, passages, vectors[:count], vectors[count:], passage_texts)
        manifest = Manifest(
            format=FORMAT_VERSION,
            fingerprint=name,
            chunker=CHUNKER_VERSION,
            embedder=embedder.embedder_id,
            dimension=vectors.shape[1],
            passages=count,
            units=len(unit_texts),
            documents={document.path: document.sha256 for document in documents},
            files=describe_files(folder),
        )
        write_manifest(folder, manifest)
        publish(folder, index_dir, name)
    return manifest, sum(text_key(text) in cache for text in passage_texts)


def _chunk(documents: Sequence[Document], progress: Progress) -> list[Passage]:
    passages: list[Passage] = []
    for document in documents:
        passages.extend(chunk(document))
        progress(CHUNKING, len(documents), 1)
    return passages


def _embed(texts: Sequence[str], embedder: Embedder, cache: _Cache, progress: Progress) -> Vectors:
    """Return one vector per text; only texts that ``cache`` does not hold go to the embedder, each once."""
    keys = [text_key(text) for text in texts]
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in cache}
    fresh: dict[str, NDArray[np.float32]] = {}
    if missing:
        progress(EMBEDDING, len(missing), 0)
        vectors = embedder.embed_documents(
            list(missing.values()), progress=lambda done: progress(EMBEDDING, len(missing), done)
        )
        fresh = dict(zip(missing, vectors, strict=True))
    return np.stack([fresh[key] if key in fresh else cache[key] for key in keys])
