"""Query → hits: dense and lexical search side by side, fused by rank."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spreadguide.protocols import DenseIndex, Embedder, LexicalIndex, PassageStore
from spreadguide.retrieval.fusion import RRF_K, reciprocal_rank_fusion
from spreadguide.types import EditionStatus, Hit, Passage, Source

DENSE = "dense"
LEXICAL = "lexical"
"""Names of the two retrievers in `Hit.ranks`."""


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """``depth`` is how many passages each retriever hands to the fusion; ``rrf_k`` is the fusion's constant."""

    depth: int = 50
    rrf_k: int = RRF_K

    def __post_init__(self) -> None:
        if self.depth < 1 or self.rrf_k < 0:
            raise ValueError(f"depth must be at least 1 and rrf_k at least 0, got {self.depth} and {self.rrf_k}")


class Retriever:
    """Searches one index."""

    def __init__(
        self,
        dense: DenseIndex,
        lexical: LexicalIndex,
        store: PassageStore,
        embedder: Embedder,
        settings: RetrievalSettings,
    ) -> None:
        self._dense = dense
        self._lexical = lexical
        self._store = store
        self._embedder = embedder
        self._settings = settings

    def query_vector(self, query: str) -> NDArray[np.float32]:
        """Return the vector of ``query``, of unit length and shape ``(dimension,)``."""
        vector: NDArray[np.float32] = self._embedder.embed_queries([query])[0]
        return vector

    def search(
        self,
        query: str,
        k: int,
        *,
        also: Sequence[str] = (),
        vector: NDArray[np.float32] | None = None,
        source_ids: Collection[str] | None = None,
        superseded: bool = False,
    ) -> list[Hit]:
        """Return the ``k`` best passages for ``query``, best first, with their ranks in each retriever.

        ``also`` are other wordings of the same question, such as one with what an earlier turn adds: their rankings
        join the fusion. Of passages with nearly the same text only the best is returned; it names the others'
        documents. ``vector`` is the query's vector where the caller has it already. ``source_ids`` narrows the search
        to those documents; those that a later edition replaced are found only with ``superseded``.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        depth = max(self._settings.depth, k)
        allowed = self._store.allowed_rows(source_ids=source_ids, superseded=superseded)
        dense = self._dense.search(self.query_vector(query) if vector is None else vector, depth, allowed=allowed)
        rankings = {
            DENSE: [row for row, _ in dense],
            LEXICAL: [row for row, _ in self._lexical.search(query, depth, allowed=allowed)],
        }
        others = {
            f"{kind} {place}": [row for row, _ in found]
            for place, wording in enumerate(also)
            for kind, found in (
                (DENSE, self._dense.search(self.query_vector(wording), depth, allowed=allowed)),
                (LEXICAL, self._lexical.search(wording, depth, allowed=allowed)),
            )
        }
        ranks = {name: {row: rank for rank, row in enumerate(rows, start=1)} for name, rows in rankings.items()}
        hits: list[Hit] = []
        shown: set[str] = set()
        for row, score in reciprocal_rank_fusion(rankings | others, self._settings.rrf_k):
            passage = self._store.passage_by_row(row)
            if passage.passage_id in shown:
                continue
            source = self._store.source(passage.source_id)
            shown.update(hidden_by(self._store, passage))
            own_ranks = {name: of[row] for name, of in ranks.items() if row in of}
            hits.append(Hit(passage, source, score, own_ranks, also_in(self._store, passage)))
            if len(hits) == k:
                break
        return hits


def hidden_by(store: PassageStore, passage: Passage) -> set[str]:
    """Return the ids of the passages that need not be shown beside ``passage``: they say the same.

    A report that was superseded hides no report that stands.
    """
    own = store.source(passage.source_id).metadata.status
    return {
        copy.passage_id
        for copy in store.duplicates(passage.passage_id)
        if own is EditionStatus.CURRENT or store.source(copy.source_id).metadata.status is own
    }


def also_in(store: PassageStore, passage: Passage) -> tuple[Source, ...]:
    """Return the other documents that hold nearly the same passage, each once; superseded ones are left out."""
    ids = dict.fromkeys(copy.source_id for copy in store.duplicates(passage.passage_id))
    found = (store.source(source_id) for source_id in ids if source_id != passage.source_id)
    return tuple(source for source in found if source.metadata.status is EditionStatus.CURRENT)
