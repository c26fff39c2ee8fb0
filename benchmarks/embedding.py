"""Compares the embedding of documents with `SentenceTransformer.encode`, and prints one JSON object.

    python benchmarks/embedding.py --corpus DIR [--texts N] [--slice N]

The texts are those that an index build embeds: passages and sentences of the reports in DIR, a random choice of N
(the same at each run). They are embedded in slices, each slice by one side right after the other and the first side
changing, so that a busy neighbour hurts both alike; the ratio is the median over the slices. The other side is
sentence-transformers with the same weights and every default of `encode`, on as many threads. Nothing leaves this
machine.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from spreadguide import __version__
from spreadguide.adapters import onnx_documents
from spreadguide.adapters.minilm import FULL_PACKAGE, MiniLM, verified_package
from spreadguide.adapters.onnx_session import THREADS, integers_are_exact
from spreadguide.indexing.chunking import chunk
from spreadguide.indexing.embedded_text import embedded_texts
from spreadguide.ingest import read_corpus

SEED = 20261122
BATCH_TOKENS = (256, 512, 1024, 2048)
"""Word pieces per call that are tried with ``--batches``."""

FIRST_TEXTS = """
import sys, time
started = time.perf_counter()
from spreadguide.adapters.minilm import MiniLM
MiniLM().embed_documents(["Adopters are funded for three years."] * 8)
import json
seconds = time.perf_counter() - started
try:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
except ImportError:
    peak = None
print(json.dumps({"seconds": seconds, "peak_bytes": peak, "torch": "torch" in sys.modules}))
"""


def texts_of(corpus: Path, count: int) -> list[str]:
    """Return ``count`` of the texts that a build of ``corpus`` embeds, each once, in random order."""
    documents = read_corpus(corpus).documents
    passages = [passage for document in documents for passage in chunk(document)]
    of_passages, of_units = embedded_texts(documents, passages)
    texts = sorted({*of_passages, *of_units})
    return random.Random(SEED).sample(texts, min(count, len(texts)))  # noqa: S311 - a sample, not a secret


def timed(embed: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> tuple[float, float, Any]:
    """Return wall-clock seconds, processor seconds of all threads, and the vectors."""
    wall, processor = time.perf_counter(), time.process_time()
    vectors = embed(texts)
    return time.perf_counter() - wall, time.process_time() - processor, vectors


def compare(texts: Sequence[str], size: int) -> dict[str, Any]:
    """Embed ``texts`` on both sides in slices of ``size``."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(THREADS)
    theirs = SentenceTransformer(str(verified_package(FULL_PACKAGE, {}) / "model"), device="cpu")
    sides: dict[str, Callable[[Sequence[str]], Any]] = {
        "sentence_transformers": lambda some: theirs.encode(list(some)),
        "spreadguide": MiniLM().embed_documents,
    }
    for embed in sides.values():
        embed(texts[:32])
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    processor: dict[str, list[float]] = {name: [] for name in sides}
    cosines: list[float] = []
    slices = [texts[start : start + size] for start in range(0, len(texts), size)]
    for number, some in enumerate(slices):
        vectors = {}
        for name in sorted(sides, reverse=number % 2 == 0):
            wall, used, vectors[name] = timed(sides[name], some)
            seconds[name].append(wall)
            processor[name].append(used)
        cosines.extend((vectors["sentence_transformers"] * vectors["spreadguide"]).sum(axis=1).tolist())

    def ratio(of: dict[str, list[float]]) -> float:
        pairs = zip(of["sentence_transformers"], of["spreadguide"], strict=True)
        return round(statistics.median(a / b for a, b in pairs), 2)

    sizes = [len(some) for some in slices]
    return {
        "slices": len(slices),
        "slice_size": size,
        "texts_per_second": {
            name: round(statistics.median(n / s for n, s in zip(sizes, took, strict=True)), 1)
            for name, took in seconds.items()
        },
        "ratio_median": ratio(seconds),
        "ratio_of_totals": round(sum(seconds["sentence_transformers"]) / sum(seconds["spreadguide"]), 2),
        "ratio_processor_time_median": ratio(processor),
        "cosine_min": round(min(cosines), 6),
        "cosine_mean": round(statistics.fmean(cosines), 6),
    }


def batch_sizes(texts: Sequence[str]) -> dict[int, float]:
    """Return texts per second of each batch size; the best of three rounds, taken in turn."""
    embedder = MiniLM()
    embedder.embed_documents(texts[:8])
    best = dict.fromkeys(BATCH_TOKENS, 0.0)
    for _ in range(3):
        for size in BATCH_TOKENS:
            onnx_documents.BATCH_TOKENS = size
            wall, _, _ = timed(embedder.embed_documents, texts)
            best[size] = max(best[size], round(len(texts) / wall, 1))
    return best


def first_texts() -> dict[str, Any]:
    """Embed eight texts in a process of its own; the first of them pays for everything that is loaded."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", FIRST_TEXTS], check=True, capture_output=True, text=True)
    return {**json.loads(done.stdout), "whole_process_seconds": round(time.perf_counter() - started, 2)}


def memory(texts: Sequence[str]) -> dict[str, int]:
    """Return bytes of this process before and after embedding ``texts``, without PyTorch in it."""
    process = psutil.Process()
    embedder = MiniLM()
    embedder.embed_documents(texts[:8])
    before, largest = process.memory_info().rss, 0

    def watch(_: int) -> None:
        nonlocal largest
        largest = max(largest, process.memory_info().rss)

    vectors = embedder.embed_documents(texts, progress=watch)
    return {"loaded_bytes": before, "largest_bytes": largest, "vectors_bytes": int(np.asarray(vectors).nbytes)}


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="a folder of reports")
    parser.add_argument("--texts", type=int, default=2000, help="how many texts (default %(default)s)")
    parser.add_argument("--slice", type=int, default=200, help="texts per slice (default %(default)s)")
    parser.add_argument("--batches", action="store_true", help="also try several batch sizes")
    arguments = parser.parse_args()
    texts = texts_of(arguments.corpus, arguments.texts)
    found = {
        "version": __version__,
        "cores": psutil.cpu_count(),
        "load_average": psutil.getloadavg()[0],
        "integers": integers_are_exact(),
        "texts": len(texts),
        "characters_median": statistics.median(map(len, texts)),
        "first_texts": first_texts(),
        "memory": memory(texts),  # before PyTorch comes into the process
        **compare(texts, arguments.slice),
    }
    if arguments.batches:
        found["texts_per_second_by_batch_tokens"] = batch_sizes(texts[: arguments.slice])
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
