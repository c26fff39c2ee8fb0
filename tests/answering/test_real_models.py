"""Real models write: the small one nonsense, the default one answers; neither puts a false word into the text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

from spreadguide.adapters.llama_settings import LlamaSettings
from spreadguide.adapters.local_generator import LocalGenerator
from spreadguide.answering.prompt import warm_up
from spreadguide.models.catalogue import load_catalogue
from spreadguide.models.files import is_present, models_dir, resolve_generator
from spreadguide.types import Answer, Status, SupportLevel

LOADING_SECONDS = 120.0
QUESTIONS = {
    "How long does Macmillan fund partner organisations to support adoption?": "up to three years",
    "How many people benefited from what the AHSNs spread?": "6 million",
    "How many projects joined the first round of Advancing Applied Analytics?": "12 projects",
}


@pytest.fixture(scope="module", params=["smollm2-135m-instruct", "qwen2.5-coder-1.5b-instruct"])
def generator(request: pytest.FixtureRequest) -> Iterator[LocalGenerator]:
    model = request.param
    if find_spec("llama_cpp") is None or not is_present(load_catalogue().get(model), models_dir()):
        pytest.skip(f"needs llama.cpp and the model: spreadguide models pull {model}")
    found = LocalGenerator(
        lambda: resolve_generator(model, models_dir(), load_catalogue()), model, LlamaSettings(), warm_up=warm_up()
    )
    found.start()
    assert found.wait(LOADING_SECONDS), found.state
    yield found
    found.close()


@pytest.mark.llm
@pytest.mark.slow
@pytest.mark.parametrize(("question", "fact"), QUESTIONS.items())
def test_the_fact_is_there_and_everything_shown_was_checked(
    make_assistant: Callable, generator: LocalGenerator, question: str, fact: str
) -> None:
    found: Answer = make_assistant(generator).answer(question)
    assert found.status is Status.ANSWERED
    assert fact in found.text
    assert found.trace.model == generator.model_id
    assert found.trace.prompt_tokens > 0
    for claim in found.claims:
        assert (claim.support is SupportLevel.UNSUPPORTED) == (claim.citations == ())
        if claim.support is SupportLevel.UNSUPPORTED:
            assert claim.text not in found.text
