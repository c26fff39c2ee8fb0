"""Rows that the cross-encoder is taught with: each line stands in its brief, and no brief teaches that is kept back."""

from importlib.resources import files
from pathlib import Path

import pytest
from cross_encoder_rows import CORPUS, OWN, key, rows

from spreadguide.evaluation.sets import QuestionRow
from spreadguide.evaluation.sets import rows as set_rows

GOLDEN = Path(str(files("spreadguide.evaluation") / "golden"))


@pytest.fixture(scope="module")
def taught():
    return {row["brief"] for row in rows(OWN / "brief_questions.jsonl")}


@pytest.fixture(scope="module")
def briefs():
    return {path.name: set(key(path.read_text("utf-8")).split()) for path in CORPUS.glob("*.md")}


@pytest.mark.parametrize("name", ["pooled_lines.jsonl", "judged_lines.jsonl"])
def test_each_line_stands_in_a_brief_that_teaches(name, taught, briefs):
    found = {tuple(line) for row in rows(OWN / name) for line in row["lines"]}
    assert {brief for brief, _ in found} <= taught
    # An item of a list stands after the words that lead in the whole list, so words are compared, and not the line.
    strange = {(brief, word) for brief, line in found for word in key(line).split() if word not in briefs[brief]}
    assert strange == set()


@pytest.mark.parametrize("name", ["pooled_lines.jsonl", "judged_lines.jsonl"])
def test_each_line_answers_or_does_not(name):
    for row in rows(OWN / name):
        assert sorted(row["right"] + row["wrong"]) == list(range(len(row["lines"]))), row["question"]


def test_no_question_that_teaches_is_a_golden_one():
    golden = {key(row.question) for row in set_rows(GOLDEN, "questions.jsonl", QuestionRow)}
    names = ("pooled_lines.jsonl", "judged_lines.jsonl", "listed_questions.jsonl", "follow_ups.jsonl")
    asked = {key(row["question"]) for name in names for row in rows(OWN / name)}
    assert not golden & asked
