"""Passages, ranked again by what the cross-encoder reads in the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spreadguide.protocols import PairJudge
from spreadguide.types import Hit

WEIGHT = 0.5
"""Weight of the cross-encoder's probability against the place by vectors and words."""


def rerank(query: str, hits: Sequence[Hit], reader: PairJudge, depth: int) -> list[Hit]:
    """Return the hits with the first ``depth`` of them in a new order; their scores become a mix of both rankings."""
    first = list(hits[:depth])
    if len(first) < 2:
        return list(hits)
    odds = reader.answers(query, [as_read(hit) for hit in first])
    probabilities = 1 / (1 + np.exp(-odds))
    best = max(hit.score for hit in first)
    mixed = [
        replace(hit, score=(1 - WEIGHT) * hit.score / best + WEIGHT * float(probability))
        for hit, probability in zip(first, probabilities, strict=True)
    ]
    least = min(hit.score for hit in mixed)
    rest = [replace(hit, score=least * hit.score / best) for hit in hits[depth:]]
    return [*sorted(mixed, key=lambda hit: -hit.score), *rest]


def as_read(hit: Hit) -> str:
    """Return a passage as the cross-encoder was trained to read it: after title and heading."""
    return " ".join(f"{hit.source.headline(hit.passage)} {hit.passage.text}".split())
