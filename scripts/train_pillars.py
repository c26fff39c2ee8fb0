"""Trains the model that tells whether a question for advice is about adopting, spreading or keeping up something new.

    python scripts/train_pillars.py [--check]

Examples: ``scripts/training/adoption_advice.jsonl``, our own. Writes ``src/spreadguide/answering/pillars.json`` and
prints how well it does on examples that were left out (five folds). With ``--check``, nothing is written. Takes half a
minute on two cores.
"""

from __future__ import annotations

import argparse
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from spreadguide.adapters.minilm import MiniLM
from spreadguide.answering.pillars import WEIGHTS

OWN = Path(__file__).parent / "training" / "adoption_advice.jsonl"
SEED = 20261122
DIGITS = 4
INVERSE_REGULARISATION = 3.0
MOST_FALSE = 0.05
"""Share of other questions for advice that may be taken for one about adoption: general steps would answer them. Those
that are taken are made to be hard: bringing in something new at a school, a bank or an airline."""

MOST_MISSED = 0.05
"""Share of questions about adoption that may be taken for others, and are answered only where the gate is sure."""


def main() -> None:
    """Train, tell how well it does, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="Write nothing.")
    check = parser.parse_args().check
    own = [json.loads(line) for line in OWN.read_text("utf-8").splitlines()]
    truth = np.array([row["adoption"] for row in own])
    embedder = MiniLM()
    vectors = embedder.embed_queries([row["question"] for row in own])
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=2000, class_weight="balanced", random_state=SEED)
    folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
    left_out = cross_val_predict(model, vectors, truth, cv=folds, method="decision_function")
    least = round(float(np.quantile(left_out[~truth], 1 - MOST_FALSE)), DIGITS)
    most_other = round(min(least, float(np.quantile(left_out[truth], MOST_MISSED))), DIGITS)
    told = {
        "questions": len(own),
        "about_adoption": int(truth.sum()),
        "auroc": round(float(roc_auc_score(truth, left_out)), DIGITS),
        "found": round(float((left_out[truth] >= least).mean()), DIGITS),
        "false": round(float((left_out[~truth] >= least).mean()), DIGITS),
        "others_told": round(float((left_out[~truth] < most_other).mean()), DIGITS),
        "missed": round(float((left_out[truth] < most_other).mean()), DIGITS),
    }
    print(json.dumps(told, indent=1))
    model.fit(vectors, truth)
    if not check:
        stored = {
            "embedder": embedder.embedder_id,
            "least": least,
            "most_other": most_other,
            "bias": round(float(model.intercept_[0]), DIGITS),
            "weights": np.round(model.coef_[0], DIGITS).tolist(),
        }
        place = Path(str(files("spreadguide.answering") / WEIGHTS))
        place.write_text(json.dumps(stored) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
