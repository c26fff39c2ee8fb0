"""Yes-or-no decisions: the verifier on claims and their evidence, the gate on questions and a passage."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from spreadguide.answering.verification import WEIGHTS, Premise, Verdict, check
from spreadguide.assistant import Assistant
from spreadguide.evaluation.metrics import Numbers, auroc, balanced_accuracy, share
from spreadguide.evaluation.run import Done, Measured, Workbench
from spreadguide.evaluation.sets import ClaimRow, EvaluationSet, PairRow, rows
from spreadguide.evaluation.texts import SetText, set_texts
from spreadguide.logistic import load
from spreadguide.protocols import Embedder, PairJudge
from spreadguide.text import terms

LINES = 6
WORDS = 130
"""Sentences of the evidence that a claim is checked against, and words in them: about what a prompt holds. Some sets
give whole pages, and whoever answers from a page is shown its lines that are nearest, too."""

CHECKING = "Checking claims"
JUDGING = "Judging passages"


def measure_claims(of: EvaluationSet, bench: Workbench, limit: int | None, done: Done) -> Measured:
    """Check each claim against its sentences, all together and each alone, as a written sentence is."""
    claims = rows(of.folder, "claims.jsonl", ClaimRow)[:limit]
    done(CHECKING, len(claims), 0)
    said, scores = [], []
    for row in claims:
        verdict = weighed_claim(row.claim, row.evidence, bench.embedder, bench.reader)
        said.append(verdict.supported)
        scores.append(verdict.score)
        done(CHECKING, len(claims), 1)
    truth = np.array([row.supported for row in claims])
    measured = _binary([row.id for row in claims], truth, np.array(said), np.array(scores))
    told = np.array(said)
    even = np.array(scores) >= load(WEIGHTS).even
    measured.add("balanced_accuracy_even", lambda at: balanced_accuracy(truth[at], even[at]))
    measured.add("let_through_even", lambda at: share(even[at][~truth[at]].astype(float)))
    measured.add("let_through", lambda at: share(told[at][~truth[at]].astype(float)))
    return measured


def measure_answerable(of: EvaluationSet, bench: Workbench, limit: int | None, done: Done) -> Measured:
    """Judge for each pair whether its passage alone answers the question."""
    pairs = rows(of.folder, "pairs.jsonl", PairRow)[:limit]
    texts = {text.path: text for text in set_texts((row.id, "", row.passage) for row in pairs)}
    said, scores = [], []
    with bench.on_texts(list(texts.values()), of.name) as assistant:
        done(JUDGING, len(pairs), 0)
        for row in pairs:
            enough, score = _weighed(assistant, row, texts.get(row.id))
            said.append(enough)
            scores.append(score)
            done(JUDGING, len(pairs), 1)
        fingerprint = assistant.library.fingerprint
    truth = np.array([row.answerable for row in pairs])
    measured = _binary([row.id for row in pairs], truth, np.array(said), np.array(scores))
    measured.fingerprint = fingerprint
    return measured


def _weighed(assistant: Assistant, row: PairRow, text: SetText | None) -> tuple[bool, float]:
    """Return the gate's verdict and score; a passage without a word in it answers nothing."""
    if text is None:
        return False, 0.0
    sufficiency = assistant.weigh(row.question, source_ids=[text.source_id])
    return sufficiency.enough, sufficiency.score


def weighed_claim(claim: str, evidence: Sequence[str], embedder: Embedder, reader: PairJudge) -> Verdict:
    """Return the verdict on a claim by the sentences that come nearest, all together and each alone.

    The first verdict that supports it counts, as in an answer; else the one that comes nearest to it.
    """
    lines = _nearest(claim, evidence)
    premises = [" ".join(lines), *lines] if len(lines) > 1 else lines
    if not premises:
        return Verdict(False, 0.0, ("there is no evidence",))
    verdicts: list[Verdict] = []
    for verdict in _verdicts(claim, premises, embedder, reader):
        if verdict.supported:
            return verdict
        verdicts.append(verdict)
    return max(verdicts, key=lambda verdict: verdict.score)


def _nearest(claim: str, evidence: Sequence[str]) -> list[str]:
    """Return the sentences that share most words with the claim, for their length, in their own order.

    As many as have `WORDS` words together, at most `LINES`.
    """
    asked = set(terms(claim))

    def worth(place: int) -> float:
        own = set(terms(evidence[place]))
        return float(len(own & asked) / math.sqrt(len(own) + 3))

    chosen: list[int] = []
    size = 0
    for place in sorted(range(len(evidence)), key=worth, reverse=True):
        length = len(evidence[place].split())
        if chosen and (size + length > WORDS or len(chosen) == LINES):
            continue
        chosen.append(place)
        size += length
    return [evidence[place] for place in sorted(chosen)]


def _verdicts(claim: str, premises: Sequence[str], embedder: Embedder, reader: PairJudge) -> Iterator[Verdict]:
    vectors = embedder.embed_queries([claim, *premises])
    odds = reader.supports(claim, premises)
    for premise, vector, odd in zip(premises, vectors[1:], odds, strict=True):
        yield check(claim, Premise(premise), float(np.dot(vectors[0], vector)), float(odd))


def _binary(ids: Sequence[str], truth: NDArray[np.bool_], said: NDArray[np.bool_], scores: Numbers) -> Measured:
    """Return what all yes-or-no sets share: balanced accuracy, AUROC, precision and recall of "yes"."""
    measured = Measured(len(ids))
    measured.add("balanced_accuracy", lambda at: balanced_accuracy(truth[at], said[at]))
    measured.add("auroc", lambda at: auroc(truth[at], scores[at]))
    measured.add("precision", lambda at: share(truth[at][said[at]].astype(float)))
    measured.add("recall", lambda at: share(said[at][truth[at]].astype(float)))
    measured.rows = [
        {
            "id": name,
            "truth": bool(right),
            "said": bool(told),
            "score": round(float(score), 4),
            "values": {"right": float(right == told)},
        }
        for name, right, told, score in zip(ids, truth, said, scores, strict=True)
    ]
    return measured
