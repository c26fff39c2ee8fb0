"""Fits the gate and the verifier: several signals → one probability, and the least one that counts as "yes".

    python scripts/calibrate.py --train FOLDER --eval FOLDER --papers FILE [--check]

Nothing is fitted or chosen on what is reported. The gate learns from the questions for tuning, from the tuning halves
of the golden questions and of the gate's test questions, from our own questions that were left out of the
cross-encoder's training, and from left-out pairs of the public sets. The verifier learns from the tuning part of the
near misses in the tests, from our own claims and from claims of the public sets, all left out of the cross-encoder's
training. ``--train`` and ``--eval`` are the folders that scripts/train_cross_encoder.py takes. Writes gate.json,
gate_one.json and verifier.json in src/spreadguide/answering; with ``--check``, nothing. Takes about a quarter of an
hour on two cores.
"""

from __future__ import annotations

import argparse
import json
import random
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import listed_rows
import numpy as np
from cross_encoder_rows import OWN, SEED, Pair, Source, rows
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold

from spreadguide.answering import gate, verification
from spreadguide.answering.verification import Premise, check
from spreadguide.assistant import Assistant
from spreadguide.evaluation.sets import QuestionRow, turns
from spreadguide.evaluation.sets import rows as set_rows
from spreadguide.evaluation.texts import set_texts
from spreadguide.settings import load_settings
from spreadguide.workbench import Bench

TESTS = Path(__file__).parent.parent / "tests" / "answering"
DIGITS = 4
FOLDS = 5
TIMES = 4
"""How often the examples are cut into folds: a threshold chosen on one cut hangs on it."""
EACH = 150
"""Pairs of each public set, at most."""
MOST_FALSE = 0.05
"""Largest share of false claims that the verifier may let through."""


FAR = ("nq", "doc2dial")
"""Sets whose questions are put to the briefs as questions about something else."""

LIKE_THOSE_ASKED = {"golden", "tuning", "tests"}
"""Groups of questions that are as people ask them. Of our own training questions nearly half are near misses on the
same report: fitted to these, the gate would no longer heed nearness in meaning at all."""


@dataclass(frozen=True, slots=True)
class Example:
    """The signals of one question or claim; ``ours`` where it is like those the thresholds are for."""

    group: str
    signals: dict[str, float]
    label: bool
    ours: bool
    text: str


def weighed(assistant: Assistant, group: str, asked: list[tuple[str, bool, Any]], **only: Any) -> Iterator[Example]:
    """Yield the gate's signals for questions; those with no evidence at all are left out."""
    for text, label, history in asked:
        found = assistant.weigh(text, history=history, **only).signals
        if found:
            yield Example(group, found, label, group in LIKE_THOSE_ASKED, text)


def gate_examples(bench: Bench, source: Source) -> Iterator[Example]:
    """Yield what the gate learns from."""
    from_golden, from_tuning = (
        [
            (row.question, row.covered, turns(row.history))
            for row in set_rows(Path(str(files("spreadguide.evaluation") / name)), "questions.jsonl", QuestionRow)
            if row.split == "tune" and row.kind not in {"patient", "injection"}
        ]
        for name in ("golden", "tuning")
    )
    listed = tomllib.loads((TESTS / "gate_questions.toml").read_text("utf-8"))["tune"]
    from_tests = [(text, kind == "covered", ()) for kind, texts in listed.items() for text in texts]
    written = [row for name in ("questions.jsonl", "more_questions.jsonl") for row in rows(OWN / name)]
    answered = {row["question"]: row["answer"] is not None for row in written}
    answered |= {row["question"]: bool(row["answers"]) for row in rows(OWN / "brief_questions.jsonl")}
    # Whether general advice answers somebody's own case is a matter of opinion.
    judged = [row for row in rows(OWN / "judged_lines.jsonl") if row["kind"] != "advice"]
    answered |= {row["question"]: bool(row["right"]) for row in judged}
    from_own = [(text, label, ()) for text, label in answered.items() if Pair(text, "", 0, text).held_out]
    relevance = source.relevance_again()
    with bench.on_reports(None, "golden") as assistant:
        yield from weighed(assistant, "golden", from_golden)
        yield from weighed(assistant, "tuning", from_tuning)
        yield from weighed(assistant, "tests", from_tests)
        yield from weighed(assistant, "own", from_own)
        yield from weighed(assistant, "far", far_questions(relevance))
    pairs = [
        (name, pair)
        for name, found in relevance.items()
        if name not in {"own_questions", "more_questions", "scifact"}
        for pair in [pair for pair in found if pair.held_out][:EACH]
    ]
    texts = set_texts((f"{name}-{place}", "", pair.second) for place, (name, pair) in enumerate(pairs))
    with bench.on_texts(texts, "calibration") as assistant:
        for text, (name, pair) in zip(texts, pairs, strict=True):
            yield from weighed(
                assistant, name.split("_")[0], [(pair.first, bool(pair.label), ())], source_ids=[text.source_id]
            )


def far_questions(relevance: dict[str, list[Pair]]) -> list[tuple[str, bool, Any]]:
    """Return what people ask of an encyclopaedia and of public services: the briefs answer none of it."""
    asked = dict.fromkeys(pair.first for name in FAR for pair in relevance[name] if pair.held_out)
    return [(text, False, ()) for text in asked][: len(FAR) * EACH]


def claim_examples(bench: Bench, source: Source) -> Iterator[Example]:
    """Yield what the verifier learns from."""
    lines = tomllib.loads((TESTS / "near_misses.toml").read_text("utf-8"))["line"]
    for line in lines:
        for truth in ("supported", "fabricated"):
            for claim in line[truth].values() if line["split"] == "tune" else ():
                yield _claim(bench, "tests", claim, Premise(line["text"]), truth == "supported", ours=True)
    for group, claim, premise, supported in _own_claims(source):
        yield _claim(bench, group, claim, premise, supported, ours=True)
    for name, found in source.claims_again().items():
        if name in {
            "own_claims",
            "more_claims",
            "paper_claims",
            "hans_generated",
            "help_conjdisj",
            "snli_devtest",
            "cad_nli",
            "wice_train_partial",
        }:
            continue
        for pair in [pair for pair in found if pair.held_out][: None if name == "expertqa" else EACH]:
            yield _claim(bench, name, pair.first, Premise(pair.second), bool(pair.label), ours=False)


def _own_claims(source: Source) -> Iterator[tuple[str, str, Premise, bool]]:
    """Yield our own claims that were left out of training, with what they are checked against."""
    for row in [row for name in ("claims.jsonl", "more_claims.jsonl") for row in rows(OWN / name)]:
        if Pair("", "", 0, row["evidence"][:80]).held_out:
            title = source.title(row["brief"], row["evidence"])
            yield "own_claims", row["claim"], Premise(row["evidence"], title, title), row["supported"]
    for row in rows(OWN / "paper_claims.jsonl"):
        if Pair("", "", 0, row["paper"]).held_out:
            title = source.paper_title(row)
            yield "paper_claims", row["claim"], Premise(source.excerpt(row), title, title), row["supported"]
    known = listed_rows.excerpts(source)
    for row in rows(OWN / "listed_claims.jsonl"):
        excerpt, lines = known[row["excerpt"]]
        nearest = " ".join(lines[number - 1] for number in row["lines"])
        if nearest and Pair("", "", 0, excerpt["paper"]).held_out:
            title = listed_rows.headline(source, excerpt)
            yield "listed_claims", row["claim"], Premise(nearest, title, title), row["supported"]


def _claim(bench: Bench, group: str, claim: str, premise: Premise, label: bool, *, ours: bool) -> Example:
    vectors = bench.embedder.embed_queries([claim, premise.text])
    odds = float(bench.reader.supports(claim, [premise.read])[0])
    verdict = check(claim, premise, float(np.dot(*vectors)), odds)
    return Example(group, verdict.signals, label, ours, claim)


def fitted(examples: list[Example], names: list[str], outside: float) -> tuple[dict[str, float], float, np.ndarray]:
    """Return weights, bias, and the probability of each example when it was left out (five folds,
    four times).

    No weight may have the sign that cannot be meant (`SIGNS`): among claims that were made to deceive, shared words
    speak against support, and that must not be learnt for all claims.
    """
    values = np.array([[example.signals[name] for name in names] for example in examples])
    truth = np.array([example.label for example in examples])
    weight = np.array([1.0 if example.ours else outside for example in examples])
    centre, scale = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-9)
    scaled = (values - centre) / scale
    bounds = [SIGNS[name] for name in names] + [(None, None)]
    left_out = np.zeros(len(examples))
    for taught, kept in RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=TIMES, random_state=SEED).split(
        scaled, truth
    ):
        found = _fit(scaled[taught], truth[taught], weight[taught], bounds)
        left_out[kept] += expit(scaled[kept] @ found[:-1] + found[-1]) / TIMES
    found = _fit(scaled, truth, weight, bounds)
    weights = found[:-1] / scale
    bias = float(found[-1] - weights @ centre)
    rounded = {name: round(float(value), DIGITS) for name, value in zip(names, weights, strict=True)}
    return rounded, round(bias, DIGITS), left_out


def _fit(values: np.ndarray, truth: np.ndarray, weight: np.ndarray, bounds: list[Bounds]) -> np.ndarray:
    """Return weights and bias of a logistic regression within bounds; both labels weigh alike."""
    share = np.where(truth, weight / weight[truth].sum(), weight / weight[~truth].sum())
    sign = np.where(truth, 1.0, -1.0)

    def loss(found: np.ndarray) -> float:
        margins = sign * (values @ found[:-1] + found[-1])
        return float((share * np.logaddexp(0, -margins)).sum() + PENALTY * (found[:-1] ** 2).sum())

    result: np.ndarray = minimize(loss, np.zeros(values.shape[1] + 1), bounds=bounds, method="L-BFGS-B").x
    return result


Bounds = tuple[float | None, float | None]
UP: Bounds = (0, None)
DOWN: Bounds = (None, 0)
SIGNS: dict[str, Bounds] = {
    "answers": UP,
    "answers_next": UP,
    "answers_third": UP,
    "answers_passage": UP,
    "answers_passages": UP,
    "dense": UP,
    "coverage": UP,
    "unit_coverage": UP,
    "names_missing": DOWN,
    "kind_missing": DOWN,
    "of_document": UP,
    "odds": UP,
    "similarity": UP,
    "new_words": DOWN,
    "changed": DOWN,
    "wrong": DOWN,
}
"""Whether more of a signal can speak for "yes" or against it."""
AS_GOOD = 0.02
"""The curve is flat. Of the thresholds whose balanced accuracy is the best but for this, the lowest is taken: who is
refused learns nothing, who is answered beside the point sees the source. With half of this, two fits to nearly the same
examples gave 0.305 and 0.605."""
MOST_FAR = 0.4
"""Largest share, of questions about something else that share words with the reports, that the gate may let through. On
the flat part of the curve it decides, and little of what is covered is lost."""
PENALTY = 0.002
"""Weight of the sum of squares against the loss."""


def told(examples: list[Example], left_out: np.ndarray, least: float) -> dict[str, Any]:
    """Return how well each group is told apart, by examples that were left out."""
    found = {}
    for group in dict.fromkeys(example.group for example in examples):
        at = np.array([example.group == group for example in examples])
        truth = np.array([example.label for example in examples])[at]
        likely = left_out[at]
        row: dict[str, Any] = {"n": int(at.sum()), "yes": int(truth.sum())}
        if 0 < truth.sum() < len(truth):
            row["auroc"] = round(float(roc_auc_score(truth, likely)), DIGITS)
        if truth.any():
            row["found"] = round(float((likely[truth] >= least).mean()), DIGITS)
        if not truth.all():
            row["false"] = round(float((likely[~truth] >= least).mean()), DIGITS)
        found[group] = row
    return found


def least_false(examples: list[Example], left_out: np.ndarray, false: Counter[str]) -> float:
    """Return the lowest threshold that lets at most `MOST_FALSE` of the false ones through, in each group of ours.

    ``false`` counts them all, with those that the regression does not see.
    """
    choices = np.linspace(0.05, 0.95, 181)

    def let_through(name: str, least: float) -> float:
        at = np.array([example.group == name and not example.label for example in examples])
        return float((left_out[at] >= least).sum() / false[name])

    kept = [least for least in choices if all(let_through(name, least) <= MOST_FALSE for name in false)]
    return round(float(kept[0]), DIGITS)


def least_errors(examples: list[Example], left_out: np.ndarray, _: Counter[str]) -> float:
    """Return the threshold with the best balanced accuracy, as the mean over the groups of questions as people ask.

    It lets through at most `MOST_FAR` of the questions about something else.
    """
    far = np.sort(left_out[[example.group == "far" for example in examples]])
    floor = float(far[int(np.ceil(len(far) * (1 - MOST_FAR))) - 1]) if len(far) else 0.0
    return _best_balance(examples, left_out, LIKE_THOSE_ASKED, floor)


def least_of_groups(examples: list[Example], left_out: np.ndarray, _: Counter[str]) -> float:
    """Return the threshold of `even_for`: of single passages, hardly any examples are like those asked."""
    return even_for(examples, left_out)


def even_for(examples: list[Example], left_out: np.ndarray) -> float:
    """Return the threshold with the best balanced accuracy, as the mean over all groups that hold both labels."""
    return _best_balance(examples, left_out, {example.group for example in examples})


def _best_balance(examples: list[Example], left_out: np.ndarray, wanted: set[str], floor: float = 0.0) -> float:
    """Return the threshold above ``floor`` with the best balanced accuracy.

    That is the mean over the groups ``wanted`` that hold both labels.
    """
    groups = np.array([example.group for example in examples])
    truth = np.array([example.label for example in examples])
    both = [name for name in dict.fromkeys(groups) if name in wanted and 0 < truth[groups == name].mean() < 1]

    def mean(least: float) -> float:
        parts = [(truth[groups == name], left_out[groups == name] >= least) for name in both]
        return float(np.mean([(said[right].mean() + (~said[~right]).mean()) / 2 for right, said in parts]))

    choices = np.linspace(0.05, 0.95, 181)
    choices = choices[choices > floor]
    balances = np.array([mean(choice) for choice in choices])
    return round(float(choices[int(np.argmax(balances >= balances.max() - AS_GOOD))]), DIGITS)


Chooser = Callable[[list[Example], np.ndarray, Counter[str]], float]
"""Chooses the least probability that counts as "yes"."""


def main() -> None:
    """Collect, fit, tell, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--eval", type=Path, required=True)
    parser.add_argument("--papers", type=Path, required=True)
    parser.add_argument("--only", choices=["gate", "verifier"], help="Fit these regressions alone.")
    parser.add_argument("--check", action="store_true", help="Write nothing.")
    parser.add_argument("--keep", type=Path, help="Folder in which the signals of each example are kept.")
    parser.add_argument("--kept", action="store_true", help="Take the signals from --keep, and collect nothing.")
    given = parser.parse_args()
    random.seed(SEED)
    source = None if given.kept else Source(given.train, given.eval, given.papers, again=True)
    bench = Bench(load_settings(use_generator=False), lambda *_: None)
    for name, collect in (("gate", gate_examples), ("verifier", claim_examples)):
        if given.only not in {None, name}:
            continue
        kept = given.keep / f"{name}.jsonl" if given.keep else None
        examples = [Example(**row) for row in rows(kept)] if source is None else list(collect(bench, source))
        if kept and not given.kept:
            kept.write_text("\n".join(json.dumps(asdict(example)) for example in examples), encoding="utf-8")
        if name == "verifier":
            learn(verification.WEIGHTS, examples, 0.5, least_false, write=not given.check)
            continue
        several = [example for example in examples if example.signals[gate.PASSAGES] > 1]
        learn(gate.WEIGHTS, several, 0.3, least_errors, write=not given.check)
        one = [example for example in examples if example.signals[gate.PASSAGES] <= 1]
        learn(gate.WEIGHTS_OF_ONE, one, 1.0, least_of_groups, write=not given.check)


def learn(stored: str, examples: list[Example], outside: float, choose: Chooser, *, write: bool) -> None:
    """Fit one regression, tell how well it does, and write it into the file ``stored``."""
    false = Counter(example.group for example in examples if example.ours and not example.label)
    # A claim in the words of its line is decided by the symbolic checks.
    examples = [example for example in examples if example.signals.get("new_words", 1) > 0]
    names = [name for name in examples[0].signals if name != gate.PASSAGES]
    weights, bias, left_out = fitted(examples, names, outside)
    least = choose(examples, left_out, false)
    # A claim is ranked by its probability and the share of its words found, see `verification.check`.
    of_claims = stored == verification.WEIGHTS
    ranked = [1 - example.signals["new_words"] for example in examples] if of_claims else left_out
    even = even_for(examples, (left_out + np.array(ranked)) / 2)
    regression = {"weights": weights, "bias": bias, "least": least, "even": even}
    print(stored, json.dumps(regression))
    for group, row in told(examples, left_out, least).items():
        print(f"  {group}: {row}")
    if write:
        content = json.dumps(regression, indent=1)
        Path(str(files("spreadguide") / stored)).write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
