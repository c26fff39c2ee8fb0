"""What the scripts of the peers share: one JSON object per line, in and out. Standard library only.

A script gets its options as one JSON object on the command line: ``corpus`` (a folder of Markdown files), ``embedder``
(a folder), ``model`` (a GGUF file), ``context``, ``threads`` and ``max_tokens``. It builds its index and then says
``{"event": "ready", "versions": {...}}``. For each line ``{"question": "..."}`` it says ``{"event": "first"}`` when the
first words of its answer are there, and ``{"event": "answer", "text": ..., "sources": [...], "cited_by": ...}`` at the
end. ``sources`` are the names of the files behind the references, number 1 first. ``cited_by`` is ``markers`` where the
text cites them by number, and ``whole`` where all of them belong to the answer as a whole. A question that fails ends
with ``{"event": "error", "said": "..."}``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

Answering = Callable[[str, Callable[[], None]], dict[str, Any]]
"""Answers a question; the second argument is to be called once the first words are there, as often as one likes."""

MARKERS, WHOLE = "markers", "whole"


def options() -> dict[str, Any]:
    """Return the options of this script."""
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found


def reports(corpus: str) -> list[str]:
    """Return the paths of the reports in a folder, in order."""
    return [str(path) for path in sorted(Path(corpus).glob("*.md"))]


def answer_of(text: str, sources: Sequence[str], cited_by: str) -> dict[str, Any]:
    """Return the end of a question: its answer, and the names of the files that it refers to."""
    return {"text": text, "sources": [Path(name).name for name in sources], "cited_by": cited_by}


def own_output() -> TextIO:
    """Keep the standard output for the protocol alone: whatever else is printed, by C code too, goes to the log."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return out


def serve(build: Callable[[dict[str, Any]], Answering], packages: Sequence[str]) -> None:
    """Build the peer's index and engine, then answer questions until the input ends."""
    out = own_output()

    def say(event: str, **more: Any) -> None:
        print(json.dumps({"event": event, **more}), file=out, flush=True)

    answering = build(options())
    say("ready", versions={name: version(name) for name in packages})
    for line in sys.stdin:
        told = False

        def first() -> None:
            nonlocal told
            if not told:
                told = True
                say("first")

        try:
            found = answering(json.loads(line)["question"], first)
        except Exception as error:  # noqa: BLE001 - whatever a library raises is the outcome of this question
            say("error", said=repr(error))
        else:
            first()
            say("answer", **found)
