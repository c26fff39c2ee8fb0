"""``spreadguide eval``: what it prints and keeps, and what it says of what it cannot use."""

from __future__ import annotations

import json

import pytest
from commands import run, run_process
from small_corpus import HOW_LONG, NOT_COVERED


@pytest.fixture
def folder(built, tmp_path):
    rows = [
        {"id": "long", "kind": "fact", "question": HOW_LONG, "status": "answered", "need": ["three years"]},
        {"id": "cars", "kind": "off_topic", "question": NOT_COVERED, "status": "not_covered"},
    ]
    rows[0] |= {"sources": ["funding.md"], "min_sources": 1}
    made = tmp_path / "asked"
    made.mkdir()
    (made / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (made / "corpus").symlink_to(built.corpus, target_is_directory=True)
    return made


def test_measuring_prints_metrics_with_intervals_and_keeps_the_run(folder, tmp_path):
    asked = ("eval", folder, "--no-llm", "--json", "--runs", tmp_path / "runs")
    done = run_process(*asked, cwd=tmp_path, evaluation_dir=tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert (printed["set"], printed["kind"], printed["n"]) == ("asked", "questions", 2)
    assert (printed["right"], printed["right_ci"]) == (1.0, [1.0, 1.0])
    assert "rows" not in printed
    (kept,) = (tmp_path / "runs").glob("asked-*.json")
    run_file = json.loads(kept.read_text("utf-8"))
    assert {key: value for key, value in run_file.items() if key != "rows"} == printed
    assert {"commit", "index_fingerprint", "settings", "machine", "date", "version"} <= printed.keys()
    assert [row["id"] for row in run_file["rows"]] == ["long", "cars"]
    compared = run("eval", "compare", kept, kept, cwd=tmp_path)
    assert compared.returncode == 0, compared.stderr
    assert "right" in compared.stdout
    assert "+0.0000" in compared.stdout


def test_what_is_no_set_is_told(tmp_path):
    done = run("eval", tmp_path / "nowhere", cwd=tmp_path)
    assert done.returncode == 1
    assert "There is no folder" in done.stderr
    assert "What to do:" in done.stderr


def test_converting_a_set_that_nobody_knows_is_told(tmp_path):
    done = run("eval", "convert", "unheard", tmp_path, tmp_path / "new", cwd=tmp_path)
    assert done.returncode == 1
    assert "scifact" in done.stderr
