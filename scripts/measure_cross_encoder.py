"""Tells how well files of the cross-encoder do on rows of the third part that were left out of training.

    python scripts/measure_cross_encoder.py --train FOLDER --eval FOLDER --papers FILE FILE.onnx [FILE.onnx ...]

Of questions: the mean reciprocal rank of the first line that answers, where one does, and the AUROC of the best line's
log-odds for whether any line does. Of claims: the AUROC. Takes three minutes a file on two cores.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import listed_rows
import numpy as np
from cross_encoder_rows import OWN, Pair, Source, rows
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from tokenizers import Tokenizer

from spreadguide.adapters.cross_encoder import ANSWERS, MAX_PIECES, SUPPORTS
from spreadguide.adapters.minilm import tokenizer_file
from spreadguide.adapters.onnx_session import open_session

DIGITS = 3

Asked = tuple[str, list[str], set[int]]
"""A question, the lines to choose from, and the places of those that answer."""
Reader = Callable[[Sequence[tuple[str, str]]], NDArray[np.float32]]


def reader(file: Path) -> Reader:
    """Return what gives the log-odds of pairs, of shape ``(pairs, 2)``, by the model in ``file``."""
    session = open_session(file.read_bytes(), threads=2)
    tokenizer = Tokenizer.from_file(str(tokenizer_file()))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_PIECES, strategy="longest_first")

    def read(pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        encodings = tokenizer.encode_batch(list(pairs))
        inputs = [{"ids": np.array([one.ids]), "kinds": np.array([one.type_ids])} for one in encodings]
        return np.stack([session.run(["logits"], given)[0][0] for given in inputs])

    return read


def held_out(group: str) -> bool:
    """Whether the group was left out of training."""
    return Pair("", "", 0, group).held_out


def asked(source: Source) -> Iterator[tuple[str, Asked]]:
    """Yield questions with the name of their set."""
    for row in rows(OWN / "judged_lines.jsonl"):
        if held_out(row["question"]):
            kind = "advice" if row["kind"] == "advice" else "other questions"
            lines = [source.with_title(*line) for line in row["lines"]]
            yield f"judged lines, {kind}", (row["question"], lines, set(row["right"]))
    for row in rows(OWN / "brief_questions.jsonl"):
        if held_out(row["question"]):
            lines = source.lines(row["brief"])
            right = {place for place, line in enumerate(lines) if line in row["answers"]}
            yield "all lines of a brief", (row["question"], [source.with_title(row["brief"], x) for x in lines], right)
    for excerpt, lines, question, places, _ in listed_rows.listed(source):
        if held_out(excerpt["paper"]):
            title = listed_rows.headline(source, excerpt)
            yield "all lines of an excerpt", (question, [f"{title} {line}" for line in lines], set(places))


def of_questions(read: Reader, questions: Sequence[Asked]) -> dict[str, float | int]:
    """Return the figures of one set of questions."""
    best, answered, ranks = [], [], []
    for question, lines, right in questions:
        odds = read([(question, line) for line in lines])[:, ANSWERS]
        best.append(float(odds.max()))
        answered.append(bool(right))
        if right:
            order = np.argsort(-odds).tolist()
            ranks.append(1 / (1 + min(order.index(place) for place in right)))
    auroc = round(float(roc_auc_score(answered, best)), DIGITS)
    return {
        "questions": len(questions),
        "answered": len(ranks),
        "mrr": round(float(np.mean(ranks)), DIGITS),
        "auroc": auroc,
    }


def of_claims(read: Reader, pairs: Sequence[Pair]) -> dict[str, float | int]:
    """Return the figures of one set of claims."""
    odds = read([(pair.first, pair.second) for pair in pairs])[:, SUPPORTS]
    return {"claims": len(pairs), "auroc": round(float(roc_auc_score([pair.label for pair in pairs], odds)), DIGITS)}


def main() -> None:
    """Print the figures of each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--eval", type=Path, required=True)
    parser.add_argument("--papers", type=Path, required=True)
    parser.add_argument("file", type=Path, nargs="+")
    given = parser.parse_args()
    source = Source(given.train, given.eval, given.papers, again=True)
    questions: dict[str, list[Asked]] = {}
    for name, one in asked(source):
        questions.setdefault(name, []).append(one)
    claims = [pair for pair in listed_rows.claims(source) if pair.held_out]
    for file in given.file:
        read = reader(file)
        figures = {name: of_questions(read, found) for name, found in questions.items()}
        print(json.dumps({"file": str(file), **figures, "claims on excerpts": of_claims(read, claims)}, indent=1))


if __name__ == "__main__":
    main()
