"""The real cross-encoder, asked once for each pair of texts: many tests put the same question to the same reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from spreadguide.protocols import PairJudge, Scores


class RememberingJudge:
    """Gives what ``judge`` gives, and keeps it; right for a judge that reads each pair by itself, as ours does."""

    def __init__(self, judge: PairJudge) -> None:
        self._judge = judge
        self._answers: dict[tuple[str, str], np.float32] = {}
        self._supports: dict[tuple[str, str], np.float32] = {}

    @property
    def judge_id(self) -> str:
        return self._judge.judge_id

    def answers(self, question: str, passages: Sequence[str]) -> Scores:
        return _told(self._judge.answers, self._answers, question, passages)

    def supports(self, claim: str, evidence: Sequence[str]) -> Scores:
        return _told(self._judge.supports, self._supports, claim, evidence)


def _told(
    ask: Callable[[str, Sequence[str]], Scores],
    known: dict[tuple[str, str], np.float32],
    one: str,
    others: Sequence[str],
) -> Scores:
    new = list(dict.fromkeys(other for other in others if (one, other) not in known))
    for other, odds in zip(new, ask(one, new), strict=True):
        known[one, other] = odds
    return np.array([known[one, other] for other in others], dtype=np.float32)
