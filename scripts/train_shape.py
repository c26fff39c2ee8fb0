"""Trains the model that tells whether a question asks for advice, from our own questions on half of the briefs.

    python scripts/train_shape.py [--check]

Examples: ``scripts/training/questions.jsonl`` and the tuning half of the golden questions. Writes
``src/spreadguide/answering/shape.json`` and prints how well it does on examples that were left out (five folds). With
``--check``, nothing is written. Takes half a minute on two cores.
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
from spreadguide.answering.shape import WEIGHTS
from spreadguide.evaluation.sets import QuestionRow, rows

OWN = Path(__file__).parent / "training" / "questions.jsonl"
SEED = 20261122
DIGITS = 4
INVERSE_REGULARISATION = 3.0
MOST_FALSE = 0.04
"""Share of other questions that may be taken for one that asks for advice: they are then answered at more length."""

KINDS = ("fact", "list", "comparison", "advice", "why", "how", "problem", "effect", "definition")
"""Kinds of question that say whether advice is asked for."""
ADVICE = "advice"


def examples() -> tuple[list[str], np.ndarray]:
    """Return questions, and whether each asks for advice."""
    own = [json.loads(line) for line in OWN.read_text("utf-8").splitlines()]
    found = [(row["question"], row["kind"]) for row in own]
    golden = Path(str(files("spreadguide.evaluation") / "golden"))
    found += [(row.question, row.kind) for row in rows(golden, "questions.jsonl", QuestionRow) if row.split == "tune"]
    kept = [(text, kind == ADVICE) for text, kind in found if kind in KINDS]
    return [text for text, _ in kept], np.array([advice for _, advice in kept])


def main() -> None:
    """Train, tell how well it does, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="Write nothing.")
    check = parser.parse_args().check
    texts, truth = examples()
    embedder = MiniLM()
    vectors = embedder.embed_queries(texts)
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=2000, class_weight="balanced", random_state=SEED)
    folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
    left_out = cross_val_predict(model, vectors, truth, cv=folds, method="decision_function")
    least = round(float(np.quantile(left_out[~truth], 1 - MOST_FALSE)), DIGITS)
    told = {
        "questions": len(texts),
        "advice": int(truth.sum()),
        "auroc": round(float(roc_auc_score(truth, left_out)), DIGITS),
        "found": round(float((left_out[truth] >= least).mean()), DIGITS),
        "false": round(float((left_out[~truth] >= least).mean()), DIGITS),
    }
    print(json.dumps(told, indent=1))
    model.fit(vectors, truth)
    if not check:
        stored = {
            "embedder": embedder.embedder_id,
            "least": least,
            "bias": round(float(model.intercept_[0]), DIGITS),
            "weights": np.round(model.coef_[0], DIGITS).tolist(),
        }
        place = Path(str(files("spreadguide.answering") / WEIGHTS))
        place.write_text(json.dumps(stored) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
