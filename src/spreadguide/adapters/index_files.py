"""One index as a folder of files: written by a build, checked and opened by whoever answers questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spreadguide.adapters.bm25 import Bm25Index
from spreadguide.adapters.dense_build import dense_recipe, read_dense
from spreadguide.adapters.dense_ivf import IvfIndex
from spreadguide.adapters.earlier_builds import (
    LEXICAL,
    PASSAGE_KEYS,
    PASSAGE_VECTORS,
    SKETCHED,
    SKETCHES,
    STORE,
    TERM_STARTS,
    TERMS,
    UNIT_KEYS,
    UNIT_VECTORS,
    VOCABULARY,
    WHOLE_VECTORS,
)
from spreadguide.adapters.faiss_index import FaissIndex
from spreadguide.adapters.index_draft import FileDraft
from spreadguide.adapters.sqlite_store import SqliteStore
from spreadguide.errors import IndexCorrupt
from spreadguide.indexing.duplicates import load_sketching
from spreadguide.indexing.manifest import REBUILD, DenseEntry, Manifest, check_files, check_made_with, read_manifest
from spreadguide.indexing.publish import live_folder, live_stamp
from spreadguide.protocols import Embedder
from spreadguide.types import DenseKind

_REQUIRED = (STORE, PASSAGE_VECTORS, UNIT_VECTORS, PASSAGE_KEYS, UNIT_KEYS, SKETCHES, SKETCHED, TERMS, TERM_STARTS)
_REQUIRED_LEXICAL = ("data.csc.index.npy", "indices.csc.index.npy", "indptr.csc.index.npy", "params.index.json")
_REQUIRED_FILES = frozenset((*_REQUIRED, *(f"{LEXICAL}/{name}" for name in (*_REQUIRED_LEXICAL, VOCABULARY))))

ATTEMPTS = 5
"""How often opening starts anew when another build publishes, and removes the old index, in that moment."""


@dataclass(frozen=True, slots=True)
class IndexCounts:
    """How much an index holds."""

    documents: int
    passages: int
    units: int


@dataclass(frozen=True, slots=True)
class OpenIndex:
    """An index that was checked and is ready to be searched."""

    dense: FaissIndex | IvfIndex
    lexical: Bm25Index
    store: SqliteStore
    fingerprint: str
    counts: IndexCounts
    approximation: DenseEntry | None

    def close(self) -> None:
        """Let go of the files."""
        self.store.close()


class IndexFiles:
    """Writes one index as FAISS, bm25s, SQLite and plain files of rows; an `IndexWriter`."""

    def __init__(self, dense: DenseKind = "auto") -> None:
        """Have search by meaning made as ``dense`` says."""
        self._dense = dense

    def prepare(self) -> None:
        """Load what sketches are made with."""
        load_sketching()

    def dense_recipe(self, passages: int) -> str:
        """Return how search by meaning is made in an index of so many passages."""
        return dense_recipe(self._dense, passages)

    def begin(self, folder: Path, *, embedder: Embedder, previous: Path | None, leftovers: Sequence[Path]) -> FileDraft:
        """Start an index in the empty ``folder``; raises `IndexingError` when it cannot be written."""
        return FileDraft(folder, embedder, previous, leftovers, self._dense)


def open_index(folder: Path, *, embedder_id: str) -> OpenIndex:
    """Open the live index below ``folder`` after checking that it is whole and fits this program and embedder.

    Raises `IndexMissing`, `IndexMismatch` (made with another embedder, chunker or format) or `IndexCorrupt`.
    """
    for _ in range(ATTEMPTS - 1):
        before = live_stamp(folder)
        try:
            return _open(live_folder(folder), embedder_id)
        except (IndexCorrupt, FileNotFoundError):
            if live_stamp(folder) == before:
                raise
    return _open(live_folder(folder), embedder_id)


def _open(live: Path, embedder_id: str) -> OpenIndex:
    manifest = read_manifest(live)
    check_made_with(manifest, embedder_id=embedder_id)
    _checked(live, manifest)
    dense = read_dense(live, manifest.dense)
    lexical = Bm25Index.read(live / LEXICAL)
    store = SqliteStore(live / STORE, live / UNIT_VECTORS, manifest.dimension)
    sizes = {len(dense), len(lexical), len(store), manifest.passages}
    if len(sizes) > 1 or store.units != manifest.units or dense.dimension != manifest.dimension:
        store.close()
        raise IndexCorrupt(f"The index is damaged: the files in {live} do not belong together.", hint=REBUILD)
    counts = IndexCounts(len(manifest.documents), manifest.passages, manifest.units)
    return OpenIndex(dense, lexical, store, manifest.fingerprint, counts, manifest.dense)


def _checked(folder: Path, manifest: Manifest) -> None:
    """Raise `IndexCorrupt` unless the manifest lists every file that is needed, and each is as it was written."""
    required = {*_REQUIRED_FILES, WHOLE_VECTORS} if manifest.dense and manifest.dense.kept else _REQUIRED_FILES
    missing = sorted(required - manifest.files.keys())
    if missing:
        raise IndexCorrupt(f"The index is damaged: its manifest does not list {missing[0]}.", hint=REBUILD)
    check_files(folder, manifest.files)
