"""The real application over a small real index, with whatever generator a test gives it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from remembering_judge import RememberingJudge
from scripted_generator import ScriptedGenerator
from small_corpus import write_reports
from starlette.testclient import TestClient

from spreadguide.api.app import create_app
from spreadguide.assistant import Assistant, Library
from spreadguide.building import build, make_embedder
from spreadguide.settings import load_settings
from spreadguide.wiring import answer_settings, make_reader, open_library

sys.path.insert(0, str(Path(__file__).parents[1] / "ui"))

ADDRESS = "http://127.0.0.1:8000"

MakeServices = Callable[[ScriptedGenerator | None], SimpleNamespace]
MakeClient = Callable[[ScriptedGenerator | None], TestClient]


@pytest.fixture(scope="session")
def index_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an index of the small reports, made with the real embedder."""
    corpus = write_reports(tmp_path_factory.mktemp("reports"))
    index = tmp_path_factory.mktemp("index")
    build(load_settings(corpus_dir=corpus, index_dir=index), lambda _step, _items, _done: None)
    return index


@pytest.fixture(scope="session")
def make_services(index_dir: Path) -> Iterator[MakeServices]:
    """Put a generator on the open index: what `Services` holds, but for the model that it would load."""
    settings = load_settings(index_dir=index_dir, open_questions="written")
    embedder = make_embedder(settings)
    index, library = open_library(settings, embedder)
    reader = RememberingJudge(make_reader())

    def make(generator: ScriptedGenerator | None) -> SimpleNamespace:
        assistant = Assistant(library, embedder, reader, generator, answer_settings(settings))
        lease = partial(nullcontext, assistant)
        return SimpleNamespace(settings=settings, generator=generator, lease=lease, close=lambda: None)

    yield make
    index.close()


@pytest.fixture(scope="session")
def library(make_services: MakeServices) -> Library:
    with make_services(None).lease() as assistant:
        return assistant.library


@pytest.fixture(scope="session")
def make_client(make_services: MakeServices) -> MakeClient:
    """Call the application in this process; an error that nobody foresaw comes out as the client would see it."""

    def make(generator: ScriptedGenerator | None) -> TestClient:
        return TestClient(create_app(make_services(generator)), base_url=ADDRESS, raise_server_exceptions=False)

    return make


@pytest.fixture(scope="session")
def client(make_client: MakeClient) -> TestClient:
    """The application without a generator: answers are quotes."""
    return make_client(None)


@pytest.fixture(scope="session")
def serve(make_services: MakeServices) -> Callable[[ScriptedGenerator | None], AbstractContextManager[str]]:
    """Serve the application with uvicorn on a free port; the context is the server's address."""
    from serving import serving

    @contextmanager
    def start(generator: ScriptedGenerator | None) -> Iterator[str]:
        with serving(lambda _address: create_app(make_services(generator))) as address:
            yield address

    return start
