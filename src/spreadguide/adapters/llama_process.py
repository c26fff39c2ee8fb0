"""The generator as the rest of the program sees it: a supervised child process that owns llama.cpp.

A crash, a damaged file or a lack of memory ends the child and never this process. This module imports neither
``llama_cpp`` nor torch.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spreadguide.adapters.llama_chat import CHAT_FORMATS
from spreadguide.adapters.llama_child import Child
from spreadguide.adapters.llama_engine import EngineOptions
from spreadguide.adapters.llama_requests import Requests
from spreadguide.adapters.llama_restarts import Restarts
from spreadguide.adapters.llama_settings import (
    WAITING,
    Failure,
    GeneratorState,
    GeneratorStatus,
    LlamaSettings,
    usable_cores,
)
from spreadguide.errors import ConfigError, GeneratorUnavailable
from spreadguide.types import Draft, Prompt, Queued

log = logging.getLogger(__name__)

PERMANENT = frozenset({"missing", "corrupt"})
"""Failures that starting again cannot cure; only another file or another installation can. A missing engine is not
among them: it may be found while pip is still unpacking it."""


class LlamaProcess:
    """A `Generator` that runs a GGUF file through llama.cpp in a child process; safe for threads.

    One request runs at a time; the others wait in order.
    """

    def __init__(
        self,
        model_path: Path,
        model_id: str,
        *,
        chat_format: str | None,
        settings: LlamaSettings,
        warm_up: Prompt | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """Prepare; nothing is started before `start`. Raises `ConfigError` for a chat format that does not exist.

        ``chat_format`` is ``"chatml"``, or ``None`` for the template inside the file. ``warm_up`` is a prompt whose
        system message and examples are read right after loading. ``command`` replaces the worker in tests.
        """
        if chat_format is not None and chat_format not in CHAT_FORMATS:
            known = ", ".join(sorted(CHAT_FORMATS))
            raise ConfigError(
                f"There is no chat format called {chat_format}.",
                hint=f"Use one of: {known}. Or leave it out, and the model file's own format is used.",
            )
        self._path = model_path
        self._model_id = model_id
        self._settings = settings
        self._options = EngineOptions(
            model_path=str(model_path),
            chat_format=chat_format,
            context=settings.context,
            batch=settings.batch,
            threads=settings.threads or usable_cores(),
            temperature=settings.temperature,
            repeat_penalty=settings.repeat_penalty,
            seed=settings.seed,
            kept=str(settings.kept) if settings.kept else None,
            threads_batch=settings.threads_batch,
            flash=settings.flash,
            cache_type=settings.cache_type,
        )
        self._warm_up = warm_up
        self._needs_engine = command is None
        self._command = command or (sys.executable, "-P", "-m", "spreadguide.adapters.llama_worker")
        self._lock = threading.Condition()
        self._state = GeneratorState(GeneratorStatus.MISSING, "The generator has not been started.")
        self._context = settings.context
        self._child: Child | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._supervised = False
        self._refused: tuple[object, ...] | None = None
        self._restarts = Restarts(settings)
        self._requests = Requests(settings.max_queue, settings.stall_timeout)

    @property
    def model_id(self) -> str:
        """The model's catalogue id, or its file name."""
        return self._model_id

    @property
    def ready(self) -> bool:
        """Whether the model is loaded and answering."""
        return self._state.status is GeneratorStatus.READY

    @property
    def state(self) -> GeneratorState:
        """Where the generator stands, and why."""
        return self._state

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and answer may take together; known for sure once the model is ready."""
        return self._context

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return self._requests.waiting

    @property
    def pid(self) -> int | None:
        """The child's process id while there is one."""
        child = self._child
        return child.pid if child else None

    def start(self) -> None:
        """Start loading in the background, if that can help; returns at once and may be called again and again."""
        with self._lock:
            if self._closed or self._supervised:
                return
            if obstacle := self._obstacle():
                self._set_state(obstacle)
                return
            if self._refused is not None and self._refused == self._signature():
                return
            self._restarts = Restarts(self._settings)
            self._set_state(GeneratorState(GeneratorStatus.LOADING, "The model is loading."))
            self._supervised = True
            self._thread = threading.Thread(target=self._supervise, name="llama-supervisor", daemon=True)
            self._thread.start()

    def wait_ready(self, timeout: float) -> bool:
        """Wait at most ``timeout`` seconds for the model; return whether it is ready.

        Returns early when no attempt will be made, for example because the file is missing.
        """
        with self._lock:
            self._lock.wait_for(lambda: self.ready or not self._supervised, timeout)
            return self.ready

    def close(self) -> None:
        """End the child for good; safe to call twice."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()
            child, thread = self._child, self._thread
        if child is not None:
            child.stop()
        if thread is not None:
            thread.join()
        with self._lock:
            self._set_state(GeneratorState(GeneratorStatus.MISSING, "The generator has been shut down."))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the length of each text in the model's tokens; raises `GeneratorUnavailable`."""
        return self._requests.count(self._ready_child(), list(texts)) if texts else []

    def generate(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancelled: Callable[[], bool] = bool
    ) -> Iterator[str | Queued | Draft]:
        """Yield the place in the queue while others are served, pieces of text, then one `Draft`.

        Closing the iterator, or ``cancelled()``, stops the model.
        Raises `GeneratorUnavailable` when the model is not ready, when too many requests wait, and when the child
        ends or falls silent.
        """
        request = {"op": "generate", "messages": chat_messages(prompt), "max_tokens": max_tokens, "stop": list(stop)}
        yield from self._requests.generate(self._ready_child, request, cancelled)

    def _ready_child(self) -> Child:
        with self._lock:
            if self._child is None or not self.ready:
                raise GeneratorUnavailable(self._state.reason, hint=self._state.hint)
            return self._child

    def _obstacle(self) -> GeneratorState | None:
        """Return what stands in the way before a child is worth starting, without importing anything heavy."""
        # Packages that were installed after this process began must be seen.
        importlib.invalidate_caches()
        if self._needs_engine and importlib.util.find_spec("llama_cpp") is None:
            return Failure("engine", "llama.cpp is not installed yet.").state()
        if not self._path.is_file():
            return Failure("missing", "The model file is not on this machine yet.").state()
        return None

    def _signature(self) -> tuple[object, ...]:
        """Return what identifies the model file and the installed engine as they are now."""
        spec = importlib.util.find_spec("llama_cpp") if self._needs_engine else None
        found = []
        for path in (self._path, Path(spec.origin) if spec and spec.origin else None):
            try:
                stat = path.stat() if path else None
            except FileNotFoundError:
                stat = None
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns) if stat else None)
        return tuple(found)

    def _supervise(self) -> None:
        while True:
            signature = self._signature()
            failure = self._run_child()
            if not self._closed:
                log.warning("generator: %s", failure.reason)
            with self._lock:
                self._child = None
                state, delay = self._after(failure, signature)
                self._set_state(state)
            self._requests.gone(state.reason, state.hint)
            with self._lock:
                if delay is None or self._lock.wait_for(lambda: self._closed, delay):
                    self._supervised = False
                    self._lock.notify_all()
                    return
                self._set_state(self._restarts.starting_again())

    def _after(self, failure: Failure, signature: tuple[object, ...]) -> tuple[GeneratorState, float | None]:
        """Return the state after a child's end, and the seconds until the next try (``None`` for no other try)."""
        if self._closed:
            return failure.state("The generator is shutting down."), None
        if failure.kind in PERMANENT:
            self._refused = signature
            return failure.state(), None
        return self._restarts.crashed(failure)

    def _set_state(self, state: GeneratorState) -> None:
        """Needs the lock."""
        self._state = state
        self._lock.notify_all()

    def _run_child(self) -> Failure:
        """Run one child from its start to its end; return why it ended."""
        try:
            command = [*self._command, json.dumps(asdict(self._options))]
            child = Child(command, {**os.environ, **WAITING[self._settings.waiting]})
        except OSError as error:
            return Failure("crash", f"The generator's process cannot be started: {error.strerror}.")
        with self._lock:
            self._child = child
            closing = self._closed
        if closing:
            child.kill("it is no longer needed")
        late = threading.Timer(self._settings.start_timeout, child.kill, ["it did not load in time"])
        late.daemon = True
        late.start()
        failure = None
        for event in child.events():
            match event["event"]:
                case "ready":
                    late.cancel()
                    self._welcome(child, event)
                case "failed":
                    failure = Failure(str(event.get("kind")), str(event.get("reason")))
                case _:
                    self._requests.take(event)
        late.cancel()
        end = self._farewell(child)
        return failure or end

    def _welcome(self, child: Child, event: dict[str, Any]) -> None:
        self._context = int(event["context"])
        if self._warm_up is not None:
            probes = [chat_messages(self._warm_up, user) for user in ("a", "b")]
            self._requests.warm(child, {"op": "warm", "messages": probes})
        self._restarts.ready()
        with self._lock:
            self._set_state(GeneratorState(GeneratorStatus.READY))
        log.info("generator: %s is ready", self._model_id)

    @staticmethod
    def _farewell(child: Child) -> Failure:
        child.stop()
        how = child.wait()
        if messages := child.messages():
            log.info("the generator's last messages:\n%s", messages)
        child.release()
        return Failure("crash", f"The generator stopped: {how}.")


def chat_messages(prompt: Prompt, user: str | None = None) -> list[tuple[str, str]]:
    """Return the prompt as (role, text) messages, fixed text first; ``user`` takes the place of its question."""
    messages = [("system", prompt.system)]
    for asked, answered in prompt.examples:
        messages += [("user", asked), ("assistant", answered)]
    return [*messages, ("user", prompt.user if user is None else user)]
