"""What the answers of one run come to: medians, the raw engine's rates, and each limit of the table to be met."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server_process import spread

FIRST_SENTENCE_TOKENS = 30
"""Length of a first sentence, of which the issue's yardstick is made: so many tokens are written before it is whole."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question; milliseconds since it was sent, ``None`` for what did not come."""

    id: str
    status: str
    model: str | None
    retrieved: float | None
    checked: float
    token: float | None
    written: float | None
    total: float
    prompt_tokens: int
    reused_tokens: int | None
    completion_tokens: int
    tokens_per_second: float | None


def figures_of(answers: Sequence[Asked]) -> dict[str, Any]:
    """Return median and 95th percentile of everything that was timed."""

    def of(name: str, digits: int = 0) -> dict[str, float | int]:
        return spread([value for one in answers if (value := getattr(one, name)) is not None], digits)

    return {
        "questions": len(answers),
        "written_by_the_model": sum(one.model is not None for one in answers),
        "retrieved_ms": of("retrieved"),
        "first_checked_statement_ms": of("checked"),
        "first_token_ms": of("token"),
        "first_written_sentence_ms": of("written"),
        "whole_answer_ms": of("total"),
        "tokens_per_second": of("tokens_per_second", 2),
        "prompt_tokens": spread([one.prompt_tokens for one in answers if one.prompt_tokens]),
        "completion_tokens": spread([one.completion_tokens for one in answers if one.completion_tokens]),
    }


def best_rates(runs: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the raw rates: the mean over the runs of each way of waiting, and of these the higher one."""

    def rate(name: str, waiting: str) -> float:
        of: list[float] = [
            statistics.median(one[name] for one in run["runs"]) for run in runs if run["waiting"] == waiting
        ]
        return statistics.mean(of)

    names = ("prompt_tokens_per_second", "tokens_per_second")
    return {name: round(max(rate(name, waiting) for waiting in {run["waiting"] for run in runs}), 2) for name in names}


def evaluated(one: Asked, fixed: int) -> int:
    """Return how many tokens of the prompt the model really read: where the answer does not say, all but the fixed."""
    return one.prompt_tokens - (fixed if one.reused_tokens is None else one.reused_tokens)


def must_show(result: dict[str, Any], answers: Sequence[Asked], fixed: int, rates: dict[str, float]) -> dict[str, Any]:
    """Return each figure of the issue's table with its limit, and whether it is met; `None` where none was measured."""
    figures = result["figures"]
    writing = FIRST_SENTENCE_TOKENS / rates["tokens_per_second"]
    timed = [one for one in answers if one.written is not None and one.prompt_tokens]

    def ratios(of: str) -> list[float]:
        counts = [one.prompt_tokens if of == "whole" else evaluated(one, fixed) for one in timed]
        yardsticks = [count / rates["prompt_tokens_per_second"] + writing for count in counts]
        return [(one.written or 0) / 1000 / yard for one, yard in zip(timed, yardsticks, strict=True)]

    rate = figures["tokens_per_second"].get("p50")
    read = [evaluated(one, fixed) for one in answers if one.prompt_tokens]
    rows: dict[str, tuple[float | None, str, float]] = {
        "server_ready_seconds": (result["ready_seconds"]["second_start"], "<=", 6),
        "retrieved_p95_ms": (figures["retrieved_ms"].get("p95"), "<=", 200),
        "first_checked_statement_p50_ms": (figures["first_checked_statement_ms"].get("p50"), "<=", 1000),
        "first_written_sentence_ratio_p50": (spread(ratios("whole"), 3).get("p50"), "<=", 1.15),
        "first_written_sentence_ratio_to_tokens_evaluated_p50": (spread(ratios("read"), 3).get("p50"), "<=", 1.15),
        "whole_answer_p50_ms": (figures["whole_answer_ms"].get("p50"), "<=", 12_000),
        "whole_answer_p95_ms": (figures["whole_answer_ms"].get("p95"), "<=", 25_000),
        "generation_rate_to_raw": (rate and round(rate / rates["tokens_per_second"], 3), ">=", 0.90),
        "prompt_tokens_evaluated_p50": (spread(read).get("p50"), "<=", 350),
        "search_while_answering_p95_ms": (result["search_while_an_answer_is_written_ms"].get("p95"), "<=", 150),
    }
    if busy := result.get("one_core_busy"):
        slowed = busy["search_ms"]["p50"] / result["search_alone_ms"]["p50"]
        slow_rate = busy["tokens_per_second"].get("p50")
        rows["search_slow_down"] = (round(slowed, 2), "<", 2.5)
        rows["generation_slow_down"] = (round(rate / slow_rate, 2) if rate and slow_rate else None, "<", 2.5)
    holds = {"<=": float.__le__, ">=": float.__ge__, "<": float.__lt__}
    return {
        name: {
            "value": value,
            "must_be": f"{sign} {limit:g}",
            "met": None if value is None else holds[sign](float(value), float(limit)),
        }
        for name, (value, sign, limit) in rows.items()
    }
