"""The questions for tuning: their form, that every key fact stands in a brief, and that none is reported elsewhere."""

import json
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from spreadguide.evaluation.sets import QuestionRow, SetKind, open_set, rows
from spreadguide.text import squeeze
from spreadguide.types import Status

SETS = files("spreadguide.evaluation")
FOLDER = Path(str(SETS / "tuning"))
QUESTIONS = rows(FOLDER, "questions.jsonl", QuestionRow)
COVERED = [row for row in QUESTIONS if row.covered]
REPOSITORY = Path(__file__).parents[2]


def test_it_is_a_set_of_questions_for_tuning_only():
    assert open_set(FOLDER).kind is SetKind.QUESTIONS
    assert {row.split for row in QUESTIONS} == {"tune"}
    assert len({row.id for row in QUESTIONS}) == len(QUESTIONS)
    assert Counter(row.kind for row in QUESTIONS).keys() == {
        "fact",
        "list",
        "advice",
        "comparison",
        "follow_up",
        "near",
    }
    assert all((row.status is Status.NOT_COVERED) == (row.kind == "near") for row in QUESTIONS)


def test_no_golden_question_is_among_them():
    golden = {squeeze(row.question.lower()) for row in rows(Path(str(SETS / "golden")), "questions.jsonl", QuestionRow)}
    assert golden.isdisjoint(squeeze(row.question.lower()) for row in QUESTIONS if not row.history)


def test_the_cross_encoder_was_not_taught_about_their_briefs():
    """It reads such briefs more surely than new reports, and the gate must not learn from that alone."""
    lines = (REPOSITORY / "scripts" / "training" / "brief_questions.jsonl").read_text("utf-8").splitlines()
    taught = {json.loads(line)["brief"] for line in lines}
    assert not [row.id for row in COVERED if taught.issuperset(row.sources)]


@pytest.mark.parametrize("row", COVERED, ids=lambda row: row.id)
def test_every_key_fact_stands_in_an_acceptable_brief(row):
    assert row.need
    assert row.min_sources >= 1
    briefs = [squeeze((REPOSITORY / "corpus" / name).read_text("utf-8")) for name in row.sources]
    for pattern in row.need:
        assert any(re.search(pattern, brief, re.IGNORECASE) for brief in briefs), pattern
        assert not re.search(pattern, "The reports do not say anything about this question.", re.IGNORECASE)
