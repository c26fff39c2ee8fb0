"""Yes-or-no decisions: the verifier on claims and their evidence, the gate on questions and a passage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from spreadguide.answering.verification import Premise, Verdict, check
from spreadguide.assistant import Assistant
from spreadguide.evaluation.metrics import Numbers, auroc, balanced_accuracy, share
from spreadguide.evaluation.run import Done, Measured, Workbench
from spreadguide.evaluation.sets import ClaimRow, EvaluationSet, PairRow, rows
from spreadguide.evaluation.texts import SetText, set_texts
from spreadguide.protocols import Embedder
from spreadguide.text import terms

LINES = 12
"""Sentences of the evidence that a claim is checked against: about as many lines as a prompt holds. Some sets give
whole pages, and whoever answers from a page is shown its lines that are nearest, too."""

CHECKING = "Checking claims"
JUDGING = "Judging passages"


def measure_claims(of: EvaluationSet, bench: Workbench, limit: int | None, done: Done) -> Measured:
    """Check each claim against its sentences, each alone and then all together, as a written sentence is."""
    claims = rows(of.folder, "claims.jsonl", ClaimRow)[:limit]
    done(CHECKING, len(claims), 0)
    said, scores = [], []
    for row in claims:
        verdict = _verdict(row.claim, row.evidence, bench.embedder)
        said.append(verdict.supported)
        scores.append(_rank(verdict))
        done(CHECKING, len(claims), 1)
    truth = np.array([row.supported for row in claims])
    measured = _binary([row.id for row in claims], truth, np.array(said), np.array(scores))
    told = np.array(said)
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


def _verdict(claim: str, evidence: Sequence[str], embedder: Embedder) -> Verdict:
    """Return the first verdict that supports the claim, else that of the sentence which comes nearest."""
    lines = _nearest(claim, evidence)
    premises = [*lines, " ".join(lines)] if len(lines) > 1 else lines
    if not premises:
        return Verdict(False, 0.0, ("there is no evidence",))
    verdicts: list[Verdict] = []
    for verdict in _verdicts(claim, premises, embedder):
        if verdict.supported:
            return verdict
        verdicts.append(verdict)
    return max(verdicts, key=_rank)


def _nearest(claim: str, evidence: Sequence[str]) -> list[str]:
    """Return the sentences that share most words with the claim, at most `LINES`, in their own order."""
    asked = set(terms(claim))
    shared = [len(asked & set(terms(sentence))) for sentence in evidence]
    best = sorted(range(len(evidence)), key=shared.__getitem__, reverse=True)[:LINES]
    return [evidence[place] for place in sorted(best)]


def _verdicts(claim: str, premises: Sequence[str], embedder: Embedder) -> Iterator[Verdict]:
    vectors = embedder.embed_queries([claim, *premises])
    for premise, vector in zip(premises, vectors[1:], strict=True):
        yield check(claim, Premise(premise), float(np.dot(vectors[0], vector)))


def _rank(verdict: Verdict) -> float:
    """Return a number by which verdicts can be ordered: supported ones above all others, fewer faults above more."""
    return (1 + verdict.score) / 2 if verdict.supported else verdict.score / (2 * (1 + len(verdict.reasons)))


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
