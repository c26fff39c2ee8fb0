"""The generator of a server that may start before its model is there: it looks for both until they are found."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from spreadguide.adapters.llama_process import LlamaProcess
from spreadguide.adapters.llama_settings import GeneratorState, GeneratorStatus, LlamaSettings
from spreadguide.adapters.llama_tuned import tuned
from spreadguide.errors import GeneratorUnavailable, ModelError, ModelMissing
from spreadguide.models.files import ResolvedModel
from spreadguide.types import Draft, Prompt, Queued

LOOK_EVERY_SECONDS = 2.0
"""How often a model or engine that is not there yet is looked for."""

CLOSE_SECONDS = 3.0
"""Longest wait at the end for a model file that is just being hashed."""

WAIT_STEP_SECONDS = 0.05
"""How often `wait` looks whether the model has been loaded."""


class LocalGenerator:
    """A `Generator` over the model that ``resolve`` names, verified before it is loaded.

    ``resolve`` checks the file's hash; it raises `ModelMissing` while the file is not on this machine. What a
    calibration chose for the model is used where ``settings`` leave it open.
    """

    def __init__(
        self,
        resolve: Callable[[], ResolvedModel],
        model_id: str,
        settings: LlamaSettings,
        *,
        warm_up: Prompt | None = None,
    ) -> None:
        self._resolve = resolve
        self._model_id = model_id
        self._settings = settings
        self._warm_up = warm_up
        self._process: LlamaProcess | None = None
        self._obstacle = GeneratorState(GeneratorStatus.LOADING, "The model is being looked for.")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look, name="generator-look-out", daemon=True)

    @property
    def model_id(self) -> str:
        """The model's catalogue id, or the file name of a model given by path."""
        return self._model_id

    @property
    def ready(self) -> bool:
        """Whether the model is loaded and answering."""
        return self._process is not None and self._process.ready

    @property
    def state(self) -> GeneratorState:
        """Where the generator stands, and why."""
        process = self._process
        return self._obstacle if process is None else process.state

    @property
    def pid(self) -> int | None:
        """The process id of the child that owns the model, while there is one."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Begin to look for the model and load it; returns at once."""
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until the model is ready or cannot be loaded, at most ``seconds``; return whether it is ready."""
        deadline = time.monotonic() + seconds
        while self.state.status is GeneratorStatus.LOADING and time.monotonic() < deadline:
            self._closing.wait(WAIT_STEP_SECONDS)
        return self.ready

    def close(self) -> None:
        """End the model's process and the look-out; safe to call twice."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)
        if self._process is not None:
            self._process.close()

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the length of each text in the model's tokens; raises `GeneratorUnavailable`."""
        return self._there().count_tokens(texts)

    def generate(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancelled: Callable[[], bool] = bool
    ) -> Iterator[str | Queued | Draft]:
        """Yield the place in the queue, pieces of text, then one `Draft`; raises `GeneratorUnavailable`."""
        return self._there().generate(prompt, max_tokens=max_tokens, stop=stop, cancelled=cancelled)

    def _there(self) -> LlamaProcess:
        if self._process is None:
            raise GeneratorUnavailable(self._obstacle.reason, hint=self._obstacle.hint)
        return self._process

    def _look(self) -> None:
        while not self._closing.is_set():
            if self._process is None:
                self._find()
            if self._process is not None:
                self._process.start()
            self._closing.wait(LOOK_EVERY_SECONDS)

    def _find(self) -> None:
        try:
            found = self._resolve()
        except ModelError as error:
            status = GeneratorStatus.MISSING if isinstance(error, ModelMissing) else GeneratorStatus.CRASHED
            self._obstacle = GeneratorState(status, error.message, error.hint)
            return
        if self._closing.is_set():
            return
        settings = tuned(self._settings, found.path)
        process = LlamaProcess(
            found.path, found.model_id, chat_format=found.chat_format, settings=settings, warm_up=self._warm_up
        )
        process.start()
        self._process = process
