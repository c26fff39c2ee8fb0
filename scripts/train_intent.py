"""Trains the model that tells questions about one person's care, and attempts to steer, from questions about services.

    python scripts/train_intent.py [--check]

Examples: ``scripts/intent_examples.tsv`` (class, tab, text; our own), the tuning half of the golden questions, and the
questions on briefs that teach the cross-encoder, which are all about services.
Writes ``src/spreadguide/answering/intent.json`` and prints how well it does on examples that were left out of training
(five folds). With ``--check``, nothing is written. Takes half a minute on two cores.
"""

from __future__ import annotations

import argparse
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from cross_encoder_rows import OWN
from cross_encoder_rows import rows as kept_rows
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from spreadguide.adapters.minilm import MiniLM
from spreadguide.answering.intent import PATIENT, SERVICE, STEER, WEIGHTS
from spreadguide.evaluation.sets import QuestionRow, rows

EXAMPLES = Path(__file__).parent / "intent_examples.tsv"
TAUGHT = ("judged_lines.jsonl", "pooled_lines.jsonl")
INVERSE_REGULARISATION = 3.0
"""Chosen among 1, 3, 10, 30 and 100 by the AUROC of left-out examples."""
SEED = 20261122
DIGITS = 4

MOST_FALSE = {PATIENT: 0.005, STEER: 0.005}
"""Largest share of questions about services, left out of training, that may be taken for the class."""

CLASS_OF_KIND = {"patient": PATIENT, "injection": STEER}


def examples() -> tuple[list[str], list[str]]:
    """Return texts and their classes."""
    found = [line.split("\t", 1) for line in EXAMPLES.read_text("utf-8").splitlines()]
    golden = Path(str(files("spreadguide.evaluation") / "golden"))
    found += [
        [CLASS_OF_KIND.get(row.kind, SERVICE), row.question]
        for row in rows(golden, "questions.jsonl", QuestionRow)
        # An injection around a question that the reports answer is to be answered, without obeying.
        if row.split == "tune" and not (row.kind == "injection" and row.covered)
    ]
    # With these, questions about services are declined half as often, and attempts to steer are found more often.
    found += [
        [SERVICE, text] for text in dict.fromkeys(row["question"] for name in TAUGHT for row in kept_rows(OWN / name))
    ]
    return [text.replace("\\n", "\n") for _, text in found], [name for name, _ in found]


def thresholds(classes: list[str], truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return for each class the least probability that keeps false alarms within `MOST_FALSE`; at least one half."""
    of_services = truth == SERVICE
    found = {}
    for name, most in MOST_FALSE.items():
        likely = np.sort(probabilities[of_services, classes.index(name)])[::-1]
        allowed = int(most * len(likely))
        found[name] = round(max(0.5, float(likely[allowed]) + 10**-DIGITS), DIGITS)
    return found


def main() -> None:
    """Train, tell how well it does, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="Write nothing.")
    check = parser.parse_args().check
    texts, names = examples()
    truth = np.array(names)
    embedder = MiniLM()
    vectors = embedder.embed_queries(texts)
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=2000, class_weight="balanced", random_state=SEED)
    folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
    left_out = cross_val_predict(model, vectors, truth, cv=folds, method="predict_proba")
    model.fit(vectors, truth)
    classes: list[str] = model.classes_.tolist()
    least = thresholds(classes, truth, left_out)
    told: dict[str, Any] = {"examples": {name: int((truth == name).sum()) for name in classes}, "least": least}
    for name, limit in least.items():
        likely = left_out[:, classes.index(name)]
        told[name] = {
            "auroc": round(float(roc_auc_score(truth == name, likely)), DIGITS),
            "found": round(float((likely[truth == name] >= limit).mean()), DIGITS),
            "false": round(float((likely[truth == SERVICE] >= limit).mean()), DIGITS),
        }
    print(json.dumps(told, indent=1))
    if not check:
        stored = {
            "embedder": embedder.embedder_id,
            "classes": classes,
            "least": least,
            "biases": np.round(model.intercept_, DIGITS).tolist(),
            "weights": np.round(model.coef_, DIGITS).tolist(),
        }
        place = Path(str(files("spreadguide.answering") / WEIGHTS))
        place.write_text(json.dumps(stored) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
