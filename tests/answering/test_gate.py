"""The gate on questions that its thresholds were not set on; the list says which is which."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from spreadguide.answering.gate import names_in
from spreadguide.assistant import Assistant
from spreadguide.types import Final, Retrieved, Status

QUESTIONS = tomllib.loads((Path(__file__).parent / "gate_questions.toml").read_text("utf-8"))["report"]


def answered_share(make_assistant, questions: list[str]) -> float:
    assistant = make_assistant(None)
    return sum(is_answered(assistant, question) for question in questions) / len(questions)


def is_answered(assistant: Assistant, question: str) -> bool:
    """Tell it by the first event after the passages: a claim is told only once the gate has let the question through.

    What would still come takes a sixth of the time of an answer and does not change its status.
    """
    events = assistant.ask(question)
    told = next(event for event in events if not isinstance(event, Retrieved))
    events.close()
    return not isinstance(told, Final) or told.answer.status in {Status.ANSWERED, Status.PARTIAL}


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


def test_a_month_or_a_day_is_no_name() -> None:
    assert names_in("We have pilot money until next March. Does Flo run over Christmas, or on a Monday?") == [["Flo"]]


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("What did Macmillan and Nesta find?", [["Macmillan"], ["Nesta"]]),
        ("Did Macmillan, Nesta and SCIE agree?", [["Macmillan"], ["Nesta"], ["SCIE"]]),
        ("Who works for Macmillan in Wales?", [["Macmillan"], ["Wales"]]),
        ("What does the Institute for Digital Health say?", [["Institute", "Digital", "Health"]]),
        ("How did the School of the Arts help?", [["School", "Arts"]]),
        ("Which patients had trouble at the CDCs Healthwatch visited?", [["CDCs"], ["Healthwatch"]]),
    ],
)
def test_names_that_stand_side_by_side_are_told_apart(question: str, names: list[list[str]]) -> None:
    assert names_in(question) == names
