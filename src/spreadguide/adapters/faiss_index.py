"""Dense search: every vector compared with the query, in FAISS's ``IndexFlatIP``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from spreadguide.errors import IndexCorrupt, IndexingError
from spreadguide.indexing.manifest import REBUILD
from spreadguide.protocols import Vectors

_engine: Any = faiss
"""Its type stubs describe the C++ constructors, not the Python ones that wrap them."""


class FaissIndex:
    """Exact nearest neighbours by inner product; for vectors of unit length that is the cosine."""

    def __init__(self, vectors: Vectors) -> None:
        """Index ``vectors``; row ``i`` of the result is row ``i`` here."""
        self._index: Any = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    @classmethod
    def read(cls, path: Path) -> FaissIndex:
        """Read an index file; raises `IndexCorrupt` when FAISS cannot.

        Only for files whose hash was checked: FAISS reads and writes outside its memory on crafted files.
        """
        self = cls.__new__(cls)
        self._index = read_checked(path, faiss.IndexFlatIP)
        return self

    def write(self, path: Path) -> None:
        """Write the index file; raises `IndexingError` when FAISS cannot."""
        write_checked(self._index, path)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Length of one vector."""
        return int(self._index.d)

    def search(
        self, query: NDArray[np.float32], k: int, *, allowed: NDArray[np.bool_] | None = None
    ) -> list[tuple[int, float]]:
        """Return at most ``k`` (row, cosine) pairs, best first, equal ones by row; only of the ``allowed`` rows."""
        count = min(k, len(self) if allowed is None else int(allowed.sum()))
        if count < 1:
            return []
        # Without a selector FAISS shares a search out to two threads, and waits for both where one core is busy.
        selector: Any = _engine.IDSelectorAll()
        if allowed is not None:
            selector = _engine.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        only = _engine.SearchParameters(sel=selector)
        vectors = np.ascontiguousarray(query, dtype=np.float32)[None, :]
        scores, rows = self._index.search(vectors, count, params=only)
        found = zip(rows[0].tolist(), scores[0].tolist(), strict=True)
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def vectors(self) -> Vectors:
        """Return all vectors, in order of rows."""
        return np.asarray(self._index.reconstruct_n(0, len(self)), dtype=np.float32)


def read_checked(path: Path, kind: type) -> Any:
    """Read FAISS's file of an index of exactly that ``kind``; raises `IndexCorrupt`.

    Only for files whose hash was checked: FAISS reads and writes outside its memory on crafted files.
    """
    try:
        found: Any = faiss.read_index(str(path))
    except RuntimeError as error:
        raise IndexCorrupt(f"The index is damaged: {path} cannot be read.", hint=REBUILD) from error
    if type(found) is not kind:
        raise IndexCorrupt(f"The index is damaged: {path} holds another kind of index.", hint=REBUILD)
    return found


def write_checked(index: Any, path: Path) -> None:
    """Write an index of FAISS's as a file; raises `IndexingError` when FAISS cannot."""
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:
        hint = "Check that the disk has room and that you may write to this folder."
        raise IndexingError(f"{path} could not be written.", hint=hint) from error
