"""The child process of the calibration: loads the model once, and times it with whatever settings it is told to try.

Started as ``python -P -m spreadguide.adapters.llama_trial OPTIONS``, like the worker. Each line of its input is a JSON
object with options to change, and how many tokens to ``read`` and to ``write``; each is answered by ``measured`` with
``prompt`` and ``writing``, the seconds that a token took. ``ready`` or ``failed`` (``kind``, ``reason``) comes first.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from spreadguide.adapters.llama_engine import EngineOptions, open_context
from spreadguide.adapters.llama_loading import EngineError, NativeLog, import_native, load_model
from spreadguide.adapters.llama_worker import check_memory

TEXT = (
    "The team began with two wards in the spring. Each nurse was shown the new chart twice, and asked what got in the "
    "way. By the summer, eleven of the fourteen wards had taken it up, at a cost of 320 pounds for each bed. Patients "
    "waited nine minutes less on average. Two wards stopped, because the printer stood too far away and nobody had "
    "been asked to move it. A second visit, six weeks later, cured most of that. "
)
"""What is read and written in each trial; our own words, in the manner of the reports."""

WARM_UP_TOKENS = 8
"""Read first and thrown away: the first computation in a context also sets up memory."""


class Bench:
    """A loaded model, timed in a new context for each trial."""

    def __init__(self, options: EngineOptions) -> None:
        """Load the model; raises `EngineError`."""
        self._options = options
        self._native = import_native()
        self._log = NativeLog(self._native)
        check_memory(Path(options.model_path))
        self._native.llama_backend_init()
        self._model = load_model(self._native, Path(options.model_path), self._log)
        self._tokens = self._tokenised()

    def measure(self, read: int, write: int, **changes: Any) -> tuple[float, float]:
        """Return the seconds per token of reading ``read`` tokens and then writing ``write``; raises `EngineError`."""
        native, options = self._native, replace(self._options, **changes)
        context = open_context(native, self._model, options)
        if not context:
            raise self._log.failure("The model's working memory could not be set up.")
        try:
            self._decode(context, self._tokens[:WARM_UP_TOKENS])
            native.llama_memory_clear(native.llama_get_memory(context), True)
            began = time.perf_counter()
            for at in range(0, read, options.batch):
                self._decode(context, self._tokens[at : min(at + options.batch, read)])
            was_read = time.perf_counter()
            for at in range(read, read + write):
                self._decode(context, self._tokens[at : at + 1])
            ended = time.perf_counter()
        finally:
            native.llama_free(context)
        return (was_read - began) / read, (ended - was_read) / write

    def _decode(self, context: Any, tokens: Sequence[int]) -> None:
        buffer = (self._native.llama_token * len(tokens))(*tokens)
        code = self._native.llama_decode(context, self._native.llama_batch_get_one(buffer, len(tokens)))
        if code:
            raise EngineError("native", f"llama.cpp could not go on (code {code}).")

    def _tokenised(self) -> list[int]:
        native = self._native
        data = (TEXT * (self._options.context // len(TEXT.split()) + 1)).encode()
        buffer = (native.llama_token * len(data))()
        vocab = native.llama_model_get_vocab(self._model)
        size = native.llama_tokenize(vocab, data, len(data), buffer, len(data), False, False)
        return list(buffer[: max(size, 0)])


def run(options: EngineOptions, requests: IO[bytes], events: IO[bytes]) -> int:
    """Answer trials until the input ends; return the process's exit code."""

    def send(**event: Any) -> None:
        events.write(json.dumps(event).encode() + b"\n")
        events.flush()

    try:
        bench = Bench(options)
        send(event="ready")
        for line in requests:
            prompt, writing = bench.measure(**json.loads(line))
            send(event="measured", prompt=prompt, writing=writing)
    except EngineError as error:
        send(event="failed", kind=error.kind, reason=error.reason)
        return 1
    except BrokenPipeError:
        return 1
    return 0


def main() -> int:
    """Keep the protocol's stream to ourselves, then work."""
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return run(EngineOptions(**json.loads(sys.argv[1])), sys.stdin.buffer, events)


if __name__ == "__main__":
    sys.exit(main())
