"""Reports are read before they come into the folder, and nothing that is there is overwritten."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from spreadguide.errors import ConfigError, UnreadableDocument
from spreadguide.ingest import IngestLimits
from spreadguide.shelf.adding import Added, FetchTo, Wish, add_reports

TEXT = "Rapid hubs\n\nVersion 2.1\n\nThe hubs were funded for two years.\n"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    file = tmp_path / "hubs.txt"
    file.write_text(TEXT)
    return file


def nothing_is_fetched(url: str, place: Path) -> Path:
    raise AssertionError(f"{url} was to be fetched into {place}")


def add(
    folder: Path, *given: Path | str, name: str | None = None, fetch_to: FetchTo = nothing_is_fetched, **values: Any
) -> list[Added]:
    wish = Wish(values, name)
    return list(add_reports(folder, [*map(str, given)], wish, limits=IngestLimits(), fetch_to=fetch_to))


def entries(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "sources.toml").read_text())


def litter(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*") if path.name != ".sources.toml.lock"]


def test_a_report_is_copied_and_described(folder: Path, report: Path) -> None:
    (result,) = add(folder, report, publisher="Example Board", kind="Evaluation", supersedes=["old/guide.txt"])
    assert result == Added(str(report), "hubs.txt", "Rapid hubs")
    assert (folder / "hubs.txt").read_text() == TEXT
    assert report.exists()
    assert entries(folder)["hubs.txt"] == {
        "title": "Rapid hubs",
        "publisher": "Example Board",
        "kind": "evaluation",
        "supersedes": ["old/guide.txt"],
    }
    assert litter(folder) == []


def test_several_reports_have_each_their_own_result(folder: Path, report: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.4 nothing")
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    given = [tmp_path / "empty.txt", tmp_path / "scan.pdf", tmp_path / "table.xlsx", tmp_path / "gone.md", tmp_path]
    results = add(folder, *given, report, publisher="Example Board")
    assert [result.path for result in results] == [None] * 5 + ["hubs.txt"]
    assert all(result.problem and result.hint for result in results[:5])
    assert set(entries(folder)) == {"new.md", "old/guide.txt", "hubs.txt"}
    assert litter(folder) == []


def test_the_same_bytes_are_not_added_twice(folder: Path, report: Path) -> None:
    report.write_bytes((folder / "old" / "guide.txt").read_bytes())
    (result,) = add(folder, report)
    assert result.problem is not None
    assert "as old/guide.txt" in result.problem
    assert not (folder / "hubs.txt").exists()


def test_a_name_that_is_taken_is_not_overwritten(folder: Path, report: Path) -> None:
    (folder / "hubs.txt").write_text("Another\n\nReport of the same name.\n")
    (folder / "hubs-2.txt").write_text("A third\n\nReport of the next name.\n")
    (result,) = add(folder, report)
    assert result.problem is not None
    assert "another report named hubs.txt" in result.problem
    assert result.hint == "Add --as hubs-3.txt"
    assert "Another" in (folder / "hubs.txt").read_text()
    (result,) = add(folder, report, name="2024/hubs.txt")
    assert result.path == "2024/hubs.txt"
    assert (folder / "2024" / "hubs.txt").read_text() == TEXT


@pytest.mark.parametrize("name", ["../hubs.txt", ".hidden.txt", "a/../../b.txt", "hubs.md", "README.md", ".x/a.txt"])
def test_names_outside_the_folder_or_of_another_kind_are_refused(folder: Path, report: Path, name: str) -> None:
    before = sorted(folder.parent.rglob("*.*"))
    (result,) = add(folder, report, name=name)
    assert result.problem
    kept = [path for path in sorted(folder.parent.rglob("*.*")) if path.name != ".sources.toml.lock"]
    assert kept == before


def test_a_report_in_the_folder_is_only_described(folder: Path) -> None:
    (result,) = add(folder, folder / "old" / "guide.txt", year=2012)
    assert (result.path, result.copied) == ("old/guide.txt", False)
    assert entries(folder)["old/guide.txt"] == {"title": "The old guide", "year": 2012}


def test_what_is_wrong_for_all_is_said_before_anything_is_done(folder: Path, report: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='"kind" is wrong'):
        add(folder, report, kind="rumour")
    with pytest.raises(ConfigError, match="same --title, --as"):
        add(folder, report, report, title="One", name="a.txt")
    with pytest.raises(ConfigError, match="no report folder"):
        add(tmp_path / "nowhere", report)
    assert not (folder / "hubs.txt").exists()


def test_superseding_what_is_not_there_is_a_warning(folder: Path, report: Path) -> None:
    (result,) = add(folder, report, supersedes=["older.txt"])
    assert 'supersedes "older.txt"' in result.warnings[0]


def test_a_broken_catalogue_keeps_the_folder_as_it_was(folder: Path, report: Path) -> None:
    (folder / "sources.toml").write_text("[")
    (result,) = add(folder, report)
    assert result.problem is not None
    assert "cannot be changed" in result.problem
    assert not (folder / "hubs.txt").exists()


def test_an_address_is_fetched_into_the_folder_and_noted(folder: Path) -> None:
    asked: list[str] = []

    def fetch_to(url: str, place: Path) -> Path:
        asked.append(url)
        file = place / "page.txt"
        file.write_text(TEXT)
        return file

    (result,) = add(folder, "https://example.org/hubs", fetch_to=fetch_to)
    assert asked == ["https://example.org/hubs"]
    assert result.path == "page.txt"
    assert entries(folder)["page.txt"] == {"title": "Rapid hubs", "url": "https://example.org/hubs"}
    assert litter(folder) == []


def test_a_fetch_that_fails_is_that_reports_own_problem(folder: Path, report: Path) -> None:
    def fetch_to(url: str, place: Path) -> Path:
        del place
        raise UnreadableDocument(f"{url} is a picture.", hint="Fetch another.")

    results = add(folder, "https://example.org/x", report, fetch_to=fetch_to)
    assert results[0].problem == "https://example.org/x is a picture."
    assert results[1].path == "hubs.txt"
