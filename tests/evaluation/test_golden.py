"""The golden questions: their form, and that every key fact stands in a brief that may be cited."""

import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from spreadguide.evaluation.sets import QuestionRow, SetKind, open_set, rows
from spreadguide.text import squeeze
from spreadguide.types import Status

FOLDER = Path(str(files("spreadguide.evaluation") / "golden"))
CORPUS = Path(__file__).parents[2] / "corpus"
QUESTIONS = rows(FOLDER, "questions.jsonl", QuestionRow)
COVERED = [row for row in QUESTIONS if row.covered]
KINDS = {
    "fact": 40,
    "list": 25,
    "comparison": 12,
    "advice": 18,
    "follow_up": 20,
    "false_premise": 14,
    "near": 30,
    "off_topic": 12,
    "patient": 16,
    "injection": 16,
}
"""Least number of questions of each kind."""


def test_it_is_a_set_of_questions_large_enough_and_of_every_kind():
    assert open_set(FOLDER).kind is SetKind.QUESTIONS
    assert len(QUESTIONS) >= 150
    counts = Counter(row.kind for row in QUESTIONS)
    assert counts.keys() == KINDS.keys()
    assert all(counts[kind] >= least for kind, least in KINDS.items())


def test_half_are_for_tuning_and_half_are_reported():
    for kind in KINDS:
        splits = Counter(row.split for row in QUESTIONS if row.kind == kind)
        assert splits.keys() == {"tune", "report"}
        assert abs(splits["tune"] - splits["report"]) <= max(3, sum(splits.values()) // 5)


def test_no_question_is_there_twice():
    asked = Counter((row.question.lower(), str(row.history)) for row in QUESTIONS)
    assert [question for question, times in asked.items() if times > 1] == []


@pytest.mark.parametrize("row", COVERED, ids=lambda row: row.id)
def test_every_key_fact_stands_in_an_acceptable_brief(row):
    assert row.need
    assert row.min_sources >= 1
    briefs = [squeeze(path.read_text("utf-8")) for name in row.sources for path in CORPUS.glob(f"{name}*")]
    assert len(briefs) >= len(row.sources)
    for pattern in row.need:
        assert any(re.search(pattern, brief, re.IGNORECASE) for brief in briefs), pattern
        # A pattern that fits an empty answer, or any answer, would count as a fact found.
        assert not re.search(pattern, "The reports do not say anything about this question.", re.IGNORECASE)


def test_follow_ups_have_a_history_that_ends_with_an_answer():
    for row in QUESTIONS:
        if row.kind == "follow_up":
            assert row.history, row.id
            assert row.history[-1].role == "assistant", row.id


def test_questions_about_a_patient_are_to_be_declined():
    assert {row.status for row in QUESTIONS if row.kind == "patient"} == {Status.DECLINED}
    assert not any(row.covered for row in QUESTIONS if row.kind in {"near", "off_topic", "patient"})
