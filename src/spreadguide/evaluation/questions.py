"""Whole answers: asked as a user asks, marked against what a right answer holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spreadguide.assistant import Assistant
from spreadguide.errors import EvaluationError
from spreadguide.evaluation.marking import Mark, mark
from spreadguide.evaluation.metrics import Numbers, auroc, coverage_at_risk, ratio, share
from spreadguide.evaluation.run import Done, Measured, Workbench
from spreadguide.evaluation.sets import EvaluationSet, QuestionRow, rows, turns
from spreadguide.types import Answer, Status

ASKING = "Asking questions"

RISKS = (0.01, 0.05, 0.1, 0.2)
"""Shares of wrong answers for which the share of answered questions is told."""

PATIENT = "patient"
INJECTION = "injection"
"""Kinds of question that have a metric of their own."""


def measure_questions(
    of: EvaluationSet,
    bench: Workbench,
    limit: int | None,
    done: Done,
    *,
    split: str | None = None,
    reports: Path | None = None,
    use_generator: bool = True,
) -> Measured:
    """Ask every question of the set (of one ``split``, where given) and mark the answers.

    They are answered from ``reports``, or else from the set's own, or else from the shipped briefs.
    Raises `EvaluationError` when the split holds no question, and `EmptyCorpus` when the set has no reports.
    """
    asked = [row for row in rows(of.folder, "questions.jsonl", QuestionRow) if split in (None, row.split)][:limit]
    if not asked:
        raise EvaluationError(f"No question of {of.folder} is in the split {split!r}.", hint="Use tune or report.")
    marks: list[Mark] = []
    answers: list[Answer] = []
    scores: list[float] = []
    own = of.folder / "corpus"
    with bench.on_reports(reports or (own if own.is_dir() else None), of.name) as assistant:
        done(ASKING, len(asked), 0)
        for row in asked:
            answer = _asked(assistant, row, use_generator=use_generator)
            answers.append(answer)
            marks.append(mark(row, answer, assistant.library.store.document_text))
            scores.append(assistant.weigh(row.question, history=turns(row.history)).score)
            done(ASKING, len(asked), 1)
        fingerprint = assistant.library.fingerprint
    measured = _measured(asked, marks, answers, np.array(scores))
    measured.fingerprint = fingerprint
    measured.model = next((answer.trace.model for answer in answers if answer.trace.model), None)
    return measured


def _asked(assistant: Assistant, row: QuestionRow, *, use_generator: bool) -> Answer:
    return assistant.answer(row.question, history=turns(row.history), role=row.role, use_generator=use_generator)


def _measured(
    asked: Sequence[QuestionRow], marks: Sequence[Mark], answers: Sequence[Answer], scores: Numbers
) -> Measured:
    measured = Measured(len(asked))
    covered = [one for row, one in zip(asked, marks, strict=True) if row.covered]
    uncovered = [one for row, one in zip(asked, marks, strict=True) if not row.covered]
    measured.add_mean("right", [one.right for one in marks])
    _add_ratio(measured, "key_fact_recall", covered, lambda one: (one.facts, one.asked))
    measured.add_mean("cited_right", [one.cited_right for one in covered])
    measured.add_mean("refused", [one.refused for one in uncovered])
    measured.add_mean("wrongly_refused", [one.refused for one in covered])
    _add_ratio(measured, "citation_precision", covered, lambda one: (one.citations, one.cited))
    _add_ratio(measured, "citation_recall", covered, lambda one: (one.supported_by_acceptable, one.shown))
    _add_ratio(measured, "unsupported_claim_rate", marks, lambda one: (one.unsupported, one.shown))
    measured.add_mean("fabricated_rate", [bool(one.invented) for one in marks if not one.refused])
    _add_abstention(measured, asked, marks, scores)
    unlike = np.array([one.not_verbatim for one in marks], dtype=np.float64)
    measured.add("quotes_not_verbatim", lambda at: float(unlike[at].sum()))
    of_kind = [one for row, one in zip(asked, marks, strict=True) if row.kind == INJECTION]
    measured.add_mean("injection_obeyed", [one.never for one in of_kind])
    patients = [found for row, found in zip(asked, answers, strict=True) if row.kind == PATIENT]
    measured.add_mean("patient_declined", [found.status is Status.DECLINED for found in patients])
    seconds = np.array([one.timings.total for one in answers], dtype=np.float64) / 1000
    measured.add("seconds_p50", lambda at: float(np.median(seconds[at])))
    measured.rows = [_row(*found) for found in zip(asked, marks, answers, scores, strict=True)]
    measured.more["by_kind"] = _by_kind(asked, marks)
    return measured


def _add_abstention(measured: Measured, asked: Sequence[QuestionRow], marks: Sequence[Mark], scores: Numbers) -> None:
    """Add precision, recall and AUROC of refusing what the reports do not cover, and the coverage-at-risk curve.

    The curve looks at questions as if each were answered: what is not covered counts as wrong.
    """
    refused = np.array([one.refused for one in marks])
    uncovered = np.array([not row.covered for row in asked])
    # What is declined for its subject is decided by the wording, before the gate.
    gated = np.array([row.status is not Status.DECLINED for row in asked])
    measured.add("abstention_precision", lambda at: share(uncovered[at][refused[at]].astype(float)))
    measured.add("abstention_recall", lambda at: share(refused[at][uncovered[at]].astype(float)))
    measured.add("abstention_auroc", _within(gated, lambda at: auroc(~uncovered[at], scores[at])))
    right = np.array([one.right and row.covered for one, row in zip(marks, asked, strict=True)])
    measured.more["coverage_at_risk"] = coverage_at_risk(right[gated], scores[gated], RISKS) if gated.any() else {}


def _within(
    wanted: NDArray[np.bool_], statistic: Callable[[NDArray[np.intp]], float]
) -> Callable[[NDArray[np.intp]], float]:
    return lambda at: statistic(at[wanted[at]]) if wanted[at].any() else math.nan


def _add_ratio(measured: Measured, name: str, marks: Sequence[Mark], parts: Callable[[Mark], tuple[int, int]]) -> None:
    """Add a metric that is a sum divided by a sum, such as facts found by facts asked for."""
    pairs = np.array([parts(one) for one in marks], dtype=np.float64).reshape(-1, 2)
    measured.add(name, lambda at: ratio(pairs[at, 0], pairs[at, 1]), len(pairs))


def _by_kind(asked: Sequence[QuestionRow], marks: Iterable[Mark]) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Mark]] = {}
    for row, one in zip(asked, marks, strict=True):
        groups.setdefault(row.kind, []).append(one)
    return {
        kind: {
            "n": len(group),
            "right": round(sum(one.right for one in group) / len(group), 4),
            "refused": round(sum(one.refused for one in group) / len(group), 4),
            "facts": f"{sum(one.facts for one in group)}/{sum(one.asked for one in group)}",
        }
        for kind, group in groups.items()
    }


def _row(row: QuestionRow, one: Mark, answer: Answer, score: float) -> dict[str, Any]:
    values = {"right": float(one.right), "refused": float(one.refused)}
    if row.covered:
        values["cited_right"] = float(one.cited_right)
    if row.covered and one.asked:
        values["key_fact_recall"] = one.facts / one.asked
    return {
        "id": row.id,
        "kind": row.kind,
        "question": row.question,
        "standalone_question": answer.question.standalone,
        "expected": str(row.status),
        "status": str(answer.status),
        "text": answer.text,
        "seconds": round(answer.timings.total / 1000, 3),
        "score": round(float(score), 4),
        "mark": asdict(one),
        "values": values,
    }
