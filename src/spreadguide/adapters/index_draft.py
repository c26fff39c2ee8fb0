"""One index while it is being written: store, vectors, terms and sketches, row by row on disk.

What grows with the corpus in memory is small: 4 bytes for each term that BM25 reads and 8 for each text's key.
The vectors of passages (1.5 KB each; in a large index codes of 0.4 KB) are in memory when FAISS writes them at the end.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spreadguide.adapters.bm25 import Bm25Index
from spreadguide.adapters.dense_build import dense_recipe, write_dense
from spreadguide.adapters.earlier_builds import (
    F32,
    I32,
    I64,
    LEXICAL,
    PASSAGE_KEYS,
    SKETCHED,
    SKETCHES,
    SPOOL,
    STORE,
    TERM_STARTS,
    TERMS,
    U8,
    U32,
    UNIT_KEYS,
    UNIT_VECTORS,
    Previous,
    leftover_pools,
    made_with,
    open_previous,
)
from spreadguide.adapters.row_file import RowFile, read_rows
from spreadguide.adapters.sqlite_store import UNIT_TYPE
from spreadguide.adapters.sqlite_writer import DocumentRows, Spool, StoreWriter, runs
from spreadguide.adapters.vector_pool import KEY_BYTES
from spreadguide.errors import IndexingError
from spreadguide.indexing.duplicates import SKETCH_WIDTH, duplicate_groups, sketches
from spreadguide.indexing.embedded_text import embedded_texts, text_key
from spreadguide.indexing.manifest import (
    MADE_WITH,
    RAW_VECTORS,
)
from spreadguide.indexing.verdicts import Verdicts
from spreadguide.protocols import Embedder, Vectors
from spreadguide.text import terms
from spreadguide.types import Approximation, DenseKind, Document, Passage


@dataclass(slots=True)
class _Terms:
    """The terms of all passages, by number, as they are met."""

    vocabulary: dict[str, int]
    flat: array[int] = field(default_factory=lambda: array("i"))
    starts: array[int] = field(default_factory=lambda: array("q", [0]))

    def add(self, found: Sequence[str]) -> None:
        vocabulary = self.vocabulary
        self.flat.extend(vocabulary.setdefault(term, len(vocabulary)) for term in found)
        self.starts.append(len(self.flat))

    def carry(self, numbers: NDArray[Any], starts: NDArray[Any]) -> None:
        """Add the terms of passages of the previous index, whose vocabulary this one began with."""
        shift = len(self.flat) - int(starts[0])
        self.flat.frombytes(np.ascontiguousarray(numbers, dtype=np.intc).tobytes())
        self.starts.frombytes((starts[1:].astype(np.int64) + shift).tobytes())

    def compact(self) -> tuple[NDArray[np.int32], NDArray[np.int64], dict[str, int]]:
        """Return all terms renumbered in the order of the alphabet; a term that no passage holds is gone."""
        flat = np.frombuffer(self.flat, dtype=np.intc) if self.flat else np.zeros(0, dtype=np.int32)
        names = list(self.vocabulary)
        used = sorted(np.unique(flat).tolist(), key=names.__getitem__)
        numbers = np.zeros(len(names), dtype=np.int32)
        numbers[used] = np.arange(len(used))
        vocabulary = {names[old]: new for new, old in enumerate(used)}
        return numbers[flat], np.array(self.starts, dtype=np.int64), vocabulary


class FileDraft:
    """An `IndexDraft` in a folder of files."""

    def __init__(
        self,
        folder: Path,
        embedder: Embedder,
        previous: Path | None,
        leftovers: Sequence[Path],
        dense: DenseKind = "auto",
    ) -> None:
        """Start in the empty ``folder``; raises `IndexingError` when it cannot be written."""
        self._folder = folder
        self._dense = dense
        self._approximation: Approximation | None = None
        self._dimension = embedder.dimension
        self._previous = open_previous(previous, self._dimension) if previous else None
        found = [self._previous.pools] if self._previous else []
        self._pools = [*found, *leftover_pools(leftovers, embedder)]
        self._terms = _Terms(dict(self._previous.vocabulary) if self._previous else {})
        self._rows = self._unit_rows = self._sketch_rows = self._reused = 0
        with _writing():
            (folder / MADE_WITH).write_text(json.dumps(made_with(embedder)), encoding="utf-8")
            self._store = StoreWriter(folder / STORE, previous / STORE if previous else None)
            self._spool = Spool(folder / SPOOL)
            self._vectors = {
                False: RowFile(folder / RAW_VECTORS, F32, self._dimension),
                True: RowFile(folder / UNIT_VECTORS, UNIT_TYPE, self._dimension),
            }
            self._keys = {
                False: RowFile(folder / PASSAGE_KEYS, U8, KEY_BYTES),
                True: RowFile(folder / UNIT_KEYS, U8, KEY_BYTES),
            }
            self._sketches = RowFile(folder / SKETCHES, U32, SKETCH_WIDTH)
            self._sketched = RowFile(folder / SKETCHED, I32, 2)

    @property
    def passages(self) -> int:
        """Passages written so far."""
        return self._rows

    @property
    def units(self) -> int:
        """Units written so far."""
        return self._unit_rows

    @property
    def reused(self) -> int:
        """Passages whose vector came from an earlier build."""
        return self._reused

    @property
    def approximation(self) -> Approximation | None:
        """What `finish` measured of the search by meaning; ``None`` where every vector is compared anyway."""
        return self._approximation

    def carry(self, source_ids: Sequence[str]) -> None:
        """Take documents over from the previous index; raises `IndexingError`."""
        before = self._previous
        if before is None:
            raise ValueError("there is no previous index to carry documents over from")
        with _writing():
            for run in runs(self._store.previous_rows(source_ids)):
                self._carry_run(run, before)

    def _carry_run(self, run: DocumentRows, before: Previous) -> None:
        """Copy documents that stand one after the other in the previous index."""
        self._store.carry(run, self._rows, self._unit_rows)
        rows = slice(run.first_row, run.first_row + run.passages)
        self._put(False, self._rows, before.pools.passages.keys[rows], before.pools.passages.vectors[rows])
        units = slice(run.first_unit, run.first_unit + run.units)
        self._put(True, self._unit_rows, before.pools.units.keys[units], before.pools.units.vectors[units])
        first, last = np.searchsorted(before.sketched[:, 0], (rows.start, rows.stop)).tolist()
        shift = np.array([self._rows - rows.start, 0], dtype=np.int32)
        self._put_sketches(before.sketched[first:last] + shift, before.sketches[first:last])
        starts = before.term_starts[rows.start : rows.stop + 1]
        self._terms.carry(before.terms[starts[0] : starts[-1]], starts)
        self._rows += run.passages
        self._unit_rows += run.units
        self._reused += run.passages

    def add(self, document: Document, passages: Sequence[Passage]) -> None:
        """Write a document that is new or changed; raises `IndexingError`."""
        passage_texts, unit_texts = embedded_texts([document], passages)
        with _writing():
            self._store.add(document, passages, self._rows, self._unit_rows)
            self._reused += self._place(passage_texts, self._rows, of_unit=False)
            self._place(unit_texts, self._unit_rows, of_unit=True)
            for row, passage in enumerate(passages, start=self._rows):
                places, found = sketches(passage.text)
                self._put_sketches(np.stack((np.full_like(places, row), places), axis=1), found)
        for text in passage_texts:
            self._terms.add(terms(text))
        self._rows += len(passages)
        self._unit_rows += len(unit_texts)

    def missing(self) -> int:
        """Return how many different texts have no vector yet."""
        with _writing():
            return self._spool.count()

    def batches(self, size: int) -> Iterator[list[str]]:
        """Yield the texts without a vector, at most ``size`` at a time, longest first."""
        with _writing():
            yield from self._spool.batches(size)

    def fill(self, texts: Sequence[str], vectors: Vectors) -> None:
        """Write the vectors of ``texts`` wherever these texts stand; a build that is stopped later keeps them."""
        with _writing():
            for text, vector in zip(texts, vectors, strict=True):
                key = bytes.fromhex(text_key(text))
                row_of_key = np.frombuffer(key, dtype=np.uint8)[None, :]
                for of_unit, row in self._spool.places(key):
                    self._put(of_unit, row, row_of_key, vector[None, :])
            for file in (*self._vectors.values(), *self._keys.values()):
                file.flush()

    def finish(self, superseded: Collection[str]) -> None:
        """Write the dense and the lexical index and the near-duplicates; raises `IndexingError`."""
        folder = self._folder
        with _writing():
            self._close_rows()
            flat, starts, vocabulary = self._terms.compact()
            (folder / TERMS).write_bytes(flat.astype(I32).tobytes())
            (folder / TERM_STARTS).write_bytes(starts.astype(I64).tobytes())
            Bm25Index.of_terms(flat, starts, vocabulary).write(folder / LEXICAL)
            self._approximation = write_dense(folder, self._dimension, dense_recipe(self._dense, self._rows))
            sketched = read_rows(folder / SKETCHED, I32, 2)
            rows = read_rows(folder / SKETCHES, U32, SKETCH_WIDTH)
            verdicts = Verdicts(self._store.previous_verdicts())
            groups = duplicate_groups(sketched[:, 0], sketched[:, 1], rows, self._store.passage_text, verdicts)
            self._store.set_duplicates(groups)
            self._store.set_verdicts(verdicts.used)
            self._store.set_superseded(superseded)
            self._store.finish()
            self._spool.close()
            (folder / SPOOL).unlink()

    def close(self) -> None:
        """Let go of all files, finished or not."""
        self._close_rows()
        self._store.close()
        self._spool.close()

    def _close_rows(self) -> None:
        for of_unit, count in ((False, self._rows), (True, self._unit_rows)):
            self._vectors[of_unit].close(count)
            self._keys[of_unit].close(count)
        self._sketches.close(self._sketch_rows)
        self._sketched.close(self._sketch_rows)

    def _place(self, texts: Sequence[str], first: int, *, of_unit: bool) -> int:
        """Find the vectors of ``texts`` in earlier builds, or have them wait; return how many were found.

        An empty text gets no vector: its row stays all zeros.
        """
        keys = [bytes.fromhex(text_key(text)) for text in texts]
        open_places = wanted = [place for place, text in enumerate(texts) if text]
        for pools in self._pools:
            found, vectors = pools.of(units=of_unit).find([keys[place] for place in open_places])
            for at, vector in zip(found, vectors, strict=True):
                place = open_places[at]
                key = np.frombuffer(keys[place], dtype=np.uint8)[None, :]
                self._put(of_unit, first + place, key, vector[None, :])
            taken = set(found)
            open_places = [place for at, place in enumerate(open_places) if at not in taken]
        self._spool.put((keys[place], texts[place], of_unit, first + place) for place in open_places)
        return len(wanted) - len(open_places)

    def _put(self, of_unit: bool, row: int, keys: NDArray[Any], vectors: NDArray[Any]) -> None:
        """Write vectors before their keys: a key that is there says that its vector is, too."""
        self._vectors[of_unit].put(row, vectors)
        self._keys[of_unit].put(row, keys)

    def _put_sketches(self, sketched: NDArray[Any], rows: NDArray[Any]) -> None:
        self._sketched.put(self._sketch_rows, sketched)
        self._sketches.put(self._sketch_rows, rows)
        self._sketch_rows += len(rows)


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        hint = "Check that the disk has room and that you may write to this folder. The index in use is unchanged."
        raise IndexingError(f"The new index could not be written: {error}.", hint=hint) from error
