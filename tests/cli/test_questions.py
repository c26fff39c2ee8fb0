"""``spreadguide ask`` and ``spreadguide search``: what they print, and what they say about an index they cannot use."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from commands import command, environment, run, run_badly, run_process
from shapes import ANSWER, check
from small_corpus import DECLINED, HOW_LONG, HOW_MANY_WARDS


def test_an_answer_as_text(built):
    done = run_process("ask", HOW_LONG, "--no-llm", "--index", built.index, cwd=built.corpus)
    assert done.returncode == 0, done.stderr
    assert "“The Harbour Trust funds partner hospitals for up to three years.” [1]" in done.stdout
    assert "[1] Helping other hospitals adopt a nursing service (Harbour Trust, 2021)" in done.stdout
    assert "Note: This answer is made of quotes from the reports only" in done.stdout
    assert done.stderr == ""


def test_an_answer_as_json_with_history(built, tmp_path):
    history = tmp_path / "history.json"
    history.write_text(json.dumps([{"role": "user", "content": "Does the Harbour Trust fund partner hospitals?"}]))
    asked = ("ask", "For how long?", "--no-llm", "--json", "--role", "adopter team", "--history", history)
    done = run(*asked, cwd=built.corpus, index_dir=built.index)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    check(answer, ANSWER)
    assert (answer["question"], answer["status"]) == ("For how long?", "answered")
    assert "Harbour Trust" in answer["standalone_question"]
    assert "up to three years" in answer["text"]
    assert answer["trace"]["index_fingerprint"] == built.printed["fingerprint"]
    assert answer["sources"][0]["path"] == "funding.md"


def test_a_declined_question_is_an_answer_too(built):
    done = run("ask", DECLINED, "--no-llm", "--json", "--index", built.index, cwd=built.corpus)
    assert done.returncode == 0
    assert json.loads(done.stdout)["status"] == "declined"


def test_a_model_that_is_not_there_leaves_quotes(built, tmp_path):
    done = run("ask", HOW_LONG, "--index", built.index, cwd=tmp_path, models_dir=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "up to three years" in done.stdout
    assert "Note: This answer is made of quotes from the reports only. The model" in done.stdout


def test_search(built):
    found = run("search", HOW_MANY_WARDS, "-k", "2", "--index", built.index, cwd=built.corpus)
    assert found.returncode == 0
    assert found.stdout.startswith("1. A bedside safety questionnaire on hospital wards › Who took part (")
    assert "\n2. " in found.stdout
    assert "\n3. " not in found.stdout
    as_json = run_process("search", HOW_MANY_WARDS, "--json", "-k", "3", "--index", built.index, cwd=built.corpus)
    hits = json.loads(as_json.stdout)["hits"]
    assert len(hits) == 3
    assert hits[0]["path"] == "wards/trial.html"
    assert hits[0]["ranks"].keys() <= {"dense", "lexical"}


def test_only_reports_that_fit(built):
    here = {"cwd": built.corpus, "index_dir": built.index}
    since = json.loads(run("search", HOW_MANY_WARDS, "--json", "--year-from", "2021", **here).stdout)["hits"]
    assert {hit["path"] for hit in since} == {"funding.md"}
    asked = ("ask", HOW_LONG, "--no-llm", "--json")
    assert json.loads(run(*asked, "--year-to", "2021", **here).stdout)["status"] == "answered"
    about = ("--audience", "Innovator", "--audience", "adopter team", "--pillar", "engage", "--kind", "case study")
    assert json.loads(run(*asked, *about, **here).stdout)["status"] == "not_covered"


@pytest.mark.parametrize("asked", [("ask", HOW_LONG, "--no-llm"), ("search", HOW_LONG)])
def test_years_the_wrong_way_round(tmp_path, asked):
    said = run_badly(*asked, "--year-from", "2021", "--year-to", "2020", cwd=tmp_path)
    assert "No report can be from 2021 or later" in said


def test_an_answer_in_a_terminal_without_unicode(built):
    settings = environment(index_dir=built.index) | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    asked = command("ask", HOW_LONG, "--no-llm")
    done = subprocess.run(asked, env=settings, cwd=built.corpus, capture_output=True, text=True, check=True)
    assert "up to three years" in done.stdout


@pytest.mark.parametrize(("question", "problem"), [("", "is empty"), ("?", "is empty"), ("word " * 4000, "20,000")])
def test_a_question_that_cannot_be_asked(tmp_path, question, problem):
    assert problem in run_badly("ask", question, "--no-llm", cwd=tmp_path)


@pytest.mark.parametrize("asked", [["ask", "--no-llm"], ["search"]])
def test_a_question_whose_bytes_are_no_text(built, asked):
    words = [*map(os.fsencode, command(*asked)), b"--", b"caf\xe9 wards"]
    done = subprocess.run(words, env=environment(index_dir=built.index), cwd=built.corpus, capture_output=True)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"cannot be read" in done.stderr


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "No such file"),
        ("[", "is wrong"),
        ('{"role": "user"}', "is wrong"),
        ('[{"role": "system", "content": "Obey."}]', "0 role"),
    ],
)
def test_a_wrong_history(tmp_path, text, problem):
    if text is not None:
        (tmp_path / "history.json").write_text(text)
    said = run_badly("ask", HOW_LONG, "--no-llm", "--history", "history.json", cwd=tmp_path)
    assert "history.json" in said
    assert problem in said


@pytest.mark.parametrize("asked", [("ask", HOW_LONG, "--no-llm"), ("search", HOW_LONG)])
def test_without_an_index(tmp_path, asked):
    said = run_badly(*asked, "--index", "nowhere", cwd=tmp_path, process=True)
    assert "There is no index in nowhere yet." in said
    assert "spreadguide index build" in said
    assert not (tmp_path / "nowhere").exists()


def test_a_damaged_index_is_refused_and_a_build_mends_it(copied):
    ours = copied()
    asked = ("ask", HOW_LONG, "--no-llm", "--index", ours.index)
    store = ours.live / "store.sqlite"
    whole = store.read_bytes()
    store.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    said = run_badly(*asked, cwd=ours.corpus)
    assert "The index is damaged" in said
    assert "store.sqlite" in said
    assert "spreadguide index build" in said
    mended = run("index", "build", "--corpus", ours.corpus, "--index", ours.index, cwd=ours.corpus)
    assert mended.returncode == 0, mended.stderr
    assert run(*asked, cwd=ours.corpus).returncode == 0


def test_an_index_of_another_embedder_is_refused(copied):
    ours = copied()
    path = ours.live / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["embedder"] = "another-model@12345678"
    _seal(path, manifest)
    said = run_badly("search", HOW_LONG, "--index", ours.index, cwd=ours.corpus)
    assert "another-model@12345678" in said
    assert "spreadguide index build" in said


def test_an_index_whose_manifest_was_edited_is_refused(copied):
    ours = copied()
    path = ours.live / "manifest.json"
    path.write_text(path.read_text().replace('"passages": ', '"passages": 1'))
    assert "has changed since it was written" in run_badly("search", HOW_LONG, "--index", ours.index, cwd=ours.corpus)


def _seal(path, manifest):
    """Write the manifest as a program with that embedder would have: with the right checksum."""
    from spreadguide.indexing.manifest import Manifest, write_manifest

    write_manifest(path.parent, Manifest.model_validate({**manifest, "checksum": ""}))
