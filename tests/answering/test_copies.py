"""Two reports with the same passage: a later part of a question may rest on the copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from spreadguide.assistant import Assistant
from spreadguide.settings import load_settings
from spreadguide.workbench import Bench

SAID = "The Harbour Trust funds partner hospitals for up to four years, and it pays for the nurses on each ward."


def test_a_copy_that_only_the_second_part_finds_can_be_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    for name in "ab":
        text = f"# Report {name} on the Harbour Trust\n\n## Money\n\n{SAID}\n"
        (reports / f"{name}.md").write_text(text, encoding="utf-8")
    search = Assistant._search

    def each_its_own_copy(assistant, asked, source_ids):
        """Search for the second part in the report that the first part did not find."""
        if not asked:
            return []
        first, _ = search(assistant, asked, source_ids)
        found = first[0].source.source_id
        others = [source.source_id for source in assistant.library.store.sources() if source.source_id != found]
        return [first, search(assistant, asked[1:], others)[0]]

    monkeypatch.setattr(Assistant, "_search", each_its_own_copy)
    bench = Bench(load_settings(use_generator=False, evaluation_dir=tmp_path / "runs"), lambda *_: None)
    with bench.on_reports(reports, "copies") as assistant:
        found = assistant.answer("How long does the Harbour Trust fund partner hospitals, and who pays for the nurses?")
    assert SAID in found.text
