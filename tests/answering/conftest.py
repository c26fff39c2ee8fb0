"""An assistant over the shipped briefs, with whatever generator a test gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from remembering_judge import RememberingJudge

from spreadguide.answering.planning import AnswerSettings
from spreadguide.assistant import Assistant, Library
from spreadguide.building import make_embedder
from spreadguide.protocols import Embedder, Generator, PairJudge
from spreadguide.settings import load_settings
from spreadguide.wiring import make_reader, open_library

MakeAssistant = Callable[..., Assistant]


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return make_embedder(load_settings())


@pytest.fixture(scope="session")
def library(shipped_index: Path, embedder: Embedder) -> Iterator[Library]:
    index, library = open_library(load_settings(index_dir=shipped_index), embedder)
    yield library
    index.close()


@pytest.fixture(scope="session")
def reader() -> PairJudge:
    """The cross-encoder that ships, loaded once."""
    return RememberingJudge(make_reader())


@pytest.fixture(scope="session")
def make_assistant(library: Library, embedder: Embedder, reader: PairJudge) -> MakeAssistant:
    def make(generator: Generator | None, *, writes_open: bool = False) -> Assistant:
        return Assistant(library, embedder, reader, generator, AnswerSettings(writes_open=writes_open))

    return make
