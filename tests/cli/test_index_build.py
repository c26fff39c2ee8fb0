"""``spreadguide index build``: what it prints, what it survives, and what a stop leaves behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess

import pytest
from commands import PATIENCE_SECONDS, REPOSITORY, command, environment, run, run_badly
from small_corpus import HOW_LONG, REPORTS

SUMMARY = {"documents", "passages", "embedded", "reused", "removed", "seconds", "fingerprint", "warnings"}


def test_the_summary_has_the_keys_of_the_contract(built):
    assert built.printed.keys() == SUMMARY
    assert built.printed["documents"] == len(REPORTS)
    assert built.printed["embedded"] == built.printed["passages"] > 0
    assert (built.printed["reused"], built.printed["removed"], built.printed["warnings"]) == (0, 0, [])
    assert built.printed["seconds"] > 0
    assert built.live.name == built.printed["fingerprint"]


def test_a_second_run_embeds_nothing_and_a_changed_folder_only_what_is_new(copied):
    ours = copied()
    before = ours.live
    again = run("index", "build", "--corpus", ours.corpus, "--index", ours.index, cwd=ours.corpus)
    assert again.returncode == 0
    passages = ours.printed["passages"]
    assert f"{len(REPORTS)} reports, {passages} passages (0 new, {passages} kept), 0 reports removed" in again.stdout
    assert "Embedding" not in again.stderr
    assert ours.live == before
    (ours.corpus / "networks.txt").unlink()
    (ours.corpus / "new.txt").write_text("A new report\n\nThe clinic shared its training with six others.\n")
    script = [command()[0], str(REPOSITORY / "scripts" / "index.py")]
    changed = subprocess.run(
        [*script, "--corpus", str(ours.corpus), "--index", str(ours.index), "--json"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    summary = json.loads(changed.stdout)
    assert summary.keys() == SUMMARY
    assert (summary["documents"], summary["removed"]) == (len(REPORTS), 1)
    assert summary["embedded"] == 1
    assert 0 < summary["reused"] < passages


def test_a_missing_folder(tmp_path):
    said = run_badly("index", "build", "--corpus", "nowhere", "--index", "index", cwd=tmp_path)
    assert "nowhere" in said
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize("content", [None, "image.png"])
def test_a_folder_without_reports(tmp_path, content):
    (tmp_path / "corpus").mkdir()
    if content:
        (tmp_path / "corpus" / content).write_bytes(b"\x89PNG\r\n")
    said = run_badly("index", "build", "--index", "index", cwd=tmp_path)
    assert "corpus" in said
    assert ".md" in said
    assert not (tmp_path / "index").exists()


def test_files_that_cannot_be_read_are_warnings_that_name_them(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "corrupt.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nstream" + bytes(range(256)) * 20)
    (corpus / "empty.pdf").write_bytes(b"")
    (corpus / "binary.txt").write_bytes(bytes(range(256)) * 40)
    (corpus / "evil\x1b[31m.pdf").write_bytes(b"")
    (corpus / "good.md").write_text(REPORTS["funding.md"])
    done = run("index", "build", cwd=tmp_path)
    assert done.returncode == 0
    assert "The index is ready: 1 report," in done.stdout
    warnings = [line for line in done.stderr.splitlines() if line.startswith("Warning: ")]
    for name in ("corrupt.pdf", "empty.pdf", "binary.txt"):
        assert len([line for line in warnings if name in line]) == 1, name
    assert len(warnings) == 4
    assert "\x1b" not in done.stderr
    answer = run("ask", HOW_LONG, "--no-llm", cwd=tmp_path)
    assert "up to three years" in answer.stdout


@pytest.mark.parametrize("place", ["file", "file/inside"])
def test_an_index_that_cannot_be_written(copied, place):
    ours = copied()
    (ours.corpus / "file").write_text("")
    said = run_badly("index", "build", "--corpus", ours.corpus, "--index", ours.corpus / place, cwd=ours.corpus)
    assert "could not be written" in said


@pytest.mark.parametrize("step", ["Reading", "Embedding"])
def test_ctrl_c_in_the_middle_leaves_the_live_index_as_it_was(copied, step):
    ours = copied()
    before, current = ours.live, (ours.index / "CURRENT").read_bytes()
    files = {path: path.read_bytes() for path in before.rglob("*") if path.is_file()}
    for number in range(400):
        text = " ".join(f"In case {number}.{line} the clinic tried step {line} again." for line in range(30))
        (ours.corpus / f"many-{number}.txt").write_text(f"Report {number}\n\n{text}\n")
    build = subprocess.Popen(
        command("index", "build", "--corpus", ours.corpus, "--index", ours.index),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that the interrupt goes to the command and its own children only
    )
    try:
        said = ""
        line = ""
        while not line.startswith(step):
            line = build.stderr.readline()
            assert line, said
            said += line
        os.killpg(build.pid, signal.SIGINT)
        out, rest = build.communicate(timeout=PATIENCE_SECONDS)
    finally:
        build.kill()
        build.communicate()
    assert build.returncode == 130
    assert out == ""
    assert "Traceback" not in said + rest
    assert rest.splitlines()[-1].startswith("Stopped. Nothing was lost")
    assert (ours.index / "CURRENT").read_bytes() == current
    assert {path: path.read_bytes() for path in before.rglob("*") if path.is_file()} == files
    # What was embedded stays for the next build, which clears it away.
    for added in ours.corpus.glob("many-*.txt"):
        added.unlink()
    rebuilt = run("index", "build", "--corpus", ours.corpus, "--index", ours.index, cwd=ours.corpus)
    assert rebuilt.returncode == 0
    assert not [path for path in ours.index.iterdir() if re.search("building", path.name)]
