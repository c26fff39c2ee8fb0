"""The composition root of answers: settings → working parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from spreadguide.adapters.cross_encoder import CrossEncoder
from spreadguide.adapters.index_files import OpenIndex, open_index
from spreadguide.adapters.llama_settings import LlamaSettings, engine_dir
from spreadguide.adapters.local_generator import LocalGenerator
from spreadguide.adapters.served_generator import ServedGenerator
from spreadguide.answer_cache import AnswerCache, CachedAssistant
from spreadguide.answering.planning import AnswerSettings
from spreadguide.answering.prompt import warm_up
from spreadguide.assistant import Assistant, Library
from spreadguide.building import make_embedder
from spreadguide.indexing.publish import live_stamp
from spreadguide.models.catalogue import load_catalogue
from spreadguide.models.files import ResolvedModel, models_dir, resolve_generator
from spreadguide.protocols import Embedder, PairJudge
from spreadguide.retrieval.search import RetrievalSettings, Retriever
from spreadguide.settings import Settings
from spreadguide.switching import Switching

if TYPE_CHECKING:
    from spreadguide.adapters.endpoint_settings import EndpointSettings


def make_reader() -> PairJudge:
    """Return the cross-encoder that ships; nothing is loaded before it is used."""
    return CrossEncoder()


def open_library(settings: Settings, embedder: Embedder) -> tuple[OpenIndex, Library]:
    """Open the index after checking it; raises an `IndexingError` that says what to do."""
    index = open_index(settings.index_dir, embedder_id=embedder.embedder_id)
    retriever = Retriever(index.dense, index.lexical, index.store, embedder, RetrievalSettings())
    return index, Library(retriever, index.store, index.lexical, index.fingerprint)


def answer_settings(settings: Settings) -> AnswerSettings:
    """Return how answers are made."""
    return AnswerSettings(writes_open=settings.open_questions == "written")


def model_folder(settings: Settings) -> Path:
    """Return the folder of model files."""
    return settings.models_dir or models_dir()


def make_generator(settings: Settings) -> ServedGenerator | None:
    """Return the generator, not yet started, or ``None`` where only quotes are wanted.

    Raises `UnknownModel` at once when no model has the id that the settings name, and `ConfigError` when they name an
    endpoint that cannot be used.
    """
    if not settings.use_generator:
        return None
    if settings.endpoint:
        # Imported here: who uses no endpoint need not wait for what talks to one.
        from spreadguide.adapters.endpoint_generator import EndpointGenerator

        return EndpointGenerator(endpoint_settings(settings))
    catalogue = load_catalogue()
    name = settings.model
    is_path = name.lower().endswith(".gguf") or "/" in name
    model_id = Path(name).name if is_path else catalogue.get(name).id

    def resolve() -> ResolvedModel:
        return resolve_generator(name, model_folder(settings), catalogue)

    llama = LlamaSettings(
        context=settings.context, threads=settings.threads, max_queue=settings.max_queue, kept=engine_dir()
    )
    return LocalGenerator(resolve, model_id, llama, warm_up=warm_up())


def endpoint_settings(settings: Settings) -> EndpointSettings:
    """Return how the endpoint is used; raises `ConfigError`."""
    from spreadguide.adapters.endpoint_settings import EndpointSettings

    return EndpointSettings(
        address=settings.endpoint,
        model=settings.endpoint_model,
        key=settings.endpoint_key.get_secret_value(),
        parallel=settings.endpoint_requests,
        first_text=settings.endpoint_first_seconds,
        whole=settings.endpoint_seconds,
    )


@dataclass(frozen=True, slots=True)
class _OpenAssistant:
    """An assistant with the index that it answers from."""

    index: OpenIndex
    assistant: CachedAssistant

    def close(self) -> None:
        """Let go of the index."""
        self.index.close()


class Services:
    """Everything a running program holds: close it when done."""

    def __init__(self, settings: Settings) -> None:
        """Begin to load the generator, which goes on in the background, and open the index meanwhile."""
        self.settings = settings
        self.generator = make_generator(settings)
        embedder = make_embedder(settings)
        reader = make_reader()
        model_id = self.generator.model_id if self.generator is not None else None

        def opened() -> _OpenAssistant:
            index, library = open_library(settings, embedder)
            assistant = Assistant(library, embedder, reader, self.generator, answer_settings(settings))
            # A cache of its own: answers from an index go when it goes.
            return _OpenAssistant(index, CachedAssistant(assistant, AnswerCache(), model_id))

        with ExitStack() as begun:
            if self.generator is not None:
                self.generator.start()
                begun.callback(self.generator.close)
            self._live = Switching(opened, partial(live_stamp, settings.index_dir))
            begun.callback(self._live.close)
            # The first embedding loads the model, which takes half a second: not while somebody waits for an answer.
            embedder.embed_queries(["warm up"])
            reader.answers("warm up", ["warm up"])
            begun.pop_all()

    @contextmanager
    def lease(self) -> Iterator[CachedAssistant]:
        """Lend the assistant on the live index; it keeps that index until the block ends.

        When another index was published, it is opened in the background, and lent out from then on.
        """
        with self._live.lease() as found:
            yield found.assistant

    def settle(self) -> None:
        """Wait until an index that is being opened is in use."""
        self._live.settle()

    def close(self) -> None:
        """End the generator and let go of the index."""
        if self.generator is not None:
            self.generator.close()
        self._live.close()
