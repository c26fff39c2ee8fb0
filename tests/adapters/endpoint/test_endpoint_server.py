"""A real server of llama.cpp with a real model, reached as an endpoint: whole answers, checked like all others."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from spreadguide.adapters.endpoint_generator import EndpointGenerator
from spreadguide.adapters.endpoint_settings import EndpointSettings
from spreadguide.errors import GeneratorUnavailable
from spreadguide.models.catalogue import load_catalogue
from spreadguide.models.files import is_present, model_path, models_dir
from spreadguide.settings import Settings, load_settings
from spreadguide.types import Draft, FinishReason, Prompt, Status, SupportLevel
from spreadguide.wiring import Services

MODEL = "smollm2-135m-instruct"
KEY = "a-key-of-this-test"
START_SECONDS = 120.0
TEXT_SECONDS = 300.0
"""How long the small model may take on a busy machine."""
QUESTION, FACT = "How many people benefited from what the AHSNs spread?", "6 million"
PROMPT = Prompt("You answer.", (), "Tell a long story of a cat.")

pytestmark = [
    pytest.mark.llm,
    pytest.mark.slow,
    pytest.mark.skipif(
        any(find_spec(needed) is None for needed in ("llama_cpp", "sse_starlette", "starlette_context"))
        or not is_present(load_catalogue().get(MODEL), models_dir()),
        reason=f"needs llama.cpp with its server, and the model: spreadguide models pull {MODEL}",
    ),
]


@dataclass
class Server:
    address: str
    process: subprocess.Popen[bytes]
    log: Path


def start(folder: Path) -> Server:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = model_path(load_catalogue().get(MODEL), models_dir())
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(path), "--model_alias", "small"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--api_key", KEY]
    command += ["--n_ctx", "4096", "--n_threads", "1", "--n_threads_batch", "1", "--logits_all", "False"]
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    return Server(f"http://127.0.0.1:{port}/v1", process, log)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = start(tmp_path)
    yield found
    found.process.kill()
    found.process.wait()


def arrived(generator: EndpointGenerator, server: Server) -> EndpointGenerator:
    pause = threading.Event()
    steps = int(START_SECONDS / 0.1)
    assert any(generator.ready or pause.wait(0.1) for _ in range(steps)), server.log.read_text()
    return generator


def test_a_real_server_writes_stops_and_refuses(server: Server) -> None:
    there = EndpointSettings(server.address, "small", KEY, first_text=TEXT_SECONDS, whole=TEXT_SECONDS)
    stranger = EndpointGenerator(EndpointSettings(server.address, "small", "another-key"))
    generator = EndpointGenerator(there)
    generator.start()
    try:
        arrived(generator, server)
        *pieces, draft = generator.generate(PROMPT, max_tokens=12)
        assert isinstance(draft, Draft)
        assert len(pieces) > 3
        assert (draft.text, draft.finish) == ("".join(pieces), FinishReason.LENGTH)
        stop = threading.Event()
        running = generator.generate(PROMPT, max_tokens=1000, cancelled=stop.is_set)
        assert next(running)
        stop.set()
        *_, draft = running
        assert isinstance(draft, Draft)
        assert draft.finish is FinishReason.CANCELLED
        *_, draft = generator.generate(PROMPT, max_tokens=12)
        assert isinstance(draft, Draft)
        assert draft.text
        stranger.start()
        stranger.wait(START_SECONDS)
        with pytest.raises(GeneratorUnavailable, match="does not accept the key"):
            next(stranger.generate(PROMPT, max_tokens=1))
    finally:
        stranger.close()
        generator.close()


def settings_for(server: Server, index: Path) -> Settings:
    return load_settings(
        index_dir=index,
        endpoint=server.address,
        endpoint_model="small",
        endpoint_key=KEY,
        endpoint_first_seconds=TEXT_SECONDS,
        endpoint_seconds=TEXT_SECONDS,
    )


def test_whole_answers_are_checked_and_outlive_the_server(server: Server, shipped_index: Path) -> None:
    services = Services(settings_for(server, shipped_index))
    try:
        assert isinstance(services.generator, EndpointGenerator)
        arrived(services.generator, server)
        with services.lease() as assistant:
            found = assistant.answer(QUESTION)
            assert found.status is Status.ANSWERED
            assert FACT in found.text
            assert found.warnings == ()
            assert found.trace.model == "small"
            assert '"POST /v1/chat/completions HTTP/1.1" 200' in server.log.read_text()
            assert found.claims
            for claim in found.claims:
                assert (claim.support is SupportLevel.UNSUPPORTED) == (claim.citations == ())
                assert claim.support is not SupportLevel.UNSUPPORTED or claim.text not in found.text
            server.process.kill()
            server.process.wait()
            quoted = assistant.answer("How long does Macmillan fund partner organisations to support adoption?")
        assert quoted.status is Status.ANSWERED
        assert "up to three years" in quoted.text
        assert {claim.support for claim in quoted.claims} == {SupportLevel.QUOTED}
        assert any("endpoint" in warning for warning in quoted.warnings)
    finally:
        services.close()
