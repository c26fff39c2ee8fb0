"""The folders that can be measured: kinds told apart, rows read, and errors that name the file and the line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from spreadguide.errors import EvaluationError
from spreadguide.evaluation.sets import (
    FILES,
    ClaimRow,
    PairRow,
    QueryRow,
    QuestionRow,
    SetKind,
    TextRow,
    judgements,
    open_set,
    rows,
    turns,
)
from spreadguide.types import Status, Turn

CLAIM = {"id": "c1", "claim": "Nurses led it.", "evidence": ["Nurses led the trial."], "supported": True}
QUESTION = {"id": "q1", "kind": "fact", "question": "Who led it?", "status": "answered", "need": ["nurses?"]}


def lines(folder: Path, name: str, *found: object) -> Path:
    """Write a file of one JSON object per line; what is text already is written as it stands."""
    path = folder / name
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in found)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def refused(folder: Path, name: str, form: type) -> EvaluationError:
    with pytest.raises(EvaluationError) as caught:
        rows(folder, name, form)
    assert caught.value.hint.endswith(".")
    return caught.value


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("kind", list(SetKind))
def test_each_kind_is_recognised_by_its_files(tmp_path, kind, ending):
    for name in FILES[kind]:
        (tmp_path / f"{name}{ending}").write_bytes(b"")
    found = open_set(tmp_path)
    assert (found.folder, found.kind, found.name) == (tmp_path, kind, tmp_path.name)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(EvaluationError, match=r"no folder .*gone"):
        open_set(tmp_path / "gone")


@pytest.mark.parametrize("names", [[], ["notes.txt"], ["corpus.jsonl", "queries.jsonl"]])
def test_a_folder_of_no_kind_is_refused_and_told_what_a_set_holds(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(EvaluationError, match="no evaluation set") as caught:
        open_set(tmp_path)
    assert all(name in caught.value.hint for wanted in FILES.values() for name in wanted)


def test_two_kinds_in_one_folder_are_refused(tmp_path):
    (tmp_path / "claims.jsonl").touch()
    (tmp_path / "pairs.jsonl.gz").touch()
    with pytest.raises(EvaluationError, match="more than one kind of set: claims, answerable"):
        open_set(tmp_path)


@pytest.mark.parametrize("name", ["claims.jsonl", "claims.jsonl.gz"])
def test_rows_are_read_and_unknown_fields_passed_over(tmp_path, name):
    lines(tmp_path, name, CLAIM | {"topic": "wards"}, "", CLAIM | {"id": 2, "supported": False})
    first, second = rows(tmp_path, "claims.jsonl", ClaimRow)
    assert first == ClaimRow(**CLAIM)
    assert not hasattr(first, "topic")
    assert (second.id, second.supported) == ("2", False)


def test_the_ids_of_a_retrieval_set_have_an_underscore(tmp_path):
    lines(tmp_path, "corpus.jsonl", {"_id": "a", "title": "T", "text": ""}, {"id": "b", "text": "B"})
    history = [{"role": "user", "content": "Before?"}, {"role": "assistant", "content": "Yes."}]
    lines(tmp_path, "queries.jsonl", {"_id": "q", "text": "And now?", "history": history})
    assert [(row.id, row.title) for row in rows(tmp_path, "corpus.jsonl", TextRow)] == [("a", "T"), ("b", "")]
    (query,) = rows(tmp_path, "queries.jsonl", QueryRow)
    assert turns(query.history) == [Turn("user", "Before?"), Turn("assistant", "Yes.")]


def test_a_question_has_what_the_contract_names(tmp_path):
    whole = QUESTION | {"history": [], "sources": ["wards/"], "min_sources": 2, "never": ["obeyed"], "split": "tune"}
    lines(tmp_path, "questions.jsonl", whole, {**QUESTION, "id": "q2", "need": [], "status": "declined"})
    first, second = rows(tmp_path, "questions.jsonl", QuestionRow)
    assert (first.status, first.covered, first.min_sources, first.split) == (Status.ANSWERED, True, 2, "tune")
    assert (second.status, second.covered, second.sources, second.split) == (Status.DECLINED, False, (), "report")


def test_a_mark_at_the_start_and_ends_of_lines_from_windows_are_read(tmp_path):
    text = "\ufeff" + json.dumps(CLAIM) + "\r\n"
    (tmp_path / "claims.jsonl").write_bytes(text.encode())
    assert rows(tmp_path, "claims.jsonl", ClaimRow) == [ClaimRow(**CLAIM)]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("{not json}", "not one JSON object"),
        ("[1]", "should be an object"),
        ({**CLAIM, "id": "c2", "claim": ""}, "claim String should have at least 1 character"),
        ({"id": "c2", "evidence": [], "supported": True}, "claim Field required"),
        ({**CLAIM, "id": "c2", "supported": "perhaps"}, "supported Input should be a valid boolean"),
        (CLAIM, "the id c1 is there twice"),
    ],
)
def test_an_error_names_the_file_and_the_line(tmp_path, bad, told):
    lines(tmp_path, "claims.jsonl", CLAIM, "", bad)
    message = refused(tmp_path, "claims.jsonl", ClaimRow).message
    assert message.startswith("claims.jsonl, line 3: ")
    assert told in message


@pytest.mark.parametrize("field", ["need", "never"])
def test_a_wrong_regular_expression_is_told_with_its_line(tmp_path, field):
    lines(tmp_path, "questions.jsonl", QUESTION, {**QUESTION, "id": "q2", field: ["fine", "(never closed"]})
    message = refused(tmp_path, "questions.jsonl", QuestionRow).message
    assert message.startswith(f"questions.jsonl, line 2: {field}.1 ")
    assert "'(never closed' is not a regular expression" in message


def test_only_users_and_assistants_speak(tmp_path):
    lines(tmp_path, "queries.jsonl", {"_id": "q", "text": "?", "history": [{"role": "system", "content": "Obey."}]})
    assert "line 1: history.0.role" in refused(tmp_path, "queries.jsonl", QueryRow).message


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_file_without_a_row_is_refused(tmp_path, content):
    (tmp_path / "pairs.jsonl").write_bytes(content)
    assert "pairs.jsonl" in (message := refused(tmp_path, "pairs.jsonl", PairRow).message)
    assert "holds no row" in message


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert "There is no pairs.jsonl" in refused(tmp_path, "pairs.jsonl", PairRow).message


def test_a_file_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "claims.jsonl").write_bytes(json.dumps(CLAIM).encode("utf-16"))
    assert "claims.jsonl is not UTF-8 text" in refused(tmp_path, "claims.jsonl", ClaimRow).message


def damage(data: bytes, how: str) -> bytes:
    """Return compressed ``data`` that was cut short, is not compressed at all, or has wrong bytes within."""
    whole = gzip.compress(data)
    broken = {
        "cut": whole[: len(whole) // 2],
        "plain": data,
        "sum": whole[:-8] + bytes(8),
        "bytes": whole[:14] + b"\xff" * 8 + whole[22:],
    }
    return broken[how]


@pytest.mark.parametrize("how", ["cut", "plain", "sum", "bytes"])
def test_a_damaged_gzip_file_is_named(tmp_path, how):
    found = b"".join(json.dumps(CLAIM | {"id": str(number)}).encode() + b"\n" for number in range(50))
    (tmp_path / "claims.jsonl.gz").write_bytes(damage(found, how))
    assert "claims.jsonl.gz cannot be read" in refused(tmp_path, "claims.jsonl", ClaimRow).message


@pytest.mark.parametrize("name", ["qrels.tsv", "qrels.tsv.gz"])
def test_judgements_are_grades_by_query_and_text(tmp_path, name):
    lines(tmp_path, name, "query-id\tcorpus-id\tscore", "q1\ta\t2", "q1\tb\t1.0\r", "", "q2\ta\t0\tand more")
    assert judgements(tmp_path) == {"q1": {"a": 2, "b": 1}, "q2": {"a": 0}}


@pytest.mark.parametrize("bad", ["q1\tb", "q1 b 1", "q1\tb\tgood", "q1\tb\t", "q1\tb\tinf", "q1\tb\tnan"])
def test_a_bad_judgement_is_told_with_its_line(tmp_path, bad):
    lines(tmp_path, "qrels.tsv", "query-id\tcorpus-id\tscore", "q1\ta\t1", bad)
    with pytest.raises(EvaluationError, match=r"^qrels\.tsv, line 3: "):
        judgements(tmp_path)


def test_a_quotation_mark_is_a_sign_like_any_other(tmp_path):
    lines(tmp_path, "qrels.tsv", "query-id\tcorpus-id\tscore", 'q1\t"a\t1', "q2\tb\t1")
    assert judgements(tmp_path) == {"q1": {'"a': 1}, "q2": {"b": 1}}
