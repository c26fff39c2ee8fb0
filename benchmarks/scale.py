"""Measures search by meaning in a large index, beside comparing every vector, and prints one JSON object.

    python benchmarks/scale.py --index INDEX --work FOLDER [--passages N] [--out FILE]

The vectors are synthetic neighbours of the real ones in ``INDEX``: each is a real passage's plus a part of the
difference between two others, drawn at random, brought back to length 1. So they spread in the directions in which real
passages differ. Questions are lines of the same reports, moved in the same way. The build measures its own recall on
other lines than those asked here. Each kind of index is opened and searched in a fresh process. Linux or macOS.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from spreadguide import __version__
from spreadguide.adapters.dense_build import IVF, read_dense, recall, write_dense
from spreadguide.adapters.earlier_builds import F32, PASSAGE_VECTORS, UNIT_VECTORS
from spreadguide.adapters.faiss_index import FaissIndex
from spreadguide.adapters.row_file import RowFile, read_rows
from spreadguide.adapters.sqlite_store import UNIT_TYPE
from spreadguide.indexing.manifest import RAW_VECTORS, DenseEntry, FileEntry, check_files, describe_files
from spreadguide.indexing.publish import live_folder
from spreadguide.protocols import EXACT

SPREAD = 0.4
"""Part of a difference that is added. Neighbours of one passage then have cosines of about 0.8 with each other, as real
passages have with the tenth nearest to them (papers about health services: median 0.81)."""

SEED = 2026
BLOCK = 65_536
SEARCHES = 1000
ASKED = 50
"""So many passages the retriever asks for."""

NEAREST = 10
FILTERED = 100
"""Searches for each share of rows that are allowed."""

SHARES = (0.5, 0.01, 0.001)
MEGABYTE = 1e6
DESCRIPTION, ANSWERS, QUESTIONS = "dense.json", "answers.json", "questions.npy"


def moved(rows: NDArray[Any], real: NDArray[Any], random: np.random.Generator) -> NDArray[np.float32]:
    """Return neighbours of ``rows``: each plus `SPREAD` times the difference of two of ``real``, of length 1."""
    one, other = random.integers(0, len(real), (2, len(rows)))
    found = rows + SPREAD * (np.asarray(real[one], dtype=np.float32) - np.asarray(real[other], dtype=np.float32))
    length: NDArray[np.float32] = np.linalg.norm(found, axis=1, keepdims=True)
    neighbours: NDArray[np.float32] = (found / length).astype(np.float32)
    return neighbours


def make_vectors(index: Path, work: Path, count: int) -> int:
    """Write vectors of passages, lines for the build and questions into ``work``; return the dimension."""
    random = np.random.default_rng(SEED)
    live = live_folder(index)
    real = FaissIndex.read(live / PASSAGE_VECTORS).vectors()
    dimension = real.shape[1]
    file = RowFile(work / RAW_VECTORS, F32, dimension)
    for first in range(0, count, BLOCK):
        rows = np.arange(first, min(first + BLOCK, count)) % len(real)
        file.put(first, moved(real[rows], real, random))
    file.close(count)
    lines = np.asarray(read_rows(live / UNIT_VECTORS, UNIT_TYPE, dimension), dtype=np.float32)
    lines = lines[np.linalg.norm(lines, axis=1) > 0]  # lines that are never ranked have no vector
    for_build, asked = lines[::2], lines[1::2]
    file = RowFile(work / UNIT_VECTORS, UNIT_TYPE, dimension)
    file.put(0, for_build)
    file.close(len(for_build))
    chosen = asked[random.choice(len(asked), min(SEARCHES, len(asked)), replace=False)]
    np.save(work / QUESTIONS, moved(chosen, asked, random))
    return int(dimension)


def build(work: Path, recipe: str, dimension: int) -> dict[str, Any]:
    """Build one index in a folder of its own, which is emptied of what only the build needs."""
    folder = work / recipe.split()[0]
    folder.mkdir()
    for name in (RAW_VECTORS, UNIT_VECTORS):
        os.link(work / name, folder / name)
    began = time.perf_counter()
    measured = write_dense(folder, dimension, recipe)
    seconds = time.perf_counter() - began
    for name in (RAW_VECTORS, UNIT_VECTORS):
        (folder / name).unlink(missing_ok=True)
    kept = None if measured is None else {name: getattr(measured, name) for name in measured.__slots__}
    files = describe_files(folder)
    description = {"dense": kept, "files": {name: entry.model_dump() for name, entry in files.items()}}
    (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
    sizes = {name: round(entry.size / MEGABYTE, 1) for name, entry in files.items()}
    return {"build_seconds": round(seconds, 1), "measured_by_the_build": kept, "file_megabytes": sizes}


def measure(folder: Path, questions: Path, truth: Path | None) -> dict[str, Any]:
    """Open the index in ``folder`` and search it; ``truth`` is the folder of the exact index, measured before."""
    described = json.loads((folder / DESCRIPTION).read_bytes())
    files = {name: FileEntry(**entry) for name, entry in described["files"].items()}
    asked = np.load(questions)
    process = psutil.Process()
    before = process.memory_full_info()
    began = time.perf_counter()
    check_files(folder, files)
    checked = time.perf_counter()
    index = read_dense(folder, DenseEntry(**described["dense"]) if described["dense"] else None)
    opened = time.perf_counter()
    everything = _search(index, asked, None)
    after = process.memory_full_info()
    found = {"all": everything} | {
        str(share): _search(index, asked[:FILTERED], _mask(len(index), share)) for share in SHARES
    }
    cosines = {name: answers for name, (_, answers) in found.items()}
    (folder / ANSWERS).write_text(json.dumps(cosines), encoding="utf-8")
    right = json.loads(((truth or folder) / ANSWERS).read_bytes())
    return {
        "check_of_hashes_seconds": round(checked - began, 2),
        "open_seconds": round(opened - checked, 2),
        "searches": len(asked),
        **_times(everything[0]),
        "recall_at_10": _recall(cosines["all"], right["all"]),
        "recall_at_50": _recall(cosines["all"], right["all"], ASKED),
        "uss_growth_megabytes": round((after.uss - before.uss) / MEGABYTE),
        "rss_growth_megabytes": round((after.rss - before.rss) / MEGABYTE),
        "filtered": {
            str(share): _times(found[str(share)][0]) | {"recall_at_10": _recall(cosines[str(share)], right[str(share)])}
            for share in SHARES
        },
    }


def _search(
    index: Any, asked: NDArray[np.float32], allowed: NDArray[np.bool_] | None
) -> tuple[list[tuple[float, float]], list[list[float]]]:
    """Return the milliseconds of each search, by the clock and of this thread's work, and the cosines it found."""
    times, answers = [], []
    for question in asked:
        began, worked = time.perf_counter(), time.thread_time()
        found = index.search(question, ASKED, allowed=allowed)
        times.append(((time.perf_counter() - began) * 1000, (time.thread_time() - worked) * 1000))
        answers.append([cosine for _, cosine in found])
    return times, answers


def _mask(count: int, share: float) -> NDArray[np.bool_]:
    """Allow rows in one piece, as the passages of a few reports are."""
    allowed = np.zeros(count, dtype=bool)
    first = count // 3
    allowed[first : first + max(1, round(count * share))] = True
    return allowed


def _times(times: list[tuple[float, float]]) -> dict[str, float]:
    (p50, _), (p95, worked) = np.percentile(np.array(times), (50, 95), axis=0).tolist()
    return {
        "p50_milliseconds": round(p50, 2),
        "p95_milliseconds": round(p95, 2),
        "p95_of_work_in_one_thread": round(worked, 2),
    }


def _recall(found: list[list[float]], right: list[list[float]], nearest: int = NEAREST) -> float:
    shares = [
        recall([(0, cosine) for cosine in answers], np.array(best[:nearest], dtype=np.float32))
        for answers, best in zip(found, right, strict=True)
    ]
    return round(float(np.mean(shares)), 4)


def _measure_afresh(work: Path, recipe: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--work", str(work), "--measure", recipe.split()[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr.strip())
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def run(index: Path, work: Path, passages: int) -> dict[str, Any]:
    """Make the vectors, build both indexes, and measure each."""
    if any(work.iterdir()):
        raise SystemExit(f"{work} must be an empty folder.")
    dimension = make_vectors(index, work, passages)
    result: dict[str, Any] = {
        "version": __version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "passages": passages,
        "dimension": dimension,
        "spread": SPREAD,
        "seed": SEED,
    }
    for recipe in (EXACT, IVF):
        name = recipe.split()[0]
        result[name] = build(work, recipe, dimension)
    result["peak_rss_of_building_megabytes"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    for recipe in (EXACT, IVF):
        result[recipe.split()[0]] |= _measure_afresh(work, recipe)
    return result


def main() -> None:
    """Read the options, run, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--index", type=Path, help="an index folder, whose vectors are those the synthetic ones are near"
    )
    parser.add_argument("--work", type=Path, required=True, help="a new or empty folder; 4 GB for a million passages")
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, help="a file for the result, beside standard output")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        folder, exact = options.work / options.measure, options.work / EXACT
        truth = None if folder == exact else exact
        print(json.dumps(measure(folder, options.work / QUESTIONS, truth)))
        return
    if options.index is None:
        parser.error("--index must be given")
    options.work.mkdir(parents=True, exist_ok=True)
    text = json.dumps(run(options.index, options.work, options.passages), indent=2)
    print(text)
    if options.out:
        options.out.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
