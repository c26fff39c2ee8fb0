"""Which runner measures which kind of set."""

from __future__ import annotations

from collections.abc import Callable

from spreadguide.evaluation.binary import measure_answerable, measure_claims
from spreadguide.evaluation.questions import measure_questions
from spreadguide.evaluation.retrieval import measure_retrieval
from spreadguide.evaluation.run import Done, Measured, Workbench
from spreadguide.evaluation.sets import EvaluationSet, SetKind

__all__ = ["MEASURES", "measure_questions"]

MEASURES: dict[SetKind, Callable[[EvaluationSet, Workbench, int | None, Done], Measured]] = {
    SetKind.RETRIEVAL: measure_retrieval,
    SetKind.CLAIMS: measure_claims,
    SetKind.ANSWERABLE: measure_answerable,
}
"""The runners of all kinds but questions, which take more arguments."""
