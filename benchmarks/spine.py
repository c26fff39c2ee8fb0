"""Measures the way from reports to an answer, and prints what it found as one JSON object.

    python benchmarks/spine.py --corpus DIR --index DIR [--model ID_OR_PATH]

It measures the building of an index in a scratch folder, ``spreadguide ask --no-llm`` as a whole process, the first
evidence from a warm server and, with ``--model``, the memory of the server while it answers. Linux only: memory is
read as PSS, which counts a page shared by several processes once. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
from server_process import Running, server

from spreadguide import __version__
from spreadguide.adapters.index_files import IndexFiles
from spreadguide.building import make_embedder
from spreadguide.errors import SpreadGuideError
from spreadguide.indexing.build import build_index
from spreadguide.ingest import scan_corpus
from spreadguide.settings import load_settings

QUESTIONS = (
    "How long does Macmillan fund partner organisations to support adoption?",
    "What are the core pillars when adopting a proven innovation?",
    "How many wards took part in the PRASE trial, and how did they engage?",
    "How many people benefited from what the AHSNs spread?",
    "What did the Against the Odds report find?",
    "Who commissioned the King's Fund report?",
    "What do leaders do to help innovation spread?",
    "Why do innovations fail to spread in the NHS?",
    "What is the role of an adopter team?",
    "What should system decision-makers do?",
    "How much of the budget goes to adoption?",
    "What did the Spread Challenge ask for?",
    "How many innovators joined the NHS Innovation Accelerator?",
    "What helps small innovative services to grow?",
    "How can analytics teams spread what works?",
    "What is FeNO testing, and where is it done?",
    "What does CAR-T therapy need locally?",
    "Why was the PRASE intervention diluted?",
    "How do patients take part in adoption?",
    "What do the reports say about electric vehicle charging?",
)
"""In scope, so that each is searched for; the last one is covered by no report."""

ASK_RUNS = 5
ANSWER_SECONDS = 300.0
POLL_SECONDS = 0.2
"""How often memory is read."""

MODEL_QUESTIONS = 6
"""Questions answered while memory is read: it no longer grows after the longest prompt."""

MEGABYTE = 1e6


def build_seconds(corpus: Path, index: Path) -> dict[str, Any]:
    """Build the index of ``corpus`` in the empty folder ``index``, with the embedding model already loaded."""
    embedder = make_embedder(load_settings())
    embedder.embed_documents(["A sentence that loads the model."])
    summary = build_index(
        scan_corpus(corpus).files,
        warnings=(),
        embedder=embedder,
        writer=IndexFiles(),
        index_dir=index,
        progress=lambda *_: None,
    )
    return {
        "documents": summary.documents,
        "passages": summary.passages,
        "seconds": round(summary.seconds, 2),
    }


def ask_seconds(index: Path) -> dict[str, Any]:
    """Time ``spreadguide ask --no-llm`` from start to end, several times over."""
    command = [sys.executable, "-m", "spreadguide", "ask", "--no-llm", "--index", str(index), QUESTIONS[0]]
    runs = []
    for _ in range(ASK_RUNS):
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(done.stderr.strip())
        runs.append(round(time.perf_counter() - began, 2))
    return {"median_seconds": statistics.median(runs), "runs_seconds": runs}


def first_evidence(index: Path, questions: int) -> dict[str, Any]:
    """Time the event ``retrieved`` of a warm server, in milliseconds from sending the question."""
    with server(index, "--no-llm") as running, _client(running) as client:
        _retrieved_after(client, QUESTIONS[0])
        found = [_retrieved_after(client, QUESTIONS[number % len(QUESTIONS)]) for number in range(questions)]
    return {
        "questions": questions,
        "p50_milliseconds": round(statistics.median(found)),
        "p95_milliseconds": round(statistics.quantiles(found, n=20, method="inclusive")[-1]),
    }


def _retrieved_after(client: httpx.Client, question: str) -> float:
    began = time.perf_counter()
    found: float | None = None
    with client.stream("POST", "/v1/ask", json={"question": question, "stream": True}) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if found is None and line == "event: retrieved":
                found = (time.perf_counter() - began) * 1000
    if found is None:
        raise SystemExit(f"The server sent no evidence for: {question}")
    return found


def server_memory(index: Path, model: str) -> dict[str, Any]:
    """Return the highest memory of the server and its children while the model answers."""
    with server(index, "--model", model) as running, Memory(running.process.pid) as memory, _client(running) as client:
        running.wait_ready()
        answers = [client.post("/v1/ask", json={"question": question}) for question in QUESTIONS[:MODEL_QUESTIONS]]
    return {
        "model": model,
        "answers": len(answers),
        "written_by_the_model": sum(
            answer.raise_for_status().json()["trace"]["model"] is not None for answer in answers
        ),
        "peak_pss_megabytes": round(memory.peak_pss / MEGABYTE),
        "peak_uss_megabytes": round(memory.peak_uss / MEGABYTE),
        "samples": memory.samples,
    }


class Memory:
    """Reads the memory of a process and its children again and again, and keeps the highest sums (bytes)."""

    def __init__(self, pid: int) -> None:
        self.peak_pss = 0
        self.peak_uss = 0
        self.samples = 0
        self._root = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(POLL_SECONDS):
            with suppress(psutil.NoSuchProcess):
                parts = [one.memory_full_info() for one in (self._root, *self._root.children(recursive=True))]
                self.peak_pss = max(self.peak_pss, sum(part.pss for part in parts))
                self.peak_uss = max(self.peak_uss, sum(part.uss for part in parts))
                self.samples += 1


def _client(running: Running) -> httpx.Client:
    return httpx.Client(base_url=running.address, timeout=ANSWER_SECONDS, trust_env=False)


def main() -> int:
    """Measure, and print the result."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--corpus", type=Path, default=Path("corpus"), help="reports to build an index of")
    options.add_argument("--index", type=Path, help="index to ask; the one built here when left out")
    options.add_argument("--questions", type=int, default=len(QUESTIONS), help="questions for the first evidence")
    options.add_argument("--model", help="id or path of the generator, to measure the server's memory with it")
    given = options.parse_args()
    if given.questions < 2:
        options.error("--questions must be 2 or more")
    with tempfile.TemporaryDirectory() as scratch:
        result: dict[str, Any] = {
            "spreadguide": __version__,
            "cores": len(os.sched_getaffinity(0)),
            "index_build": build_seconds(given.corpus, Path(scratch)),
        }
        index = given.index or Path(scratch)
        result["ask_no_llm"] = ask_seconds(index)
        result["first_evidence"] = first_evidence(index, given.questions)
        if given.model:
            result["server_memory"] = server_memory(index, given.model)
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SpreadGuideError as error:
        sys.exit(f"{error.message} {error.hint}")
