"""A generator that may not be there yet: it says so, and is used as soon as it is found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

from spreadguide.adapters import local_generator
from spreadguide.adapters.llama_settings import GeneratorStatus, LlamaSettings
from spreadguide.adapters.local_generator import LocalGenerator
from spreadguide.errors import GeneratorUnavailable, ModelCorrupt, ModelMissing
from spreadguide.models.catalogue import load_catalogue
from spreadguide.models.files import ResolvedModel, is_present, models_dir, resolve_generator
from spreadguide.types import Draft, Prompt

MODEL = "smollm2-135m-instruct"
PROMPT = Prompt("You answer in one word.", (), "Say hello.")
WAIT_SECONDS = 60.0

Make = Callable[[Callable[[], ResolvedModel]], LocalGenerator]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr(local_generator, "LOOK_EVERY_SECONDS", 0.05)
    made: list[LocalGenerator] = []

    def start(resolve: Callable[[], ResolvedModel]) -> LocalGenerator:
        generator = LocalGenerator(resolve, MODEL, LlamaSettings(context=512))
        made.append(generator)
        generator.start()
        return generator

    yield start
    for generator in made:
        generator.close()
        generator.close()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ModelMissing("The file is not here.", hint="Pull it."), GeneratorStatus.MISSING),
        (ModelCorrupt("The file is damaged.", hint="Pull it again."), GeneratorStatus.CRASHED),
    ],
)
def test_what_is_in_the_way_is_said(make: Make, error: Exception, status: GeneratorStatus) -> None:
    def resolve() -> ResolvedModel:
        raise error

    generator = make(resolve)
    assert not generator.wait(WAIT_SECONDS)
    assert generator.state.status is status
    with pytest.raises(GeneratorUnavailable) as raised:
        list(generator.generate(PROMPT, max_tokens=4))
    assert raised.value.hint


@pytest.mark.llm
@pytest.mark.skipif(
    find_spec("llama_cpp") is None or not is_present(load_catalogue().get(MODEL), models_dir()),
    reason=f"needs llama.cpp and the model: spreadguide models pull {MODEL}",
)
def test_a_model_that_arrives_later_is_used(make: Make) -> None:
    arrived = threading.Event()

    def resolve() -> ResolvedModel:
        if not arrived.is_set():
            raise ModelMissing("The file is not here.", hint="Pull it.")
        return resolve_generator(MODEL, models_dir(), load_catalogue())

    generator = make(resolve)
    assert not generator.wait(WAIT_SECONDS)
    arrived.set()
    pause = threading.Event()
    assert any(generator.wait(WAIT_SECONDS) or pause.wait(0.05) for _ in range(200)), generator.state
    *_, draft = generator.generate(PROMPT, max_tokens=4)
    assert isinstance(draft, Draft)
    assert draft.completion_tokens > 0
    assert generator.count_tokens(["hello there"])[0] >= 2
