"""The commands that keep the folder of reports, run as a person runs them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import environment, run, run_badly, run_process
from small_corpus import write_reports

LIST_SECONDS = 10.0
"""The list takes about a second; a machine that is busy with other work gets ten times that."""


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    return write_reports(tmp_path / "reports")


def test_the_list_shows_every_report(reports: Path) -> None:
    (reports / "sources.toml").write_text(
        '["funding.md"]\nkind = "case study"\n\n["later.pdf"]\ntitle = "Later"\nurl = "https://example.org/later"\n'
    )
    done = run("corpus", "list", "--corpus", reports, cwd=reports)
    assert done.returncode == 0
    assert "funding.md  (id funding)" in done.stdout
    assert "Harbour Trust, 2021, case study, current" in done.stdout
    assert "later.pdf  (id later)  not fetched yet" in done.stdout
    assert "1 named there but not fetched yet" in done.stderr


def test_the_list_as_json(reports: Path) -> None:
    done = run_process("corpus", "list", "--json", cwd=reports, corpus_dir=reports)
    found = json.loads(done.stdout)["reports"]
    funding = next(report for report in found if report["path"] == "funding.md")
    assert funding["source_id"] == "funding"
    assert funding["publisher"] == "Harbour Trust"
    assert funding["year"] == 2021
    assert funding["status"] == "current"
    assert funding["present"] is True
    assert funding["problems"] == []


def test_the_list_and_the_check_load_no_engine(reports: Path) -> None:
    """What takes seconds to import is not needed to look at files."""
    for name in ("list", "check"):
        code = (
            "import sys\nfrom spreadguide.cli import main\n"
            f"sys.argv = ['spreadguide', 'corpus', {name!r}, '--corpus', {str(reports)!r}]\n"
            "try:\n    main()\nexcept SystemExit:\n    pass\n"
            "heavy = {'torch', 'faiss', 'onnxruntime', 'sentence_transformers', 'gradio', 'fastapi'}\n"
            "print('loaded:', *sorted(heavy & set(sys.modules)))\n"
        )
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment(), cwd=reports, capture_output=True, text=True, check=True
        )
        assert time.monotonic() - start < LIST_SECONDS
        assert done.stdout.splitlines()[-1].strip() == "loaded:"


def test_a_report_is_added_listed_and_removed(reports: Path, tmp_path: Path) -> None:
    (tmp_path / "hubs.txt").write_text("Rapid hubs\n\nThe hubs were funded for two years.\n")
    added = run_process(
        "corpus", "add", tmp_path / "hubs.txt", "--corpus", reports, "--kind", "evaluation", "--year", "2024",
        "--author", "A. Writer", "--supersedes", "funding.md", cwd=tmp_path,
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    assert "Added: hubs.txt (Rapid hubs)" in added.stdout
    assert "spreadguide index build" in added.stderr

    listed = run("corpus", "list", "--corpus", reports, cwd=tmp_path).stdout
    assert "2024, evaluation, current" in listed
    assert "Harbour Trust, 2021, superseded" in listed

    removed = run_process("corpus", "remove", "hubs", "--corpus", reports, cwd=tmp_path)
    assert removed.returncode == 0
    assert "hubs.txt was removed. It is kept as" in removed.stdout
    assert "it superseded funding.md" in removed.stderr
    assert "next build" in removed.stderr
    assert (reports / ".removed" / "hubs.txt").exists()
    assert "hubs" not in run("corpus", "list", "--corpus", reports, cwd=tmp_path).stdout


def test_of_several_reports_each_has_its_result(reports: Path, tmp_path: Path) -> None:
    (tmp_path / "hubs.txt").write_text("Rapid hubs\n\nThe hubs were funded for two years.\n")
    (tmp_path / "empty.txt").touch()
    done = run("corpus", "add", "empty.txt", "hubs.txt", "gone.pdf", "--corpus", reports, cwd=tmp_path)
    assert done.returncode == 1
    assert "Added: hubs.txt" in done.stdout
    assert "Not added: empty.txt is empty." in done.stderr
    assert "Not added: gone.pdf is not there." in done.stderr
    assert done.stderr.count("What to do:") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "x.txt", "--kind", "rumour"), "it must be trial, evaluation"),
        (("add", "x.txt", "y.txt", "--title", "One"), "Add them one at a time"),
        (("remove", "nothing"), "There is no report nothing"),
        (("check", "--against", "nowhere"), "nothing to compare with"),
    ],
)
def test_a_mistake_is_said_in_two_lines(reports: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in run_badly("corpus", *arguments, "--corpus", reports, cwd=reports)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    for name in ("list", "check"):
        assert "no report folder" in run_badly("corpus", name, "--corpus", tmp_path / "gone", cwd=tmp_path)


def test_the_briefs_inside_the_package_are_not_changed(tmp_path: Path) -> None:
    (tmp_path / "hubs.txt").write_text("Rapid hubs\n\nThe hubs were funded for two years.\n")
    for arguments in (("add", "hubs.txt"), ("remove", "against-the-odds")):
        assert "of your own yet" in run_badly("corpus", *arguments, cwd=tmp_path)


def test_the_check_says_what_is_wrong_where(reports: Path) -> None:
    good = run("corpus", "check", "--corpus", reports, cwd=reports)
    assert (good.returncode, good.stdout) == (0, "Nothing is wrong.\n")

    (reports / "brief.md").write_text("---\ntitle: A brief\naudience: [patient]\n---\n\n# A brief\n\nText.\n")
    bad = run_process("corpus", "check", "--corpus", reports, cwd=reports)
    assert bad.returncode == 1
    assert "LOOK  brief.md:3: In the front matter, audience may hold only innovator" in bad.stdout
    assert "What to do: " in bad.stdout

    printed = run("corpus", "check", "--json", "--corpus", reports, cwd=reports)
    assert printed.returncode == 1
    found = json.loads(printed.stdout)
    assert {"path", "line", "what", "cure"} == set(found["problems"][0])
    assert ("brief.md", 3) in {(problem["path"], problem["line"]) for problem in found["problems"]}


def test_the_check_compares_briefs_with_source_texts(reports: Path, tmp_path: Path) -> None:
    words = "these ten words in a row stand in both of them"
    (tmp_path / "page.txt").write_text(f"A page\n\n{words}.\n")
    (reports / "brief.md").write_text(f"---\naudience: [innovator]\n---\n\n# A brief\n\nAll of {words} now.\n")
    done = run("corpus", "check", "--corpus", reports, "--against", tmp_path / "page.txt", cwd=tmp_path)
    assert "brief.md:7: 11 words in a row stand in page.txt" in done.stdout


def test_names_from_elsewhere_do_not_steer_the_terminal(reports: Path) -> None:
    (reports / "a\x1b[2J.txt").write_text("A title \x1b[31m\n\nText of the report stands here.\n")
    done = run("corpus", "list", "--corpus", reports, cwd=reports)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
