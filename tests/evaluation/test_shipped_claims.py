"""Our own claims and questions: their form, that their evidence is real, and that nothing measured was trained on."""

import json
import re
import tomllib
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from spreadguide.evaluation.sets import ClaimRow, QuestionRow, SetKind, open_set, rows
from spreadguide.text import squeeze

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = REPOSITORY / "corpus"
TRAINING = REPOSITORY / "scripts" / "training"
SEEDS = REPOSITORY.parent / "shared" / "seeds"
EVALUATION = Path(str(files("spreadguide.evaluation")))
NEAR_MISSES, RAW_PAGES = EVALUATION / "near_misses", EVALUATION / "raw_pages"

REWORDED = {"paraphrase", "part", "condensed"}
"""Kinds of claim that their evidence supports."""

CHANGED = set("swap direction quantifier certainty negation added scope number name comparator cause unit date".split())
"""Kinds of change that make a claim say what its evidence does not."""


def raw(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@cache
def brief(name):
    """The text of a brief on one line, without its front matter."""
    text = (CORPUS / name).read_text("utf-8")
    return squeeze(re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL))


def folded(text):
    return squeeze(text).casefold()


CLAIMS = raw(NEAR_MISSES / "claims.jsonl")
TRAINING_CLAIMS = raw(TRAINING / "claims.jsonl")
TRAINING_QUESTIONS = raw(TRAINING / "questions.jsonl")
PAGES = rows(RAW_PAGES, "questions.jsonl", QuestionRow)


def test_the_near_misses_are_a_set_of_claims():
    assert open_set(NEAR_MISSES).kind is SetKind.CLAIMS
    found = rows(NEAR_MISSES, "claims.jsonl", ClaimRow)
    assert len(found) == len(CLAIMS) >= 300
    assert len({row.id for row in found}) == len(found)
    assert all(row.evidence for row in found)


def test_about_half_of_them_are_supported():
    assert 0.45 <= sum(row["supported"] for row in CLAIMS) / len(CLAIMS) <= 0.55


@pytest.mark.parametrize("found", [CLAIMS, TRAINING_CLAIMS], ids=["near_misses", "training"])
def test_the_kind_of_a_claim_says_whether_it_is_supported(found):
    assert {row["kind"] for row in found if row["supported"]} == REWORDED
    assert {row["kind"] for row in found if not row["supported"]} == CHANGED


def test_every_kind_of_change_is_there_often_enough():
    counts = Counter(row["kind"] for row in CLAIMS)
    assert {kind: counts[kind] for kind in CHANGED if counts[kind] < 15} == {}


def test_every_piece_of_evidence_stands_in_its_brief():
    strange = [
        (row["id"], piece) for row in CLAIMS for piece in row["evidence"] if squeeze(piece) not in brief(row["brief"])
    ]
    assert strange == []


def test_no_claim_is_there_twice_or_copied_from_its_brief():
    said = Counter(folded(row["claim"]) for row in CLAIMS)
    assert [claim for claim, times in said.items() if times > 1] == []
    assert [row["id"] for row in CLAIMS if folded(row["claim"]) in brief(row["brief"]).casefold()] == []


def test_every_line_to_train_on_stands_in_its_brief():
    lines = [(row["brief"], row["evidence"]) for row in TRAINING_CLAIMS]
    lines += [(row["brief"], row["answer"]) for row in TRAINING_QUESTIONS if row["answer"] is not None]
    assert [line for name, line in lines if squeeze(line) not in brief(name)] == []


@pytest.mark.parametrize("trained", [TRAINING_CLAIMS, TRAINING_QUESTIONS], ids=["claims", "questions"])
def test_no_brief_is_both_trained_on_and_measured(trained):
    measured = {row["brief"] for row in CLAIMS}
    assert measured
    assert measured & {row["brief"] for row in trained} == set()


def test_no_question_is_both_trained_on_and_measured():
    golden = rows(EVALUATION / "golden", "questions.jsonl", QuestionRow)
    gate = tomllib.loads((REPOSITORY / "tests" / "answering" / "gate_questions.toml").read_text("utf-8"))["report"]
    measured = {folded(row.question) for row in [*golden, *PAGES]}
    measured |= {folded(question) for listed in gate.values() for question in listed}
    assert [row["question"] for row in TRAINING_QUESTIONS if folded(row["question"]) in measured] == []


def test_the_questions_on_the_raw_pages_are_a_set_large_enough():
    assert open_set(RAW_PAGES).kind is SetKind.QUESTIONS
    for split in ("tune", "report"):
        own = [row for row in PAGES if row.split == split]
        assert sum(row.covered for row in own) >= 30
        assert any(not row.covered for row in own)


def test_a_covered_question_says_what_its_answer_holds_and_where_it_stands():
    for row in PAGES:
        if row.covered:
            assert row.need, row.id
            assert 1 <= row.min_sources <= len(row.sources), row.id
        else:
            assert not row.need, row.id
            assert not row.sources, row.id
        # A pattern that fits an empty answer, or any answer, would count as a fact found.
        for pattern in row.need:
            assert not re.search(pattern, "The reports do not say anything about this question.", re.IGNORECASE)


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the source pages (../shared/seeds) are not on this machine")
def test_every_key_fact_stands_in_one_of_the_pages_that_may_be_cited():
    missing = []
    for row in PAGES:
        pages = [squeeze((SEEDS / name).read_text("utf-8")) for name in row.sources]
        missing += [
            (row.id, pattern)
            for pattern in row.need
            if not any(re.search(pattern, page, re.IGNORECASE) for page in pages)
        ]
    assert missing == []
