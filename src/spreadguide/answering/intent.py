"""Tells by its meaning whether a question asks about one person's care, or tries to steer the assistant.

A logistic regression on the embedding of the question, made by ``scripts/train_intent.py`` from examples of our own.
The rules of `scope` see wording that must never pass; this sees what they cannot foresee. It fits one embedder; with
another, the rules stand alone.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spreadguide.logistic import load_fitted

PATIENT = "patient"
STEER = "steer"
SERVICE = "service"
"""The three classes: one person's care; steering; a question about services, or about anything else."""

WEIGHTS = "intent.json"


@dataclass(frozen=True, slots=True)
class IntentModel:
    """Weights of the three classes, shape ``(3, dimension)``, with their biases; ``least`` are thresholds (0–1)."""

    classes: tuple[str, ...]
    weights: NDArray[np.float32]
    biases: NDArray[np.float32]
    least: dict[str, float]

    def probabilities(self, vector: NDArray[np.float32]) -> dict[str, float]:
        """Return the probability of each class for the vector of a question, of shape ``(dimension,)``."""
        logits = self.weights @ vector + self.biases
        powers = np.exp(logits - logits.max())
        return dict(zip(self.classes, (powers / powers.sum()).tolist(), strict=True))

    def refused(self, vector: NDArray[np.float32]) -> str | None:
        """Return `PATIENT` or `STEER` where the question is surely one of these, else ``None``."""
        found = self.probabilities(vector)
        return next((name for name, least in self.least.items() if found[name] >= least), None)


def in_latin_letters(text: str) -> bool:
    """Whether most letters of ``text`` are Latin; of other scripts the embedder knows no words."""
    letters = [sign for sign in text if sign.isalpha()]
    return 2 * sum(unicodedata.name(sign, "").startswith("LATIN") for sign in letters) > len(letters)


def load_intent(embedder_id: str) -> IntentModel | None:
    """Return the model that fits the embedder, or ``None`` where it was made with another one."""
    stored = load_fitted(f"answering/{WEIGHTS}", embedder_id)
    if stored is None:
        return None
    return IntentModel(
        tuple(stored["classes"]),
        np.array(stored["weights"], dtype=np.float32),
        np.array(stored["biases"], dtype=np.float32),
        stored["least"],
    )
