"""The child process that owns llama.cpp: JSON lines in on stdin, JSON lines out on stdout.

Started as ``python -P -m spreadguide.adapters.llama_worker OPTIONS`` by `llama_process`, with `EngineOptions` as a
JSON object. Requests carry ``op``:

- ``generate`` (``id``, ``messages``, ``max_tokens``, ``stop``) is answered by ``text`` events and one ``done``;
- ``warm`` (``id``, ``messages``) evaluates what the two chats in ``messages`` have in common, or takes its memory from
  disk, and sends ``done``;
- ``cancel`` (``id``) ends that request and all before it;
- ``count`` (``id``, ``texts``) is answered at once by ``counts``, also while the model writes.

Events carry ``event``: ``ready`` or ``failed`` once, then the answers, ``alive`` now and then while llama.cpp
computes, and ``error`` (``kind``, ``reason``) where a request cannot be done. End of input ends the process.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, NoReturn

import psutil

from spreadguide.adapters.llama_engine import Aborted, Engine, EngineOptions, shared_length
from spreadguide.adapters.llama_kept import KeptStates
from spreadguide.adapters.llama_loading import EngineError
from spreadguide.adapters.llama_text import TextStream
from spreadguide.types import FinishReason

MEMORY_OVERHEAD_BYTES = 300 * 2**20
"""Room the worker takes beside the weights: Python, the context's memory at 4,096 tokens, buffers (measured)."""

ALIVE_SECONDS = 1.0
"""How often a long computation gives a sign of life: reading one batch of a prompt takes half a minute when the
processor is shared by many."""

OOM_SCORE = "800"
"""When memory runs out, the kernel shall end this process and not the server (0 to 1000, see proc(5))."""


class Worker:
    """Reads requests in one thread and does them in another, so that a cancel is heard at any moment."""

    def __init__(self, options: EngineOptions, requests: IO[bytes], events: IO[bytes]) -> None:
        self._options = options
        self._requests = requests
        self._events = events
        self._send_lock = threading.Lock()
        self._jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._engine: Engine | None = None
        self._current = 0
        self._cancelled_up_to = 0
        self._last_sign = time.monotonic()

    def run(self) -> int:
        """Load the model and do requests until the input ends; return the process's exit code."""
        threading.Thread(target=self._listen, name="requests", daemon=True).start()
        try:
            check_memory(Path(self._options.model_path))
            engine = Engine(self._options, self._must_stop)
        except EngineError as error:
            self._send(event="failed", kind=error.kind, reason=error.reason)
            return 1
        self._engine = engine
        self._send(event="ready", context=engine.context)
        while True:
            job = self._jobs.get()
            self._current = job["id"]
            try:
                (self._warm if job["op"] == "warm" else self._generate)(engine, job)
            except EngineError as error:
                self._send(event="error", id=job["id"], kind=error.kind, reason=error.reason)

    def _listen(self) -> None:
        for line in self._requests:
            request = json.loads(line)
            match request["op"]:
                case "cancel":
                    self._cancelled_up_to = max(self._cancelled_up_to, request["id"])
                case "count":
                    self._count(request)
                case _:
                    self._jobs.put(request)
        # The parent is gone or wants this process to end; native code may be busy, so nothing is tidied up.
        os._exit(0)

    def _send(self, **event: Any) -> None:
        line = json.dumps(event).encode() + b"\n"
        try:
            with self._send_lock:
                self._events.write(line)
                self._events.flush()
        except BrokenPipeError:
            os._exit(0)

    def _must_stop(self) -> bool:
        """Whether the running request is cancelled; llama.cpp asks this all through its work."""
        now = time.monotonic()
        if now - self._last_sign > ALIVE_SECONDS:
            self._last_sign = now
            self._send(event="alive", id=self._current)
        return self._current <= self._cancelled_up_to

    def _count(self, request: dict[str, Any]) -> None:
        # Tokenising reads the vocabulary only; llama.cpp's own server does it beside a running request too.
        if self._engine is None:
            self._send(event="error", id=request["id"], kind="loading", reason="The model is still loading.")
        else:
            self._send(event="counts", id=request["id"], counts=self._engine.count(request["texts"]))

    def _warm(self, engine: Engine, job: dict[str, Any]) -> None:
        one, other = (engine.render(messages) for messages in job["messages"])
        shared = one[: shared_length(one, other)]
        finish, restored = FinishReason.STOP, False
        if shared and len(shared) < engine.context:
            try:
                restored = self._read_ahead(engine, shared)
            except Aborted:
                finish = FinishReason.CANCELLED
        self._send(
            event="done",
            id=job["id"],
            finish=finish,
            prompt_tokens=len(shared),
            reused_tokens=len(shared) if restored else 0,
            completion_tokens=0,
        )

    def _read_ahead(self, engine: Engine, tokens: list[int]) -> bool:
        """Bring the engine's memory to ``tokens``; return whether it came from disk, where it is kept if it can be."""
        if self._options.kept is None:
            engine.evaluate(tokens)
            return False
        try:
            kept = KeptStates(Path(self._options.kept), engine.state_key(tokens))
        except FileNotFoundError:  # The model file was removed while it was loaded.
            engine.evaluate(tokens)
            return False
        if state := kept.load():
            if engine.restore(tokens, state):
                return True
            kept.forget()
        engine.evaluate(tokens)
        kept.save(engine.state())
        return False

    def _generate(self, engine: Engine, job: dict[str, Any]) -> None:
        tokens = engine.render(job["messages"])
        limit = min(job["max_tokens"], engine.context - len(tokens))
        if limit < 1:
            reason = f"The prompt takes {len(tokens)} tokens; the model reads at most {engine.context - 1}."
            raise EngineError("long", reason)
        stream = TextStream(job["stop"])
        written = reused = 0
        finish = None
        try:
            reused = engine.evaluate(tokens)
            for piece in engine.generate(limit):
                written += 1
                self._text(job, stream.feed(piece))
                if stream.finish is not None:
                    break
        except Aborted:
            finish = FinishReason.CANCELLED
        self._text(job, stream.close())
        finish = finish or stream.finish or (FinishReason.LENGTH if written == limit else FinishReason.STOP)
        self._send(
            event="done",
            id=job["id"],
            finish=finish,
            prompt_tokens=len(tokens),
            reused_tokens=reused,
            completion_tokens=written,
        )

    def _text(self, job: dict[str, Any], text: str) -> None:
        if text:
            self._send(event="text", id=job["id"], text=text)


def check_memory(model: Path) -> None:
    """Raise `EngineError` where the model would not fit into the memory that is free."""
    try:
        needed = model.stat().st_size + MEMORY_OVERHEAD_BYTES
    except OSError:
        return  # The engine says what is wrong with the file.
    free = min([psutil.virtual_memory().available, *_group_headroom()])
    if free < needed:
        reason = f"The model needs {needed / 2**30:.1f} GB of free memory, and {free / 2**30:.1f} GB is free."
        raise EngineError("memory", reason)


def _group_headroom() -> Iterable[int]:
    """Yield what a container's memory limit (cgroup v2) still allows, in bytes; nothing where there is no limit."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return
    if limit.isdigit():
        # File pages are given back when they are needed.
        yield int(limit) - used + int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0))


def main() -> NoReturn:
    """Keep the protocol's stream to ourselves, then work."""
    events = os.fdopen(os.dup(1), "wb")
    # Whatever native code or a library prints must not land between the protocol's lines.
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)
    except OSError as error:
        print(f"oom_score_adj: {error.strerror}", file=sys.stderr)  # noqa: T201 - stderr is this process's log
    options = EngineOptions(**json.loads(sys.argv[1]))
    code = Worker(options, sys.stdin.buffer, events).run()
    # An orderly end of the interpreter trips over the thread that waits for input.
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
