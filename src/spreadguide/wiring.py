"""The composition root: settings → working parts. The only module that knows every concrete class."""

from __future__ import annotations

from pathlib import Path

from spreadguide.adapters.index_files import IndexFiles, OpenIndex, open_index
from spreadguide.adapters.llama_settings import LlamaSettings
from spreadguide.adapters.local_generator import LocalGenerator
from spreadguide.adapters.minilm import MiniLM
from spreadguide.adapters.sentence_transformer import SentenceTransformerEmbedder
from spreadguide.answering.prompt import warm_up
from spreadguide.assistant import Assistant, Library
from spreadguide.models.catalogue import load_catalogue
from spreadguide.models.files import ResolvedModel, models_dir, resolve_generator
from spreadguide.protocols import Embedder, Progress
from spreadguide.retrieval.search import RetrievalSettings, Retriever
from spreadguide.settings import DEFAULT_EMBEDDER, MEGABYTE, Settings
from spreadguide.types import BuildSummary


def make_embedder(settings: Settings) -> Embedder:
    """Return the embedder that the settings name; nothing is loaded before it is used."""
    if settings.embedder == DEFAULT_EMBEDDER:
        return MiniLM()
    return SentenceTransformerEmbedder(Path(settings.embedder))


def build(settings: Settings, progress: Progress) -> BuildSummary:
    """Read the reports and bring the index up to date."""
    # Imported here: the readers take a third of a second, and who only asks needs none of them.
    from spreadguide.indexing.build import build_index
    from spreadguide.ingest import IngestLimits, read_corpus

    limits = IngestLimits(
        file_bytes=settings.max_file_megabytes * MEGABYTE,
        pdf_pages=settings.pdf_pages,
        pdf_seconds=settings.pdf_seconds,
        pdf_memory_bytes=settings.pdf_memory_megabytes * MEGABYTE,
        docx_bytes=settings.docx_megabytes * MEGABYTE,
    )
    corpus = read_corpus(settings.corpus_dir, limits=limits, progress=progress)
    return build_index(
        corpus.documents,
        warnings=corpus.warnings,
        embedder=make_embedder(settings),
        writer=IndexFiles(),
        index_dir=settings.index_dir,
        progress=progress,
    )


def open_library(settings: Settings, embedder: Embedder) -> tuple[OpenIndex, Library]:
    """Open the index after checking it; raises an `IndexingError` that says what to do."""
    index = open_index(settings.index_dir, embedder_id=embedder.embedder_id)
    retriever = Retriever(index.dense, index.lexical, index.store, embedder, RetrievalSettings())
    return index, Library(retriever, index.store, index.lexical, index.fingerprint)


def model_folder(settings: Settings) -> Path:
    """Return the folder of model files."""
    return settings.models_dir or models_dir()


def make_generator(settings: Settings) -> LocalGenerator | None:
    """Return the generator, not yet started, or ``None`` where only quotes are wanted.

    Raises `UnknownModel` at once when no model has the id that the settings name.
    """
    if not settings.use_generator:
        return None
    catalogue = load_catalogue()
    name = settings.model
    is_path = name.lower().endswith(".gguf") or "/" in name
    model_id = Path(name).name if is_path else catalogue.get(name).id

    def resolve() -> ResolvedModel:
        return resolve_generator(name, model_folder(settings), catalogue)

    llama = LlamaSettings(context=settings.context, threads=settings.threads, max_queue=settings.max_queue)
    return LocalGenerator(resolve, model_id, llama, warm_up=warm_up())


class Services:
    """Everything a running program holds: close it when done."""

    def __init__(self, settings: Settings) -> None:
        """Open the index and begin to load the generator, which goes on in the background."""
        self.settings = settings
        self.generator = make_generator(settings)
        embedder = make_embedder(settings)
        self._index, library = open_library(settings, embedder)
        self.assistant = Assistant(library, embedder, self.generator)
        # The first embedding loads the model, which takes half a second: not while somebody waits for an answer.
        embedder.embed_queries(["warm up"])
        if self.generator is not None:
            self.generator.start()

    def close(self) -> None:
        """End the generator and let go of the index."""
        if self.generator is not None:
            self.generator.close()
        self._index.close()
