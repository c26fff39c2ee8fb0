"""Several signals → one probability: logistic regressions whose weights were fitted on questions and claims of our own.

The weights stand in JSON files of the rooms that use them, written by ``scripts/calibrate.py`` and the scripts named
``train_…`` beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Logistic:
    """One regression: a weight for each signal, a bias, and two least probabilities that count as "yes".

    ``least`` is the one that users meet, where a false "yes" may cost more than a false "no". ``even`` gave the best
    balanced accuracy on the examples that the regression was fitted on; it is for measuring.
    """

    weights: Mapping[str, float]
    bias: float
    least: float
    even: float

    def probability(self, signals: Mapping[str, float]) -> float:
        """Return the probability (0-1) for the values of all signals; raises `KeyError` when one is missing."""
        total = self.bias + sum(weight * signals[name] for name, weight in self.weights.items())
        if math.isnan(total):
            return 0.0  # A signal that could not be computed must never pass for a "yes".
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


def load_fitted(name: str, embedder_id: str) -> dict[str, Any] | None:
    """Return what the file ``name`` holds of a model of embeddings; ``None`` where it was made with another embedder.

    ``name`` is a file and its room, such as ``answering/intent.json``.
    """
    stored = _stored(name)
    return stored if stored["embedder"] == embedder_id else None


@cache
def load(name: str) -> Logistic:
    """Return the regression that ``name`` holds: a file and its room, such as ``answering/gate.json``."""
    stored = _stored(name)
    return Logistic(MappingProxyType(stored["weights"]), stored["bias"], stored["least"], stored["even"])


def _stored(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((files("spreadguide") / name).read_text("utf-8"))
    return found
