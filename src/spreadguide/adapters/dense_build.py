"""How search by meaning is built: compared with every vector while that is fast, by lists of codes above.

What a search by lists finds is compared with what comparing every vector finds, on sample queries, before the index is
used. As many lists are looked through as reach the goal; where none do, the index compares every vector after all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from math import ceil, isqrt
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from spreadguide.adapters.dense_ivf import IvfIndex, MappedVectors
from spreadguide.adapters.earlier_builds import F32, PASSAGE_VECTORS, UNIT_VECTORS, WHOLE_VECTORS
from spreadguide.adapters.faiss_index import FaissIndex
from spreadguide.adapters.row_file import read_rows
from spreadguide.adapters.sqlite_store import UNIT_TYPE
from spreadguide.indexing.manifest import RAW_VECTORS, DenseEntry
from spreadguide.protocols import EXACT, Vectors
from spreadguide.types import Approximation, DenseKind

IVF = "ivf-sq8 1"
"""Recipe of an index by lists; raise its number whenever what is below makes another index of the same vectors."""

EXACT_UP_TO = 50_000
"""Passages up to which every vector is compared unless the settings say otherwise: see benchmarks/README.md."""

RECALL_GOAL = 0.99
LOWEST_RECALL = 0.98
"""Shares of the 10 nearest that are found on the sample, on average: lists are added until the goal is reached, and the
index compares every vector where the most that may be looked through do not reach the lowest."""

NEAREST = 10
ASKED = 50
"""Recall is of the first 10, of searches for 50: so many the retriever asks for (`RetrievalSettings.depth`)."""

SAMPLE = 500
"""Sample queries: the standard error of a recall of 0.98 is then about 0.004."""

SAMPLE_NOISE = 3.0
"""Length of the random vector that is added to a line's vector of length 1, to stand for a question.

Real questions are much further from every passage than lines are: with little noise, 4 lists of 632 found 98% of the
nearest, but only 68% for questions. How it compares with questions is in benchmarks/README.md.
"""

LISTS_PER_ROOT = 2
"""Lists for each square root of the number of passages: the coarse step and the lists then take about as long."""

TRAINING_PER_LIST = 50
"""Vectors that each list's centre is learnt from; FAISS asks for at least 39."""

ROUNDS = 10
"""Iterations of k-means."""

LARGEST_SHARE = 4
"""At most one list in four is looked through: a search would gain too little over comparing every vector."""

STEP = 1.4
"""The number of lists grows by this factor until the goal is reached."""

BLOCK = 65_536
"""Vectors read at a time (100 MB)."""

SAME = 1e-5
"""Cosines that differ by less are equal: of equal texts any may be found."""

SEED = 384
"""Of the sample and of k-means."""

_engine: Any = faiss
"""Its type stubs describe the C++ constructors, not the Python ones that wrap them."""


def dense_recipe(kind: DenseKind, passages: int) -> str:
    """Return how an index of so many passages is to be made: `EXACT` or `IVF`."""
    if kind == "auto":
        return EXACT if passages <= EXACT_UP_TO else IVF
    return EXACT if kind == "exact" else IVF


def write_dense(folder: Path, dimension: int, recipe: str) -> Approximation | None:
    """Write the index of the passages whose vectors are in ``folder``; return what was measured, if anything was.

    A sample of the units' vectors stands for questions. Raises `IndexingError` when a file cannot be written.
    """
    raw = folder / RAW_VECTORS
    vectors = read_rows(raw, F32, dimension)
    if recipe == EXACT:
        FaissIndex(vectors).write(folder / PASSAGE_VECTORS)
        return None
    index = IvfIndex(_trained(vectors), MappedVectors(raw, dimension))
    queries = sample_queries(vectors, read_rows(folder / UNIT_VECTORS, UNIT_TYPE, dimension))
    measured = _choose(index, queries, nearest_cosines(vectors, queries, min(NEAREST, len(vectors))))
    if measured.kept:
        index.write(folder / PASSAGE_VECTORS)
        raw.rename(folder / WHOLE_VECTORS)
    else:
        FaissIndex(vectors).write(folder / PASSAGE_VECTORS)
    return measured


def read_dense(folder: Path, entry: DenseEntry | None) -> FaissIndex | IvfIndex:
    """Read the index in ``folder``, whose files were checked and whose manifest has this ``entry``.

    Raises `IndexCorrupt`.
    """
    if entry is None or not entry.kept:
        return FaissIndex.read(folder / PASSAGE_VECTORS)
    return IvfIndex.read(folder / PASSAGE_VECTORS, folder / WHOLE_VECTORS)


def _trained(vectors: Vectors) -> Any:
    """Return FAISS's index of ``vectors``."""
    count, dimension = vectors.shape
    lists = max(1, min(LISTS_PER_ROOT * isqrt(count), count // TRAINING_PER_LIST))
    centres = faiss.IndexFlatIP(dimension)
    index = _engine.IndexIVFScalarQuantizer(
        centres, dimension, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.niter, index.cp.seed = ROUNDS, SEED
    index.cp.min_points_per_centroid = 1  # FAISS says on the terminal when there are few, and goes on all the same
    rows = np.random.default_rng(SEED).permutation(count)[: max(lists * TRAINING_PER_LIST, 1)]
    index.train(np.ascontiguousarray(vectors[np.sort(rows)]))
    for block in _blocks(vectors):
        index.add(block)
    return index


def _blocks(vectors: Vectors) -> Iterator[Vectors]:
    for first in range(0, len(vectors), BLOCK):
        yield np.ascontiguousarray(vectors[first : first + BLOCK])


def sample_queries(vectors: Vectors, units: NDArray[Any]) -> Vectors:
    """Return queries of unit length that stand for questions: sentences, else passages, with noise."""
    random = np.random.default_rng(SEED)
    source = units if len(units) else vectors
    rows = random.choice(len(source), min(SAMPLE, len(source)), replace=False)
    found = np.asarray(source[np.sort(rows)], dtype=np.float32)
    found = found[np.linalg.norm(found, axis=1) > 0.5]  # units that are never ranked have no vector
    if not len(found):
        return sample_queries(vectors, units[:0])
    noise = random.standard_normal(found.shape).astype(np.float32)
    found = found + noise * (SAMPLE_NOISE / np.linalg.norm(noise, axis=1, keepdims=True))
    queries: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
    return queries


def nearest_cosines(vectors: Vectors, queries: Vectors, count: int) -> Vectors:
    """Return the ``count`` highest cosines of each query with ``vectors``, best first, by comparing with all."""
    best = np.full((len(queries), count), -np.inf, dtype=np.float32)
    for block in _blocks(vectors):
        scores, _ = _engine.knn(queries, block, min(count, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
        best = -np.sort(-np.concatenate((best, scores), axis=1), axis=1)[:, :count]
    return best


def recall(found: list[tuple[int, float]], best: NDArray[np.float32]) -> float:
    """Return which share of the nearest is among the first of ``found``; ``best`` are their cosines, best first."""
    cosines = np.array([cosine for _, cosine in found[: len(best)]])
    return float((cosines >= best[-1] - SAME).sum() / len(best))


def _choose(index: IvfIndex, queries: Vectors, best: Vectors) -> Approximation:
    """Have ``index`` look through as few lists as reach the goal, or as many as are allowed."""
    largest = max(1, index.lists // LARGEST_SHARE)
    probed = 1
    while True:
        index.probed = probed
        reached, p95 = _measure(index, queries, best)
        if reached >= RECALL_GOAL or probed == largest:
            kept = reached >= LOWEST_RECALL
            return Approximation(IVF, kept, index.lists, probed, round(reached, 4), len(queries), round(p95, 2))
        probed = min(ceil(probed * STEP), largest)


def _measure(index: IvfIndex, queries: Vectors, best: NDArray[np.float32]) -> tuple[float, float]:
    """Return mean recall, and the 95th percentile of a search in milliseconds."""
    shares, times = [], []
    for query, cosines in zip(queries, best, strict=True):
        began = time.perf_counter()
        found = index.search(query, ASKED)
        times.append((time.perf_counter() - began) * 1000)
        shares.append(recall(found, cosines))
    return float(np.mean(shares)), float(np.percentile(times, 95))
