"""Reciprocal rank fusion: one ranking out of several, by rank alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

RRF_K = 60
"""Damps the weight of the first ranks; the value of Cormack, Clarke and Büttcher (SIGIR 2009)."""


def reciprocal_rank_fusion(rankings: Mapping[str, Sequence[int]], k: int = RRF_K) -> list[tuple[int, float]]:
    """Fuse rankings of rows, each best first, into (row, score) pairs, best first.

    A row's score is the sum of ``1 / (k + rank)`` over the rankings that hold it, ranks from 1 (Cormack, Clarke and
    Büttcher, SIGIR 2009). Rows of equal score stand in order of their number, so the result never varies.
    """
    parts: dict[int, list[float]] = {}
    for ranking in rankings.values():
        for rank, row in enumerate(ranking, start=1):
            parts.setdefault(row, []).append(1.0 / (k + rank))
    scores = [(row, math.fsum(part)) for row, part in parts.items()]
    return sorted(scores, key=lambda pair: (-pair[1], pair[0]))
