"""`corpus check`: what is wrong is named with its file, its line and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from shelf_samples import GOOD_BRIEF

from spreadguide.errors import ConfigError, EmptyCorpus
from spreadguide.ingest import IngestLimits
from spreadguide.shelf.checking import check_corpus
from spreadguide.shelf.problems import Problem

SEEDS = Path(__file__).resolve().parents[3] / "shared" / "seeds"
SOURCE = "Source: Rapid diagnosis hubs (Example Health Board, 2024), page 1."
COPIED = "Hubs need a team that can carry new ideas through years of careful work with partners."


def problems(folder: Path, *against: Path) -> list[Problem]:
    return [problem for problem in check_corpus(folder, IngestLimits(), against=against) if not problem.note]


def notes(folder: Path) -> list[Problem]:
    return [problem for problem in check_corpus(folder, IngestLimits()) if problem.note]


def test_a_folder_in_order_has_no_problems(folder: Path) -> None:
    (folder / "brief.md").write_text(GOOD_BRIEF)
    assert problems(folder) == []
    assert notes(folder) == []


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('["new.md"]\nkind = "rumour"\n', 1, '"kind" is wrong'),
        ('\n\n["new.md"]\nstars = 5\n', 3, '"stars" is not known'),
        ('["new.md"]\n\n["gone.md"]\ntitle = "Gone"\n', 3, 'no report "gone.md"'),
        ('["new.md"]\ntitle = "A\n', 2, "cannot be read"),
    ],
)
def test_the_catalogue_is_checked_with_its_lines(folder: Path, text: str, line: int, what: str) -> None:
    (folder / "sources.toml").write_text(text)
    (found,) = problems(folder)
    assert (found.path, found.line) == ("sources.toml", line)
    assert what in found.what
    assert found.cure


def test_a_report_that_can_still_be_fetched_is_only_a_note(folder: Path) -> None:
    with (folder / "sources.toml").open("a") as file:
        file.write('\n["later.pdf"]\nurl = "https://example.org/later"\n')
    assert problems(folder) == []
    (found,) = notes(folder)
    assert "later.pdf" in found.what
    assert "corpus fetch" in found.cure


def test_reports_that_cannot_be_read_are_named(folder: Path) -> None:
    (folder / "broken.docx").write_bytes(b"PK no zip")
    (folder / "copy.md").write_bytes((folder / "new.md").read_bytes())
    (folder / "table.xlsx").write_bytes(b"PK")
    found = {problem.path: problem.what for problem in problems(folder)}
    assert set(found) == {"broken.docx", "new.md", ""}
    assert "the same file as copy.md" in found["new.md"]
    assert "table.xlsx" in found[""]


def test_front_matter_that_is_wrong_is_a_problem(folder: Path) -> None:
    (folder / "a.md").write_text("---\nkind: rumour\n---\n\n# A title\n\nText.\n")
    (found,) = problems(folder)
    assert (found.path, found.line) == ("a.md", 1)
    assert '"kind" is wrong' in found.what


def test_an_address_that_is_none_is_a_problem(folder: Path) -> None:
    (folder / "a.md").write_text("---\nurl: javascript:alert(1)\n---\n\n# A title\n\nText.\n")
    (found,) = problems(folder)
    assert "is not an address" in found.what


def test_editions_are_checked_over_catalogue_and_front_matter(folder: Path) -> None:
    (folder / "a.md").write_text("---\nsupersedes: [b.md, gone.md]\n---\n\n# A title\n\nText.\n")
    (folder / "b.md").write_text("---\nsupersedes: a.md\n---\n\n# B title\n\nText.\n")
    with (folder / "sources.toml").open("a") as file:
        file.write('supersedes = "old/guide.txt"\n')
    found = [problem.what for problem in problems(folder)]
    assert len(found) == 3
    assert any('a.md supersedes "gone.md"' in what for what in found)
    assert any("old/guide.txt says that it supersedes itself" in what for what in found)
    assert any("supersede each other: a.md, b.md" in what for what in found)


def test_a_report_without_a_title_is_a_note(folder: Path) -> None:
    (folder / "notes.md").write_text("Only text stands here.\n")
    (found,) = notes(folder)
    assert found.path == "notes.md"


def test_briefs_are_compared_with_source_texts_and_reports_are_not(folder: Path, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "page.txt").write_text(f"A page\n\nSome words before. {COPIED} Some words after.\n")
    (folder / "kept.md").write_text(f"# A whole report\n\n{COPIED}\n")
    brief = GOOD_BRIEF.replace("## How long", f"## Copied\n\n{COPIED.upper()}\n\n{SOURCE}\n\n## How long")
    (folder / "brief.md").write_text(brief)
    (found,) = problems(folder, sources)
    assert found.path == "brief.md"
    assert found.line == brief.split("\n").index(COPIED.upper()) + 1
    assert "16 words in a row stand in page.txt" in found.what


def test_a_source_folder_that_is_not_there_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to compare with"):
        problems(folder, tmp_path / "nowhere")
    with pytest.raises(EmptyCorpus):
        problems(tmp_path / "nowhere")


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the source pages (../shared/seeds) are not on this machine")
def test_a_sentence_of_a_seed_page_is_found(folder: Path) -> None:
    text = (SEEDS / "004_52f40a3111ef43fa.txt").read_text(encoding="utf-8")
    sentence = next(line for line in text.splitlines() if 12 < len(line.split()) < 27 and line.endswith("."))
    brief = GOOD_BRIEF.replace("## How long", f"## Copied\n\n{sentence}\n\n{SOURCE}\n\n## How long")
    (folder / "brief.md").write_text(brief)
    assert any("words in a row" in problem.what for problem in problems(folder, SEEDS))
    (folder / "brief.md").write_text(GOOD_BRIEF)
    assert problems(folder, SEEDS) == []
