"""Measures llama-cpp-python by itself, on prompts as the server makes them, and prints one JSON object.

    python benchmarks/raw_engine.py OPTIONS < questions.json

OPTIONS is one JSON object: ``model_path``, ``context``, ``threads``, ``index``, ``prompts``, how many at most, and
``tokens``, how many to write after each. The questions are a JSON list of ``{"question", "history"}``. Prompts are set
in ChatML, as those of every model of the catalogue are. `answer.py` starts this in a process of its own.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from llama_cpp import Llama

from spreadguide.adapters.llama_chat import chatml
from spreadguide.adapters.llama_process import chat_messages
from spreadguide.answering.prompt import warm_up
from spreadguide.assistant import Assistant
from spreadguide.building import make_embedder
from spreadguide.settings import load_settings
from spreadguide.types import Draft, FinishReason, Prompt, Turn
from spreadguide.wiring import answer_settings, make_reader, open_library

WARM_UP_TOKENS = 32
"""Tokens evaluated and thrown away first: the first computation also sets up memory."""


class Recorder:
    """A `Generator` that writes nothing and keeps the prompts it was given."""

    model_id = "recorder"
    ready = True

    def __init__(self, tokens: Callable[[str], list[int]]) -> None:
        self.prompts: list[Prompt] = []
        self._tokens = tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the length of each text in the model's own tokens."""
        return [len(self._tokens(text)) for text in texts]

    def generate(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancelled: Callable[[], bool] = bool
    ) -> Iterator[str | Draft]:
        """Keep the prompt; yield an empty draft."""
        del max_tokens, stop, cancelled
        self.prompts.append(prompt)
        yield Draft("", FinishReason.STOP, 0, 0)


class Raw:
    """The model as llama-cpp-python runs it, with the server's number of threads and its context."""

    def __init__(self, options: dict[str, Any]) -> None:
        threads = options["threads"]
        self._llama = Llama(
            options["model_path"],
            n_ctx=options["context"],
            n_threads=threads,
            n_threads_batch=threads,
            verbose=False,
        )

    def tokens(self, text: str, *, special: bool = False) -> list[int]:
        """Return the tokens of ``text``; marks of the chat format are read as such only where they are ``special``."""
        found: list[int] = self._llama.tokenize(text.encode("utf-8", "replace"), add_bos=False, special=special)
        return found

    def rendered(self, prompt: Prompt, user: str | None = None) -> list[int]:
        """Return the tokens of a whole chat up to where the answer begins."""
        pieces = chatml(chat_messages(prompt, user))
        return [token for text, is_content in pieces for token in self.tokens(text, special=not is_content)]

    def measure(self, prompt: list[int], tokens: int) -> dict[str, float]:
        """Evaluate ``prompt`` from nothing, then write ``tokens`` tokens, the likeliest each time."""
        self._llama.reset()
        began = time.perf_counter()
        self._llama.eval(prompt)
        read = time.perf_counter()
        writing = self._llama.generate(prompt, temp=0.0)
        # The first token needs no computation: it is drawn from what reading the prompt gave.
        next(writing)
        first = time.perf_counter()
        for _ in range(tokens - 1):
            next(writing)
        ended = time.perf_counter()
        writing.close()
        return {
            "prompt_tokens": len(prompt),
            "prompt_tokens_per_second": round(len(prompt) / (read - began), 2),
            "tokens_per_second": round((tokens - 1) / (ended - first), 2),
        }


def prompts(index: Path, questions: Sequence[dict[str, Any]], recorder: Recorder) -> list[Prompt]:
    """Return the prompts that the model would get for these questions, as far as a model writes their answers."""
    settings = load_settings(index_dir=index)
    embedder = make_embedder(settings)
    opened, library = open_library(settings, embedder)
    assistant = Assistant(library, embedder, make_reader(), recorder, answer_settings(settings))
    try:
        for asked in questions:
            history = [Turn(turn["role"], turn["content"]) for turn in asked["history"]]
            assistant.answer(asked["question"], history=history)
    finally:
        opened.close()
    return recorder.prompts


def main() -> int:
    """Measure, and print the result."""
    options = json.loads(sys.argv[1])
    raw = Raw(options)
    found = prompts(Path(options["index"]), json.load(sys.stdin), Recorder(raw.tokens))
    if not found:
        print("The model writes the answer of none of these questions: ask more.", file=sys.stderr)
        return 1
    one, other = raw.rendered(warm_up(), "a"), raw.rendered(warm_up(), "b")
    fixed = next(at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    raw.measure(one[:WARM_UP_TOKENS], 2)
    runs = [raw.measure(raw.rendered(prompt), options["tokens"]) for prompt in found[: options["prompts"]]]
    print(json.dumps({"fixed_tokens": fixed, "runs": runs}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
