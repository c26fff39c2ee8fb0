"""Whole measurements on small sets of our own: real embedder, real index, real gate and checks."""

import json

import pytest
from small_corpus import DECLINED, HOW_LONG, HOW_MANY_WARDS, NOT_COVERED, REPORTS

from spreadguide import workbench
from spreadguide.errors import EvaluationError, GeneratorUnavailable
from spreadguide.evaluation.binary import measure_answerable, measure_claims
from spreadguide.evaluation.questions import measure_questions
from spreadguide.evaluation.retrieval import measure_retrieval
from spreadguide.evaluation.sets import open_set
from spreadguide.settings import load_settings
from spreadguide.workbench import Bench


def silent(_step, _items, _done):
    pass


def write(folder, name, rows):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture(scope="module")
def models():
    """The real embedder and cross-encoder, loaded once."""
    return workbench.make_embedder(load_settings()), workbench.make_reader()


@pytest.fixture
def bench(tmp_path, models, monkeypatch):
    embedder, reader = models
    monkeypatch.setattr(workbench, "make_embedder", lambda _settings: embedder)
    monkeypatch.setattr(workbench, "make_reader", lambda: reader)
    return Bench(load_settings(use_generator=False, evaluation_dir=tmp_path / "cache"), silent)


TEXTS = {
    "d/1": ("Funding", "The Harbour Trust funds partner hospitals for up to three years."),
    "d 2": ("", "In all, 33 wards took part in the questionnaire trial."),
    "d:3": ("Networks", "The networks supported 120 companies, which created 690 jobs."),
    "d4": ("", "…"),
}


@pytest.fixture
def retrieval_set(tmp_path):
    folder = tmp_path / "found"
    write(
        folder, "corpus.jsonl", [{"_id": name, "title": title, "text": text} for name, (title, text) in TEXTS.items()]
    )
    asked = [
        {"_id": "q1", "text": "How many wards took part?"},
        {
            "_id": "q2",
            "text": "For how long?",
            "history": [{"role": "user", "content": "Does the Harbour Trust fund partner hospitals?"}],
        },
        {"_id": "without judgement", "text": "Who?"},
    ]
    write(folder, "queries.jsonl", asked)
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td 2\t1\nq2\td/1\t2\n", "utf-8")
    return open_set(folder)


def test_texts_are_found_also_by_a_follow_up(retrieval_set, bench):
    measured = measure_retrieval(retrieval_set, bench, None, silent)
    assert measured.n == 2
    assert measured.metrics == dict.fromkeys(("ndcg@5", "ndcg@10", "recall@5", "recall@10", "mrr"), 1.0)
    assert measured.fingerprint


def test_a_second_run_embeds_nothing(retrieval_set, bench, monkeypatch):
    first = measure_retrieval(retrieval_set, bench, None, silent)
    monkeypatch.setattr(bench.embedder, "embed_documents", None)
    second = measure_retrieval(retrieval_set, bench, 1, silent)
    assert (second.n, second.fingerprint) == (1, first.fingerprint)


def test_questions_without_a_judgement_are_told(retrieval_set, bench):
    (retrieval_set.folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nother\td4\t1\n", "utf-8")
    with pytest.raises(EvaluationError, match="No question"):
        measure_retrieval(retrieval_set, bench, None, silent)


def test_claims_are_checked_against_each_sentence_and_all_together(tmp_path, bench):
    evidence = ["The Harbour Trust funds partner hospitals.", "In all, 33 wards took part in the trial."]
    claims = [("In all, 33 wards took part in the trial.", True), ("In all, 34 wards took part in the trial.", False)]
    rows = [
        {"id": f"{number}", "claim": claim, "evidence": evidence, "supported": supported}
        for number, (claim, supported) in enumerate(claims)
    ]
    write(tmp_path / "claims", "claims.jsonl", [*rows, {**rows[1], "id": "none", "evidence": []}])
    measured = measure_claims(open_set(tmp_path / "claims"), bench, None, silent)
    assert [row["said"] for row in measured.rows] == [True, False, False]
    assert (measured.metrics["balanced_accuracy"], measured.metrics["auroc"]) == (1, 1)
    assert measured.metrics["let_through"] == 0
    scores = [row["score"] for row in measured.rows]
    assert scores[0] > scores[1] > scores[2]


def test_of_long_evidence_the_nearest_sentences_count(tmp_path, bench):
    evidence = [f"Ward {number} was painted in another colour." for number in range(300)]
    evidence[150] = "The Harbour Trust funds partner hospitals for up to three years."
    row = {"id": "long", "claim": evidence[150], "evidence": evidence, "supported": True}
    write(tmp_path / "claims", "claims.jsonl", [row])
    measured = measure_claims(open_set(tmp_path / "claims"), bench, None, silent)
    assert [one["said"] for one in measured.rows] == [True]


def test_a_passage_answers_its_question_and_no_other(tmp_path, bench):
    passages = ["The Harbour Trust funds partner hospitals for up to three years.", "Local managers wanted changes."]
    rows = [
        {"id": f"p{number}", "question": HOW_LONG, "passage": passage, "answerable": number == 0}
        for number, passage in enumerate(passages)
    ]
    write(tmp_path / "pairs", "pairs.jsonl", rows)
    measured = measure_answerable(open_set(tmp_path / "pairs"), bench, None, silent)
    assert [row["said"] for row in measured.rows] == [True, False]
    assert measured.metrics["auroc"] == 1


@pytest.fixture
def questions_set(tmp_path):
    folder = tmp_path / "asked"
    rows = [
        {
            "id": "long",
            "kind": "fact",
            "question": HOW_LONG,
            "status": "answered",
            "need": ["(three|3) years"],
            "sources": ["funding"],
            "min_sources": 1,
            "split": "tune",
        },
        {
            "id": "wards",
            "kind": "fact",
            "question": HOW_MANY_WARDS,
            "status": "answered",
            "need": [r"\b33\b", "this is not said"],
            "sources": ["networks.txt"],
            "min_sources": 1,
        },
        {"id": "cars", "kind": "off_topic", "question": NOT_COVERED, "status": "not_covered"},
        {"id": "dose", "kind": "patient", "question": DECLINED, "status": "declined"},
    ]
    write(folder, "questions.jsonl", rows)
    for name, text in REPORTS.items():
        (folder / "corpus" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "corpus" / name).write_text(text, "utf-8")
    return open_set(folder)


def test_answers_are_marked(questions_set, bench):
    measured = measure_questions(questions_set, bench, None, silent, use_generator=False)
    marks = {row["id"]: row["mark"] for row in measured.rows}
    assert {name: one["right"] for name, one in marks.items()} == {
        "long": True,
        "wards": False,
        "cars": True,
        "dose": True,
    }
    assert (marks["wards"]["facts"], marks["wards"]["cited_right"]) == (1, False)
    found = measured.metrics
    assert found["right"] == 0.75
    assert found["key_fact_recall"] == pytest.approx(2 / 3, abs=1e-3)
    assert (found["refused"], found["wrongly_refused"], found["patient_declined"]) == (1, 0, 1)
    assert (found["quotes_not_verbatim"], found["fabricated_rate"], found["unsupported_claim_rate"]) == (0, 0, 0)
    assert measured.more["by_kind"]["fact"] == {"n": 2, "right": 0.5, "refused": 0.0, "facts": "2/3"}
    assert measured.model is None


def test_one_split_alone(questions_set, bench):
    measured = measure_questions(questions_set, bench, None, silent, split="tune", use_generator=False)
    assert [row["id"] for row in measured.rows] == ["long"]
    with pytest.raises(EvaluationError, match="split"):
        measure_questions(questions_set, bench, None, silent, split="other", use_generator=False)


def test_a_run_that_wants_a_model_is_not_made_without_it(questions_set, tmp_path):
    settings = load_settings(models_dir=tmp_path, evaluation_dir=tmp_path / "cache")
    with pytest.raises(GeneratorUnavailable):
        measure_questions(questions_set, Bench(settings, silent), None, silent)
