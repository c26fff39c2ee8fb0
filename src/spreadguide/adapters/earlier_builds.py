"""What earlier builds left that a new one can use: the live index, and the vectors of builds that were stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from spreadguide.adapters.faiss_index import FaissIndex
from spreadguide.adapters.row_file import read_rows
from spreadguide.adapters.sqlite_store import UNIT_TYPE
from spreadguide.adapters.vector_pool import KEY_BYTES, VectorPool
from spreadguide.errors import IndexCorrupt, IndexMismatch
from spreadguide.indexing.duplicates import SKETCH_WIDTH
from spreadguide.indexing.manifest import MADE_WITH, RAW_VECTORS, check_files, check_made_with, read_manifest
from spreadguide.protocols import Embedder

STORE = "store.sqlite"
PASSAGE_VECTORS = "passages.faiss"
WHOLE_VECTORS = "vectors.f32"
"""Only beside an index of short codes: what its candidates are ranked by."""

UNIT_VECTORS = "units.f16"
PASSAGE_KEYS = "passage_keys.bin"
UNIT_KEYS = "unit_keys.bin"
"""SHA-256 of the text behind each vector, 32 bytes a row: what lets the next build use the vector again."""

SKETCHES = "sketches.u32"
SKETCHED = "sketched.i32"
"""Sketches of paragraphs, and beside each the row of its passage and the paragraph's place in it."""

TERMS = "terms.i32"
TERM_STARTS = "term_starts.i64"
LEXICAL = "bm25"
VOCABULARY = "vocab.index.json"

SPOOL = "spool.sqlite"
"""Only while an index is being written."""

F32, U8, U32, I32, I64 = "<f4", "u1", "<u4", "<i4", "<i8"


@dataclass(frozen=True, slots=True)
class Pools:
    """Vectors of one earlier build, of passages and of units."""

    passages: VectorPool
    units: VectorPool

    def of(self, *, units: bool) -> VectorPool:
        """Return one of the two."""
        return self.units if units else self.passages


@dataclass(frozen=True, slots=True)
class Previous:
    """The live index, as far as unchanged documents are copied from it."""

    pools: Pools
    terms: NDArray[Any]
    term_starts: NDArray[Any]
    vocabulary: dict[str, int]
    sketches: NDArray[Any]
    sketched: NDArray[Any]


def made_with(embedder: Embedder) -> dict[str, str | int]:
    """Return what vectors depend on, as it stands in the folder of an index that is being written."""
    return {"embedder": embedder.embedder_id, "dimension": embedder.dimension, "units": UNIT_TYPE}


def open_previous(folder: Path, dimension: int) -> Previous:
    """Open what is carried over from the index in ``folder``, whose files were checked; raises `IndexCorrupt`."""
    if WHOLE_VECTORS in read_manifest(folder).files:
        vectors = read_rows(folder / WHOLE_VECTORS, F32, dimension)
    else:
        vectors = FaissIndex.read(folder / PASSAGE_VECTORS).vectors()
    vocabulary = json.loads((folder / LEXICAL / VOCABULARY).read_bytes())
    names = sorted((term for term in vocabulary if term), key=vocabulary.__getitem__)
    return Previous(
        pools=Pools(
            VectorPool.of(read_rows(folder / PASSAGE_KEYS, U8, KEY_BYTES), vectors),
            VectorPool.of(
                read_rows(folder / UNIT_KEYS, U8, KEY_BYTES), read_rows(folder / UNIT_VECTORS, UNIT_TYPE, dimension)
            ),
        ),
        terms=read_rows(folder / TERMS, I32, 1)[:, 0],
        term_starts=read_rows(folder / TERM_STARTS, I64, 1)[:, 0],
        vocabulary={term: number for number, term in enumerate(names)},
        sketches=read_rows(folder / SKETCHES, U32, SKETCH_WIDTH),
        sketched=read_rows(folder / SKETCHED, I32, 2),
    )


def _whole_index(folder: Path, embedder: Embedder) -> Pools:
    """Open the vectors of an index that was finished; raises `IndexCorrupt` or `IndexMismatch`."""
    found = read_manifest(folder)
    check_made_with(found, embedder_id=embedder.embedder_id)
    check_files(folder, found.files)
    return open_previous(folder, found.dimension).pools


def leftover_pools(leftovers: Sequence[Path], embedder: Embedder) -> Iterator[Pools]:
    """Open the vectors in folders of builds that were stopped, where the same embedder made them."""
    for folder in leftovers:
        try:
            if not (folder / MADE_WITH).is_file():
                yield _whole_index(folder, embedder)
                continue
            if json.loads((folder / MADE_WITH).read_bytes()) != made_with(embedder):
                continue
            width = embedder.dimension
            keys = [read_rows(folder / name, U8, KEY_BYTES) for name in (PASSAGE_KEYS, UNIT_KEYS)]
            whole = folder / WHOLE_VECTORS
            passages = read_rows(whole if whole.is_file() else folder / RAW_VECTORS, F32, width)
            vectors = [passages, read_rows(folder / UNIT_VECTORS, UNIT_TYPE, width)]
        except (OSError, ValueError, IndexCorrupt, IndexMismatch):
            continue  # stopped before it wrote anything of use, or made by something else
        yield Pools(*(VectorPool.of(*pair) for pair in zip(keys, vectors, strict=True)))
