"""Lexical search: BM25 over our own terms, in bm25s."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bm25s
import numpy as np

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


class Bm25Index:
    """BM25 in Lucene's variant, whose weights are never negative."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Index ``texts`` (at least one), which may hold no term at all; row ``i`` is ``texts[i]``."""
        tokens = [terms(text) for text in texts]
        vocabulary = {term: number for number, term in enumerate(sorted({_NO_TERM}.union(*tokens)))}
        numbers = [[vocabulary[term] for term in row] for row in tokens]
        self._engine: Any = bm25s.BM25(k1=K1, b=B, method="lucene", backend="numpy")
        # Where no text holds a term, bm25s divides a length of nought by a mean length of nought.
        with np.errstate(invalid="ignore"):
            self._engine.index((numbers, vocabulary), create_empty_token=False, show_progress=False)

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

    def search(self, query: str, k: int) -> list[tuple[int, float]]:
        """Return at most ``k`` (row, score) pairs with a positive score, best first, equal ones by row."""
        known = self._engine.get_tokens_ids(terms(query))
        if not known or k < 1:
            return []
        scores = self._engine.get_scores_from_ids(known)
        rows = np.flatnonzero(scores > 0)
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
