"""Lexical search: BM25 over our own terms, in bm25s."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
from numpy.typing import NDArray

from spreadguide.errors import IndexCorrupt
from spreadguide.indexing.manifest import REBUILD
from spreadguide.text import terms

# bm25s sets its logger to DEBUG, which would pass the level that the application chose.
logging.getLogger("bm25s").setLevel(logging.WARNING)

K1 = 1.5
B = 0.75
"""How fast repeated words stop counting, and how much length matters: bm25s's defaults, usual for prose."""

_NO_TERM = ""
"""Always in the vocabulary, and in no passage: bm25s cannot hold an empty vocabulary."""


class _Numbered:
    """What bm25s takes for a corpus whose terms are numbers already."""

    def __init__(self, ids: tuple[NDArray[np.int32], NDArray[np.int64]], vocab: dict[str, int]) -> None:
        self.ids = ids
        self.vocab = vocab


class _Vectorised(bm25s.BM25):  # type: ignore[misc]
    """bm25s with its index built by NumPy in one go; overriding this method is what the library provides for that.

    The library's own way loops over passages in Python: several times slower.
    """

    def build_index_from_ids(
        self,
        unique_token_ids: list[int],
        corpus_token_ids: Any,
        show_progress: bool = False,  # noqa: ARG002 - the library passes it
        leave_progress: bool = False,  # noqa: ARG002 - the library passes it
    ) -> dict[str, Any]:
        """Return the weights as the columns of a sparse matrix: passages by terms.

        ``corpus_token_ids`` is the pair of all passages' terms in a row, and where each passage's terms start.
        The weight is Lucene's (C. Kamphuis et al., "Which BM25 do you mean?", 2020):
        ``ln(1 + (N - n + 0.5) / (n + 0.5)) * tf / (tf + k1 * (1 - b + b * length / mean length))``.
        """
        self.nonoccurrence_array = None  # only the variants BM25L and BM25+ weigh terms that are not there
        flat, starts = corpus_token_ids
        count, columns = len(starts) - 1, len(unique_token_ids)
        lengths = np.diff(starts)
        row_of = np.repeat(np.arange(count, dtype=np.int64), lengths)
        cells, frequency = np.unique(flat.astype(np.int64) * count + row_of, return_counts=True)
        column, row = np.divmod(cells, count)
        holding = np.bincount(column, minlength=columns)
        idf = np.log1p((count - holding + 0.5) / (holding + 0.5))
        mean = lengths.mean() or 1.0
        saturation = frequency + K1 * (1 - B + B * lengths[row] / mean)
        return {
            "data": (idf[column] * frequency / saturation).astype(np.float32),
            "indices": row.astype(np.int32),
            "indptr": np.concatenate(([0], np.cumsum(holding))).astype(np.int64),
            "num_docs": count,
        }


class Bm25Index:
    """BM25 in Lucene's variant, whose weights are never negative."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Index ``texts`` (at least one), which may hold no term at all; row ``i`` is ``texts[i]``."""
        rows = [terms(text) for text in texts]
        vocabulary = {term: number for number, term in enumerate(sorted({_NO_TERM}.union(*rows)))}
        flat = np.array([vocabulary[term] for row in rows for term in row], dtype=np.int32)
        starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        self._build(flat, starts, vocabulary)

    @classmethod
    def of_terms(cls, flat: NDArray[np.int32], starts: NDArray[np.int64], vocabulary: dict[str, int]) -> Bm25Index:
        """Index terms given by number: those of row ``i`` are ``flat[starts[i]:starts[i + 1]]``."""
        self = cls.__new__(cls)
        self._build(flat, starts, {_NO_TERM: len(vocabulary), **vocabulary})
        return self

    def _build(self, flat: NDArray[np.int32], starts: NDArray[np.int64], vocabulary: dict[str, int]) -> None:
        self._engine: Any = _Vectorised(k1=K1, b=B, method="lucene", backend="numpy")
        self._engine.index(_Numbered((flat, starts), vocabulary), create_empty_token=False, show_progress=False)

    @classmethod
    def read(cls, folder: Path) -> Bm25Index:
        """Read what `write` wrote, mapped into memory; raises `IndexCorrupt` when it makes no sense."""
        self = cls.__new__(cls)
        try:
            self._engine = bm25s.BM25.load(folder, mmap=True, allow_pickle=False, show_progress=False)
        except (OSError, ValueError, TypeError) as error:
            raise IndexCorrupt(f"The index is damaged: {folder} cannot be read.", hint=REBUILD) from error
        return self

    def write(self, folder: Path) -> None:
        """Write the index into ``folder``, which is made."""
        self._engine.save(folder, allow_pickle=False, show_progress=False)

    def __len__(self) -> int:
        return int(self._engine.scores["num_docs"])

    def search(self, query: str, k: int, *, allowed: NDArray[np.bool_] | None = None) -> list[tuple[int, float]]:
        """Return at most ``k`` (row, score) pairs with a positive score, best first, equal ones by row.

        Only of the ``allowed`` rows, where those are given.
        """
        known = self._engine.get_tokens_ids(terms(query))
        if not known or k < 1:
            return []
        scores = self._engine.get_scores_from_ids(known)
        rows = np.flatnonzero(scores > 0 if allowed is None else (scores > 0) & allowed)
        best = rows[np.lexsort((rows, -scores[rows]))[:k]]
        return [(int(row), float(scores[row])) for row in best]

    def idf(self, term: str) -> float:
        """Return ``ln(1 + (N - n + 0.5) / (n + 0.5))`` for a stemmed term found in ``n`` of ``N`` passages.

        The weight of BM25 in Lucene's variant: at least 0, and largest for a term that no passage holds.
        """
        starts = self._engine.scores["indptr"]
        number = self._engine.vocab_dict.get(term)
        holding = 0 if number is None else int(starts[number + 1] - starts[number])
        return math.log1p((len(self) - holding + 0.5) / (holding + 0.5))
