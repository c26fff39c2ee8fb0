"""What shape of answer a question wants: steps to take, two sides, or neither.

Whether advice is asked for is told by a logistic regression on the embedding of the question, made by
``scripts/train_shape.py`` from questions of our own: people ask for it in many ways. It fits one embedder; with
another, nothing is taken for advice. Comparisons are told by their wording.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from spreadguide.answering.sides import sides
from spreadguide.logistic import load_fitted

WEIGHTS = "shape.json"

_COMPARES = re.compile(
    r"\bcompar|\bversus\b|\bvs?\b(?=\.?\s)|\bdiffer(?:s|ed)?\b|\bdifferent from\b"
    r"|\bthe differences? between\b|\bas (?:against|opposed to)\b"
    r"|\bstack up\b|\bwhich (?:one|of the two)\b|\b(?:more|less|better|worse|faster|bigger|longer) than\b"
    # "Longer than two years" compares nothing.
    r"(?! (?:[£$€]?\d|(?:half|twice|one|two|three|ten|an? (?:day|week|month|year|third|quarter|dozen|hundred))\b))"
    r"|\btwo different\b",
    re.IGNORECASE,
)

_OF_EACH = re.compile(
    r"\b(?:each|either)(?: one| of (?:them|these|those))?"
    r"(?=\s(?:admit|aim|claim|come|came|cost|define|do|explain|find|found|get|give|got|last|look|made|make|mean|measure"
    r"|need|recommend|rest|run|said|say|see|show|suggest|take|tell|use|want|work)\w*\b|\s*[?.,;:)]|\s*$)"
    r"|\bdo they (?:agree|say)\b|\beach (?:one|side|piece|paper|report)['’]s\b|\b(?:the|these|those) two:",
    re.IGNORECASE,
)
"""Asks the same of things named before; "of each hospital" does not."""

_WHICH = re.compile(
    r"\bwhich\b[^.?]{0,60}\b(?:more|fewer|less|better|worse|bigger|larger|smaller|longer|shorter|faster|quicker|slower"
    r"|cheaper|dearer|stronger|weaker|firmer|older|newer|safer)\b",
    re.IGNORECASE,
)
"""Asks which of two is more so, where an "or" stands between them."""


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
    stored = load_fitted(f"answering/{WEIGHTS}", embedder_id)
    if stored is None:
        return None
    return AdviceModel(np.array(stored["weights"], dtype=np.float32), stored["bias"], stored["least"])


def shape_of(question: str, vector: NDArray[np.float32], advice: AdviceModel | None) -> Shape:
    """Return the shape of the answer that ``question`` wants; ``vector`` is its embedding."""
    if _COMPARES.search(question) or _asks_of_each(question):
        return Shape.COMPARISON
    return Shape.ADVICE if advice is not None and advice.asks(vector) else Shape.PLAIN


def _asks_of_each(question: str) -> bool:
    """Whether the question names two things, and asks the same of each of them beside, or which is more so."""
    either = " or " in question and _WHICH.search(question)
    found = sides(question) if either or _OF_EACH.search(question) else None
    return found is not None and not any(_OF_EACH.search(side.phrase) for side in found)
