"""The seams of the system: small protocols with one job each, so that an engine can be changed in one adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spreadguide.types import Document, Draft, Passage, Prompt, Source

Vectors = NDArray[np.float32]
"""Rows of unit length; shape ``(n, dimension)``."""


class Embedder(Protocol):
    """Turns text into vectors of unit length. Questions and documents are embedded by separate calls."""

    @property
    def embedder_id(self) -> str:
        """Name and weights' hash: two embedders with one id give vectors that can be compared."""

    @property
    def dimension(self) -> int:
        """Length of one vector."""

    def embed_documents(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Vectors:
        """Embed passages or units; ``progress`` is called with the number of texts done since its last call."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed questions or claims, in milliseconds each."""


class DenseIndex(Protocol):
    """Nearest neighbours by cosine."""

    def search(self, query: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """Return at most ``k`` (row, cosine) pairs, best first, for a vector of shape ``(dimension,)``."""


class LexicalIndex(Protocol):
    """Ranking by words (BM25)."""

    def search(self, query: str, k: int) -> list[tuple[int, float]]:
        """Return at most ``k`` (row, score) pairs with a positive score, best first."""

    def idf(self, term: str) -> float:
        """Inverse document frequency of a stemmed term, at least 0; an unseen term weighs most."""


class PassageStore(Protocol):
    """Documents and passages of one index, read-only."""

    def passage_by_row(self, row: int) -> Passage:
        """Return the passage that stands in row ``row`` of the dense and lexical indexes."""

    def passage(self, passage_id: str) -> Passage:
        """Return one passage; raise `NotFound` when there is none."""

    def neighbours(self, passage_id: str) -> tuple[Passage | None, Passage | None]:
        """Return the passages before and after it in the same document."""

    def passages_of(self, source_id: str) -> list[Passage]:
        """Return all passages of one document, in reading order."""

    def unit_vectors(self, passage_id: str) -> Vectors:
        """Return the vectors of the passage's units, in order."""

    def source(self, source_id: str) -> Source:
        """Return one document's catalogue entry; raise `NotFound` when there is none."""

    def sources(self) -> list[Source]:
        """Return every document's catalogue entry, ordered by title."""

    def document_text(self, source_id: str) -> str:
        """Return the document's normalised text, which all spans index into."""


class IndexWriter(Protocol):
    """Writes one new index into a folder of its own."""

    def write(
        self,
        folder: Path,
        documents: Sequence[Document],
        passages: Sequence[Passage],
        passage_vectors: Vectors,
        unit_vectors: Vectors,
        lexical_texts: Sequence[str],
    ) -> None:
        """Write store, dense and lexical index; row ``i`` of each belongs to ``passages[i]``.

        ``unit_vectors`` has one row per unit, passage by passage; ``lexical_texts`` holds what BM25 reads.
        """

    def cached_vectors(self, folder: Path) -> dict[str, NDArray[np.float32]]:
        """Return the vectors of an earlier index, keyed by the SHA-256 of the text that was embedded."""


class Generator(Protocol):
    """Writes text from a prompt; may be away, in which case every call raises `GeneratorUnavailable`."""

    @property
    def model_id(self) -> str:
        """The model's catalogue id, or the file name of a model given by path."""

    @property
    def ready(self) -> bool:
        """Whether the model is loaded and answering."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the length of each text in the model's own tokens."""

    def generate(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancelled: Callable[[], bool] = bool
    ) -> Iterator[str | Draft]:
        """Yield pieces of text as they are written, then one `Draft` with the whole.

        Generation ends early when ``cancelled()`` turns true. Raises `GeneratorUnavailable` when the model is not
        there, or goes away while it writes.
        """


class Progress(Protocol):
    """Where long steps report to."""

    def __call__(self, step: str, items: int, done: int) -> None:
        """Say that ``done`` more of ``items`` are finished in ``step``."""
