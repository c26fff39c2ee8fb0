"""What shape of answer a question wants: steps to take, two sides, or neither.

Whether advice is asked for is told by a logistic regression on the embedding of the question, made by
``scripts/train_shape.py`` from questions of our own: people ask for it in many ways. It fits one embedder; with
another, nothing is taken for advice. Comparisons are told by their wording.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

WEIGHTS = "shape.json"

_COMPARES = re.compile(
    r"\bcompar|\bversus\b|\bvs\b|\bdiffer(?:s|ed)?\b|\bthe differences? between\b|\bas (?:against|opposed to)\b"
    r"|\bstack up\b|\bwhich (?:one|of the two)\b|\b(?:more|less|better|worse|faster|bigger|longer) than\b"
    # "Longer than two years" compares nothing.
    r"(?! (?:[£$€]?\d|(?:half|twice|one|two|three|ten|an? (?:day|week|month|year|third|quarter|dozen|hundred))\b))"
    r"|\btwo different\b",
    re.IGNORECASE,
)


class Shape(StrEnum):
    """How an answer is put together."""

    PLAIN = "plain"
    COMPARISON = "comparison"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class AdviceModel:
    """Weights of shape ``(dimension,)``, a bias, and the least log-odds that count as asking for advice."""

    weights: NDArray[np.float32]
    bias: float
    least: float

    def asks(self, vector: NDArray[np.float32]) -> bool:
        """Whether the question with this vector asks for advice."""
        return float(self.weights @ vector) + self.bias >= self.least


def load_advice(embedder_id: str) -> AdviceModel | None:
    """Return the model that fits the embedder, or ``None`` where it was made with another one."""
    stored: dict[str, Any] = json.loads((files("spreadguide.answering") / WEIGHTS).read_text("utf-8"))
    if stored["embedder"] != embedder_id:
        return None
    return AdviceModel(np.array(stored["weights"], dtype=np.float32), stored["bias"], stored["least"])


def shape_of(question: str, vector: NDArray[np.float32], advice: AdviceModel | None) -> Shape:
    """Return the shape of the answer that ``question`` wants; ``vector`` is its embedding."""
    if _COMPARES.search(question):
        return Shape.COMPARISON
    return Shape.ADVICE if advice is not None and advice.asks(vector) else Shape.PLAIN
