"""What the generator's tests share."""

import contextlib
import importlib.util
import sys

import pytest
from llama_helpers import SCRIPTED_CHILD

from spreadguide.adapters.llama_process import LlamaProcess
from spreadguide.adapters.llama_settings import LlamaSettings
from spreadguide.models.catalogue import load_catalogue
from spreadguide.models.files import model_path, models_dir


@pytest.fixture
def scripted(tmp_path):
    """Make supervised scripted children; all are closed at the end."""
    made = contextlib.ExitStack()

    def make(mode="good", **settings):
        model = tmp_path / "model.gguf"
        model.write_bytes(b"GGUF")
        process = LlamaProcess(
            model,
            "scripted",
            chat_format="chatml",
            settings=LlamaSettings(**settings),
            command=[sys.executable, str(SCRIPTED_CHILD), mode],
        )
        made.callback(process.close)
        return process

    with made:
        yield make


@pytest.fixture(scope="session")
def smollm():
    """The path of the small real model, where there is one."""
    if importlib.util.find_spec("llama_cpp") is None:
        pytest.skip("llama.cpp is not installed: run scripts/llama_wheel.py")
    path = model_path(load_catalogue().get("smollm2-135m-instruct"), models_dir())
    if not path.is_file():
        pytest.skip("the model is not here: run `spreadguide models pull smollm2-135m-instruct`")
    return path
