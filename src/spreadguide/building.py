"""The composition root of a build: settings → index.

It stands apart from `wiring`, because an update takes seconds, and importing what answers questions would be one more.
"""

from __future__ import annotations

from pathlib import Path

from spreadguide.adapters.index_files import IndexFiles
from spreadguide.adapters.minilm import MiniLM
from spreadguide.adapters.sentence_transformer import SentenceTransformerEmbedder
from spreadguide.indexing.build import build_index
from spreadguide.ingest import scan_corpus
from spreadguide.protocols import Embedder, Progress
from spreadguide.settings import DEFAULT_EMBEDDER, Settings, ingest_limits
from spreadguide.types import BuildSummary


def make_embedder(settings: Settings) -> Embedder:
    """Return the embedder that the settings name; nothing is loaded before it is used."""
    if settings.embedder == DEFAULT_EMBEDDER:
        return MiniLM()
    return SentenceTransformerEmbedder(Path(settings.embedder))


def build(settings: Settings, progress: Progress) -> BuildSummary:
    """Read the reports and bring the index up to date."""
    found = scan_corpus(settings.corpus_dir, limits=ingest_limits(settings))
    return build_index(
        found.files,
        warnings=found.warnings,
        embedder=make_embedder(settings),
        writer=IndexFiles(settings.dense_index),
        index_dir=settings.index_dir,
        progress=progress,
    )
