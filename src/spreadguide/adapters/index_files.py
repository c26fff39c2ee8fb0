"""One index as a folder of files: written by a build, checked and opened by whoever answers questions."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spreadguide.adapters.bm25 import Bm25Index
from spreadguide.adapters.faiss_index import FaissIndex
from spreadguide.adapters.sqlite_store import SqliteStore, write_store
from spreadguide.errors import IndexCorrupt, IndexingError
from spreadguide.indexing.embedded_text import embedded_texts, text_key
from spreadguide.indexing.manifest import REBUILD, Manifest, check_files, check_made_with, read_manifest
from spreadguide.indexing.publish import live_folder
from spreadguide.protocols import Vectors
from spreadguide.types import Document, Passage

STORE = "store.sqlite"
PASSAGE_VECTORS = "passages.faiss"
UNIT_VECTORS = "units.npy"
PASSAGE_KEYS = "passage_keys.npy"
UNIT_KEYS = "unit_keys.npy"
"""SHA-256 of the text behind each vector, 32 bytes a row: what lets the next build use the vector again."""

LEXICAL = "bm25"
_REQUIRED = (STORE, PASSAGE_VECTORS, UNIT_VECTORS, PASSAGE_KEYS, UNIT_KEYS)
_REQUIRED_LEXICAL = ("data.csc.index.npy", "indices.csc.index.npy", "indptr.csc.index.npy", "params.index.json")
_REQUIRED_FILES = frozenset((*_REQUIRED, *(f"{LEXICAL}/{name}" for name in (*_REQUIRED_LEXICAL, "vocab.index.json"))))


@dataclass(frozen=True, slots=True)
class IndexCounts:
    """How much an index holds."""

    documents: int
    passages: int
    units: int


@dataclass(frozen=True, slots=True)
class OpenIndex:
    """An index that was checked and is ready to be searched."""

    dense: FaissIndex
    lexical: Bm25Index
    store: SqliteStore
    fingerprint: str
    counts: IndexCounts

    def close(self) -> None:
        """Let go of the files."""
        self.store.close()


class IndexFiles:
    """Writes one index as FAISS, bm25s, SQLite and NumPy files; an `IndexWriter`."""

    def write(
        self,
        folder: Path,
        documents: Sequence[Document],
        passages: Sequence[Passage],
        passage_vectors: Vectors,
        unit_vectors: Vectors,
        lexical_texts: Sequence[str],
    ) -> None:
        """Write all files into the empty ``folder``; raises `IndexingError` when one cannot be written."""
        passage_texts, unit_texts = embedded_texts(documents, passages)
        try:
            write_store(folder / STORE, documents, passages)
            FaissIndex(passage_vectors).write(folder / PASSAGE_VECTORS)
            Bm25Index(lexical_texts).write(folder / LEXICAL)
            np.save(folder / UNIT_VECTORS, np.asarray(unit_vectors, dtype=np.float32), allow_pickle=False)
            np.save(folder / PASSAGE_KEYS, _keys(passage_texts), allow_pickle=False)
            np.save(folder / UNIT_KEYS, _keys(unit_texts), allow_pickle=False)
        except (OSError, sqlite3.Error) as error:
            hint = "Check that the disk has room and that you may write to this folder. The index in use is unchanged."
            raise IndexingError(f"The new index could not be written: {error}.", hint=hint) from error

    def cached_vectors(self, folder: Path) -> dict[str, NDArray[np.float32]]:
        """Return the vectors of the index in ``folder``, by the SHA-256 of their text; raises `IndexCorrupt`."""
        _checked(folder, read_manifest(folder))
        pairs = (
            (PASSAGE_KEYS, FaissIndex.read(folder / PASSAGE_VECTORS).vectors()),
            (UNIT_KEYS, np.load(folder / UNIT_VECTORS, allow_pickle=False)),
        )
        found: dict[str, NDArray[np.float32]] = {}
        for name, vectors in pairs:
            keys = np.load(folder / name, allow_pickle=False)
            found.update(zip((key.tobytes().hex() for key in keys), vectors, strict=True))
        return found


def open_index(folder: Path, *, embedder_id: str) -> OpenIndex:
    """Open the live index below ``folder`` after checking that it is whole and fits this program and embedder.

    Raises `IndexMissing`, `IndexMismatch` (made with another embedder, chunker or format) or `IndexCorrupt`.
    """
    live = live_folder(folder)
    manifest = read_manifest(live)
    check_made_with(manifest, embedder_id=embedder_id)
    _checked(live, manifest)
    dense = FaissIndex.read(live / PASSAGE_VECTORS)
    lexical = Bm25Index.read(live / LEXICAL)
    store = SqliteStore(live / STORE, live / UNIT_VECTORS)
    sizes = {len(dense), len(lexical), len(store), manifest.passages}
    if len(sizes) > 1 or store.units != manifest.units or dense.dimension != manifest.dimension:
        store.close()
        raise IndexCorrupt(f"The index is damaged: the files in {live} do not belong together.", hint=REBUILD)
    counts = IndexCounts(len(manifest.documents), manifest.passages, manifest.units)
    return OpenIndex(dense, lexical, store, manifest.fingerprint, counts)


def _checked(folder: Path, manifest: Manifest) -> None:
    """Raise `IndexCorrupt` unless the manifest lists every file that is needed, and each is as it was written."""
    missing = sorted(_REQUIRED_FILES - manifest.files.keys())
    if missing:
        raise IndexCorrupt(f"The index is damaged: its manifest does not list {missing[0]}.", hint=REBUILD)
    check_files(folder, manifest.files)


def _keys(texts: Sequence[str]) -> NDArray[np.uint8]:
    digests = b"".join(bytes.fromhex(text_key(text)) for text in texts)
    return np.frombuffer(digests, dtype=np.uint8).reshape(len(texts), 32)
