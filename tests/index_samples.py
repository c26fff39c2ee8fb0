"""Small documents, an embedder without a model, and the one-line build that the index tests share."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spreadguide.adapters.index_files import IndexFiles
from spreadguide.indexing.build import build_index
from spreadguide.protocols import Embedder, IndexWriter, Progress, ReportFile, Vectors
from spreadguide.text import terms
from spreadguide.types import Block, BlockKind, BuildSummary, Document, Metadata, Span

DIMENSION = 64


class WordEmbedder:
    """Adds up one fixed random direction per word; counts what it was asked to embed."""

    def __init__(self, embedder_id: str = "words@1") -> None:
        self.embedder_id = embedder_id
        self.dimension = DIMENSION
        self.embedded: list[str] = []
        self.prepared = 0

    def prepare(self) -> None:
        self.prepared += 1

    def embed_documents(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Vectors:
        self.embedded.extend(texts)
        if progress is not None:
            progress(len(texts))
        return self.embed_queries(texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        sums = np.array([sum(map(self._direction, terms(text)), np.full(DIMENSION, 1e-3)) for text in texts])
        return (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)

    def _direction(self, term: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(term.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).standard_normal(DIMENSION)


def document(path: str, title: str, *paragraphs: str) -> Document:
    """Make a document; a paragraph that starts with ``#`` is a heading, with ``-`` an item of a list."""
    text, blocks, lead_in = "", [Block(BlockKind.HEADING, Span(0, len(title)), level=1)], None
    text = title
    for paragraph in paragraphs:
        words = paragraph.lstrip("#- ")
        span = Span(len(text) + 2, len(text) + 2 + len(words))
        text += f"\n\n{words}"
        if paragraph.startswith("#"):
            blocks.append(Block(BlockKind.HEADING, span, level=2))
        elif paragraph.startswith("-"):
            blocks.append(Block(BlockKind.LIST_ITEM, span, level=1, list_id=1, lead_in=lead_in))
        else:
            blocks.append(Block(BlockKind.PARAGRAPH, span))
            lead_in = span
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    metadata = Metadata(title, publisher="A Trust", authors=("A. Writer", "Ö. Other"), year=2020)
    return Document(path.replace(".", "-"), path, metadata, text, tuple(blocks), sha256)


def reports() -> list[Document]:
    """Three short reports with headings, a list and a quotation."""
    return [
        document(
            "wards.md",
            "Safety on hospital wards",
            "# What was tried",
            "Thirty-three wards took part in the trial. Patients filled in a short questionnaire at the bedside.",
            "# What happened",
            "Staff did not meet often enough to act on the answers. Half of the wards wrote no plan.",
        ),
        document(
            "funding.md",
            "Helping others adopt a service",
            "# Money",
            "The charity funds partner organisations for up to three years.",
            "Adopters also get:",
            "- a named adviser for the first year",
            "- a network of peers who meet each quarter",
            "# People",
            "The programme lead said: 'Adopting is as hard as inventing. It deserves the same praise.'",
        ),
        document(
            "reach.txt",
            "Numbers reached by the networks",
            "More than 300,000 people benefited from the programmes that the networks spread.",
            "Technology such as remote monitoring spread faster than new ways of working.",
        ),
    ]


@dataclass(frozen=True)
class ReadReport:
    """A document that is there already, as a `ReportFile`."""

    document: Document

    @property
    def path(self) -> str:
        return self.document.path

    @property
    def source_id(self) -> str:
        return self.document.source_id

    @property
    def key(self) -> str:
        return hashlib.sha256(repr((self.document.sha256, self.document.metadata)).encode()).hexdigest()

    def read(self) -> Document:
        return self.document


def ignore(*_: object) -> None:
    """Report progress to nobody."""


def build(
    index_dir: Path,
    documents: Sequence[Document] | None = None,
    *,
    embedder: Embedder | None = None,
    writer: IndexWriter | None = None,
    progress: Progress = ignore,
    files: Sequence[ReportFile] | None = None,
) -> BuildSummary:
    """Build an index of the sample reports, of ``documents``, or of ``files``."""
    return build_index(
        files or [ReadReport(document) for document in (reports() if documents is None else documents)],
        warnings=(),
        embedder=embedder or WordEmbedder(),
        writer=writer or IndexFiles(),
        index_dir=index_dir,
        progress=progress,
    )
