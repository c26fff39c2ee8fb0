"""What the list says of each report, and what becomes of a report that is removed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from spreadguide.errors import EmptyCorpus, NotFound
from spreadguide.ingest import IngestLimits
from spreadguide.shelf.listing import Report, list_reports
from spreadguide.shelf.removing import remove_report
from spreadguide.shelf.sheet import editing
from spreadguide.types import EditionStatus, EvidenceKind

LIMITS = IngestLimits()


def listed(folder: Path) -> dict[str, Report]:
    return {report.path: report for report in list_reports(folder, LIMITS).reports}


def test_the_list_joins_catalogue_and_text(folder: Path) -> None:
    (folder / "ifr.txt").write_text("Commissioning policy: rare requests\n\nVersion 3, 8 February 2023\n\nText.\n")
    with editing(folder) as sheet:
        sheet.put("ifr.txt", {"publisher": "Example Board"})
    report = listed(folder)["ifr.txt"]
    assert report.title == "Commissioning policy: rare requests"
    assert (report.publisher, report.year, report.edition) == ("Example Board", 2023, "Version 3")
    assert (report.kind, report.status, report.present) == (EvidenceKind.POLICY, EditionStatus.CURRENT, True)
    assert report.problems == ()


def test_a_superseded_report_is_shown_as_such(folder: Path) -> None:
    assert listed(folder)["old/guide.txt"].status is EditionStatus.CURRENT
    with editing(folder) as sheet:
        sheet.put("new.md", {"supersedes": ["old/guide.txt"]})
    assert listed(folder)["old/guide.txt"].status is EditionStatus.SUPERSEDED
    assert listed(folder)["new.md"].status is EditionStatus.CURRENT


def test_front_matter_can_supersede_too(folder: Path) -> None:
    (folder / "newest.md").write_text("---\nsupersedes: new.md\n---\n\n# The newest guide\n\nText.\n")
    assert listed(folder)["new.md"].status is EditionStatus.SUPERSEDED


def test_reports_that_are_only_named_are_listed(folder: Path) -> None:
    with editing(folder) as sheet:
        sheet.put("later.pdf", {"title": "Later", "url": "https://example.org/later", "supersedes": ["new.md"]})
        sheet.put("lost.pdf", {"title": "Lost"})
    found = listed(folder)
    assert (found["later.pdf"].present, found["later.pdf"].problems) == (False, ())
    assert found["lost.pdf"].problems
    assert found["new.md"].status is EditionStatus.CURRENT, "a report that is not here yet replaces nothing"


def test_a_report_that_cannot_be_read_says_why(folder: Path) -> None:
    (folder / "broken.docx").write_bytes(b"PK no zip")
    found = listed(folder)["broken.docx"]
    assert found.present
    assert found.title == "broken"
    assert "broken.docx" in found.problems[0]


def test_what_is_wrong_with_the_folder_is_said(folder: Path) -> None:
    (folder / "copy.md").write_bytes((folder / "new.md").read_bytes())
    (folder / "sources.toml").write_text('["old/guide.txt"]\nkind = "rumour"\n')
    found = list_reports(folder, LIMITS)
    assert [report.path for report in found.reports] == ["copy.md", "old/guide.txt"]
    assert any('the entry for "old/guide.txt" was ignored' in warning for warning in found.warnings)
    assert any("the same file as copy.md" in warning for warning in found.warnings)


def test_an_empty_folder_has_an_empty_list_and_no_folder_is_an_error(tmp_path: Path) -> None:
    assert list_reports(tmp_path, LIMITS).reports == ()
    with pytest.raises(EmptyCorpus):
        list_reports(tmp_path / "nowhere", LIMITS)


@pytest.mark.parametrize("name", ["old/guide.txt", "old-guide", "./old/guide.txt"])
def test_a_removed_report_is_kept_aside_with_its_entry(folder: Path, name: str) -> None:
    text = (folder / "old" / "guide.txt").read_text()
    removed = remove_report(folder, name, LIMITS)
    assert (removed.path, removed.kept_as) == ("old/guide.txt", ".removed/old/guide.txt")
    assert (folder / ".removed" / "old" / "guide.txt").read_text() == text
    assert tomllib.loads((folder / ".removed" / "sources.toml").read_text()) == {
        "old/guide.txt": {"title": "The old guide"}
    }
    assert set(listed(folder)) == {"new.md"}
    assert "old/guide.txt" not in (folder / "sources.toml").read_text()


def test_a_second_removal_of_the_same_name_loses_nothing(folder: Path) -> None:
    remove_report(folder, "new.md", LIMITS)
    (folder / "new.md").write_text("# Another\n\nText of another report.\n")
    assert remove_report(folder, "new.md", LIMITS).kept_as == ".removed/new-2.md"
    assert "New advice" in (folder / ".removed" / "new.md").read_text()


def test_delete_leaves_nothing(folder: Path) -> None:
    removed = remove_report(folder, "new", LIMITS, delete=True)
    assert removed.kept_as is None
    assert not (folder / "new.md").exists()
    assert not (folder / ".removed").exists()


def test_an_entry_without_a_file_can_be_removed(folder: Path) -> None:
    with editing(folder) as sheet:
        sheet.put("later.pdf", {"url": "https://example.org/later", "supersedes": ["new.md"]})
    removed = remove_report(folder, "later", LIMITS)
    assert (removed.path, removed.kept_as, removed.described) == ("later.pdf", None, True)
    assert removed.supersedes == ("new.md",)


@pytest.mark.parametrize("name", ["nwe.md", "../secret.txt", ".removed", "sources", "", "/etc/hostname"])
def test_what_is_no_report_is_not_removed(folder: Path, name: str) -> None:
    (folder.parent / "secret.txt").write_text("A secret.\n")
    with pytest.raises(NotFound) as caught:
        remove_report(folder, name, LIMITS)
    assert "corpus list" in caught.value.hint
    assert ("new.md" in caught.value.hint) == (name == "nwe.md")
    assert (folder.parent / "secret.txt").exists()
    assert (folder / "sources.toml").exists()
