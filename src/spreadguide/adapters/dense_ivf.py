"""Dense search in a large index: FAISS finds candidates among short codes, and their whole vectors rank them.

The codes (`IndexIVFScalarQuantizer`, one byte per value) are in memory, a quarter of the size of the vectors. The
vectors stay in a file that is mapped. FAISS can map its codes as well (``IO_FLAG_MMAP``), but then starts 32 threads
for each search, and crashes with it have been reported, so that is not used.
"""

from __future__ import annotations

import mmap
from math import ceil
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from spreadguide.adapters.faiss_index import read_checked, write_checked
from spreadguide.errors import IndexCorrupt
from spreadguide.indexing.manifest import REBUILD

_engine: Any = faiss
"""Its type stubs describe the C++ constructors, not the Python ones that wrap them."""

SPARE_CANDIDATES = 50
"""So many more candidates than asked for are ranked by their whole vectors: codes alone swap close ones."""

SCORED_ALL = 2000
"""Where no more rows than these are allowed, each is compared: that takes about as long as looking for candidates."""

_VALUE = np.dtype("<f4")


class MappedVectors:
    """A file of vectors, mapped read-only; what was read is given back to the operating system at once."""

    def __init__(self, path: Path, dimension: int) -> None:
        """Map ``path``, which holds rows of ``dimension`` 32-bit values; raises `IndexCorrupt`."""
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self.rows: NDArray[np.float32] = np.frombuffer(self._map, dtype=_VALUE).reshape(-1, dimension)
        except (OSError, ValueError) as error:
            raise IndexCorrupt(f"The index is damaged: {path} cannot be read.", hint=REBUILD) from error
        self._advise("MADV_RANDOM")

    def scores(self, query: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the cosine of ``query`` with each of ``rows``; equal vectors get equal scores."""
        found: NDArray[np.float32] = np.einsum("ij,j->i", self.rows[rows], query)
        # Else each page ever read counts as this process's memory until the system runs short of it.
        self._advise("MADV_DONTNEED")
        return found

    def _advise(self, advice: str) -> None:
        """Tell the operating system how the file is read, where it can be told."""
        option = getattr(mmap, advice, None)
        if option is not None:
            self._map.madvise(option)


class IvfIndex:
    """Nearest neighbours by cosine: nearly all of them, each with its exact cosine."""

    def __init__(self, codes: Any, vectors: MappedVectors) -> None:
        """Search the ``IndexIVFScalarQuantizer`` ``codes``, and rank by ``vectors``, which are in the same rows."""
        self._codes = codes
        self._vectors = vectors

    @classmethod
    def read(cls, codes: Path, vectors: Path) -> IvfIndex:
        """Read the codes and map the vectors; raises `IndexCorrupt`. Only for files whose hash was checked."""
        found = read_checked(codes, faiss.IndexIVFScalarQuantizer)
        mapped = MappedVectors(vectors, int(found.d))
        inner_product = found.metric_type == faiss.METRIC_INNER_PRODUCT
        if not inner_product or found.ntotal != len(mapped.rows) or not 1 <= found.nprobe <= found.nlist:
            raise IndexCorrupt(f"The index is damaged: {codes} and {vectors} do not belong together.", hint=REBUILD)
        return cls(found, mapped)

    def write(self, path: Path) -> None:
        """Write the codes; raises `IndexingError` when FAISS cannot."""
        write_checked(self._codes, path)

    def __len__(self) -> int:
        return int(self._codes.ntotal)

    @property
    def dimension(self) -> int:
        """Length of one vector."""
        return int(self._codes.d)

    @property
    def lists(self) -> int:
        """Lists that the vectors are divided into."""
        return int(self._codes.nlist)

    @property
    def probed(self) -> int:
        """Lists that a search among all rows looks through."""
        return int(self._codes.nprobe)

    @probed.setter
    def probed(self, count: int) -> None:
        self._codes.nprobe = count

    def search(
        self, query: NDArray[np.float32], k: int, *, allowed: NDArray[np.bool_] | None = None
    ) -> list[tuple[int, float]]:
        """Return at most ``k`` (row, cosine) pairs, best first, equal ones by row; only of the ``allowed`` rows."""
        permitted = len(self) if allowed is None else int(allowed.sum())
        count = min(k, permitted)
        if count < 1:
            return []
        vector = np.ascontiguousarray(query, dtype=np.float32)
        if allowed is not None and permitted <= SCORED_ALL:
            rows = np.flatnonzero(allowed)
        else:
            rows = self._candidates(vector, count, allowed, permitted)
        found = zip(rows.tolist(), self._vectors.scores(vector, rows).tolist(), strict=True)
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:count]

    def _candidates(
        self, vector: NDArray[np.float32], count: int, allowed: NDArray[np.bool_] | None, permitted: int
    ) -> NDArray[np.int64]:
        """Return at least ``count`` rows, in order of rows.

        Where fewer rows are allowed, as many more lists are looked through: the nearest of them are further off.
        """
        probed = min(self.lists, ceil(self.probed * len(self) / permitted))
        rows = self._look_up(vector, count + SPARE_CANDIDATES, allowed, probed)
        if len(rows) < count:
            rows = self._look_up(vector, count + SPARE_CANDIDATES, allowed, self.lists)
        return rows

    def _look_up(
        self, vector: NDArray[np.float32], count: int, allowed: NDArray[np.bool_] | None, probed: int
    ) -> NDArray[np.int64]:
        only = None
        if allowed is not None:
            only = _engine.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        params = _engine.SearchParametersIVF(nprobe=probed, sel=only)
        _, found = self._codes.search(vector[None, :], min(count, len(self)), params=params)
        rows: NDArray[np.int64] = np.sort(found[0][found[0] >= 0])
        return rows
