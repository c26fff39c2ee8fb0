"""The gate on questions that its thresholds were not set on; the list says which is which."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from spreadguide.answering.gate import names_in
from spreadguide.types import Status

QUESTIONS = tomllib.loads((Path(__file__).parent / "gate_questions.toml").read_text("utf-8"))["report"]


def answered_share(make_assistant, questions: list[str]) -> float:
    assistant = make_assistant(None)
    statuses = [assistant.answer(question).status for question in questions]
    return sum(status in {Status.ANSWERED, Status.PARTIAL} for status in statuses) / len(statuses)


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        pytest.param("covered", 0.80, 1.0, id="covered questions are answered"),
        pytest.param("near", 0.0, 0.62, id="near misses are refused"),
        pytest.param("far", 0.0, 0.05, id="questions about something else are refused"),
    ],
)
def test_gate(make_assistant, kind: str, least: float, most: float) -> None:
    assert least <= answered_share(make_assistant, QUESTIONS[kind]) <= most


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Our A&E is full. What works?", []),
        ("Does option B beat NASSS?", [["NASSS"]]),
        ("What did the Health Foundation fund?", [["Health", "Foundation"]]),
    ],
)
def test_a_single_letter_names_nobody(question: str, names: list[list[str]]) -> None:
    assert names_in(question) == names
