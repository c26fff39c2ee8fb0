"""The seams of the system: small protocols with one job each, so that an engine can be changed in one adapter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spreadguide.types import Approximation, Document, Draft, LineBox, PageInfo, Passage, Prompt, Queued, Source

Vectors = NDArray[np.float32]
"""Rows of unit length; shape ``(n, dimension)``."""

Scores = NDArray[np.float32]
"""One number per text, of shape ``(n,)``."""

EXACT = "exact"
"""Recipe of a search by meaning that compares every vector: see `IndexWriter.dense_recipe`."""


class Embedder(Protocol):
    """Turns text into vectors of unit length. Questions and documents are embedded by separate calls."""

    @property
    def embedder_id(self) -> str:
        """Name and weights' hash: two embedders with one id give vectors that can be compared."""

    @property
    def dimension(self) -> int:
        """Length of one vector."""

    def prepare(self) -> None:
        """Load what `embed_documents` needs, so that its first call does not wait; from any thread."""

    def embed_documents(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Vectors:
        """Embed passages or units; ``progress`` is called with the number of texts done since its last call."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed questions or claims, in milliseconds each."""


class PairJudge(Protocol):
    """Reads two texts together, which sees more than two vectors do and takes longer."""

    @property
    def judge_id(self) -> str:
        """Name and weights' hash."""

    def answers(self, question: str, passages: Sequence[str]) -> Scores:
        """Return for each passage the log-odds that it answers the question."""

    def supports(self, claim: str, evidence: Sequence[str]) -> Scores:
        """Return for each piece of evidence the log-odds that it supports the whole claim."""


class DenseIndex(Protocol):
    """Nearest neighbours by cosine."""

    def search(
        self, query: NDArray[np.float32], k: int, *, allowed: NDArray[np.bool_] | None = None
    ) -> list[tuple[int, float]]:
        """Return at most ``k`` (row, cosine) pairs, best first, for a vector of shape ``(dimension,)``.

        With ``allowed``, of one value per row, only rows that are true there are found.
        """


class LexicalIndex(Protocol):
    """Ranking by words (BM25)."""

    def search(self, query: str, k: int, *, allowed: NDArray[np.bool_] | None = None) -> list[tuple[int, float]]:
        """Return at most ``k`` (row, score) pairs with a positive score, best first; ``allowed`` as in `DenseIndex`."""

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

    def duplicates(self, passage_id: str) -> list[Passage]:
        """Return the other passages that hold nearly the same text, in the order of their documents' paths."""

    def allowed_rows(
        self, *, source_ids: Collection[str] | None = None, superseded: bool = False
    ) -> NDArray[np.bool_] | None:
        """Return which rows may be found, or ``None`` where all may.

        ``source_ids`` leaves only those documents; reports that a later edition replaced need ``superseded``.
        """

    def pages(self, source_id: str) -> list[PageInfo]:
        """Return the pages of a document; empty for a format without pages. Raises `NotFound`."""

    def boxes(self, source_id: str, start: int, end: int) -> list[LineBox]:
        """Return where the lines of ``text[start:end]`` stand on their pages; raises `NotFound`."""

    def passages_of(self, source_id: str) -> list[Passage]:
        """Return all passages of one document, in reading order."""

    def unit_vectors(self, passage_id: str) -> Vectors:
        """Return the vectors of the passage's units, in order; all zeros for units that are never ranked by meaning."""

    def source(self, source_id: str) -> Source:
        """Return one document's catalogue entry; raise `NotFound` when there is none."""

    def sources(self) -> list[Source]:
        """Return every document's catalogue entry, ordered by title."""

    def document_text(self, source_id: str) -> str:
        """Return the document's normalised text, which all spans index into."""


class ReportFile(Protocol):
    """One file of the report folder that was found, and not read yet."""

    @property
    def path(self) -> str:
        """The file's name relative to the report folder, with forward slashes."""

    @property
    def source_id(self) -> str:
        """The document's id."""

    @property
    def key(self) -> str:
        """A hash of all that decides what `read` returns: two files with one key give the same text and metadata."""

    def read(self) -> Document:
        """Read the file; raises `UnreadableDocument`."""


class IndexDraft(Protocol):
    """A new index that is being written, document by document in the order of their paths."""

    @property
    def passages(self) -> int:
        """Passages written so far."""

    @property
    def units(self) -> int:
        """Units written so far."""

    @property
    def reused(self) -> int:
        """Passages whose vector came from an earlier build."""

    @property
    def approximation(self) -> Approximation | None:
        """What `finish` measured of the search by meaning; ``None`` where every vector is compared anyway."""

    def carry(self, source_ids: Sequence[str]) -> None:
        """Take documents that did not change over from the index before, with their passages and vectors."""

    def add(self, document: Document, passages: Sequence[Passage]) -> None:
        """Write a document that is new or changed; vectors of texts that an earlier build embedded are found again."""

    def missing(self) -> int:
        """Return how many different texts have no vector yet."""

    def batches(self, size: int) -> Iterator[list[str]]:
        """Yield the texts without a vector, at most ``size`` at a time, longest first."""

    def fill(self, texts: Sequence[str], vectors: Vectors) -> None:
        """Write the vectors of ``texts`` wherever these texts stand."""

    def finish(self, superseded: Collection[str]) -> None:
        """Write what needs all passages: lexical and dense index, near-duplicates, the state of each report.

        ``superseded`` holds the paths of the reports that a later edition replaces.
        """

    def close(self) -> None:
        """Let go of all files; the folder is whoever made it to keep or to remove."""


class IndexWriter(Protocol):
    """Writes new indexes, each into a folder of its own."""

    def prepare(self) -> None:
        """Load what new text needs, so that `IndexDraft.add` does not wait for it; from any thread."""

    def dense_recipe(self, passages: int) -> str:
        """Return what decides how search by meaning is made in an index of so many passages; `EXACT` for the usual."""

    def begin(
        self,
        folder: Path,
        *,
        embedder: Embedder,
        previous: Path | None,
        leftovers: Sequence[Path],
    ) -> IndexDraft:
        """Start an index in the empty ``folder``.

        ``previous`` is the folder of the live index, where this version can read it; ``leftovers`` are folders of
        builds that were stopped, and of use only for the vectors in them.
        """


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
    ) -> Iterator[str | Queued | Draft]:
        """Yield pieces of text as they are written, then one `Draft` with the whole.

        Where others are served first, a `Queued` comes before that, and one more whenever its place changes.
        Generation ends early when ``cancelled()`` turns true. Raises `GeneratorUnavailable` when the model is not
        there, or goes away while it writes.
        """


class Progress(Protocol):
    """Where long steps report to."""

    def __call__(self, step: str, items: int, done: int) -> None:
        """Say that ``done`` more of ``items`` are finished in ``step``."""
