"""Fits the regression that tells whether a question leans on the turns before it, to conversations of our own.

    python scripts/train_leaning.py [--check]

Examples: ``scripts/training/follow_ups.jsonl``, and our own questions that stand alone, each put after a conversation
about another brief. Writes ``src/spreadguide/retrieval/leaning.json`` and prints how well it does on examples that were
left out (six folds; all about one brief are in one). With ``--check``, nothing is written. Takes a few seconds.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

from spreadguide.retrieval.leaning import WEIGHTS, signals
from spreadguide.types import Turn

OWN = Path(__file__).parent / "training"
ALONE = ("questions.jsonl", "more_questions.jsonl", "brief_questions.jsonl")
SEED = 20261122
DIGITS = 4
FOLDS = 6
MOST_FALSE = 0.10
"""Share of questions that stand alone that may be taken for others: they are then searched for by themselves, too."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question after earlier turns, in the group of the brief it is about."""

    group: str
    brief: str
    question: str
    history: tuple[Turn, ...]
    leans: bool


def rows(name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of one of our own files."""
    return map(json.loads, (OWN / name).read_text("utf-8").splitlines())


def examples() -> list[Example]:
    """Return conversations, and as many questions that stand alone as there are conversations."""
    chance = random.Random(SEED)
    found = [
        Example("conversation", row["brief"], row["question"], _turns(row["history"]), row["leans"])
        for row in rows("follow_ups.jsonl")
    ]
    alone = [row for name in ALONE for row in rows(name)]
    for row in chance.sample(alone, len(found)):
        before = chance.choice([one for one in found if one.brief != row["brief"] and one.group == "conversation"])
        found.append(Example("alone", row["brief"], row["question"], before.history, leans=False))
    return found


def _turns(history: list[dict[str, str]]) -> tuple[Turn, ...]:
    return tuple(Turn("user" if turn["role"] == "user" else "assistant", turn["content"]) for turn in history)


def main() -> None:
    """Fit, tell how well it does, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="Write nothing.")
    check = parser.parse_args().check
    found = examples()
    values = [signals(one.question, one.history) for one in found]
    names = list(values[0])
    scaler = StandardScaler()
    scaled = scaler.fit_transform(np.array([[value[name] for name in names] for value in values]))
    truth = np.array([one.leans for one in found])
    model = LogisticRegression(max_iter=2000, class_weight="balanced", random_state=SEED)
    folds = GroupKFold(FOLDS)
    briefs = [one.brief for one in found]
    left_out = cross_val_predict(model, scaled, truth, groups=briefs, cv=folds, method="predict_proba")[:, 1]
    least = round(float(np.quantile(left_out[~truth], 1 - MOST_FALSE)), DIGITS)
    told: dict[str, Any] = {
        "auroc": round(float(roc_auc_score(truth, left_out)), DIGITS),
        "least": least,
        "found": round(float((left_out[truth] >= least).mean()), DIGITS),
    }
    for group in ("conversation", "alone"):
        of_group = np.array([one.group == group for one in found]) & ~truth
        share = float((left_out[of_group] >= least).mean())
        told[f"false, {group}"] = {"questions": int(of_group.sum()), "share": round(share, DIGITS)}
    print(json.dumps(told, indent=1))
    model.fit(scaled, truth)
    weights = model.coef_[0] / scaler.scale_
    bias = float(model.intercept_[0] - weights @ scaler.mean_)
    stored = {
        "weights": {name: round(float(weight), DIGITS) for name, weight in zip(names, weights, strict=True)},
        "bias": round(bias, DIGITS),
        "least": least,
        "even": least,
    }
    print(json.dumps(stored, indent=1))
    if not check:
        Path(str(files("spreadguide") / WEIGHTS)).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
