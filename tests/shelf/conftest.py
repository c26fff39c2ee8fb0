"""A small folder of reports."""

from __future__ import annotations

from pathlib import Path

import pytest
from shelf_samples import SOURCES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two reports, described in sources.toml."""
    reports = tmp_path / "reports"
    (reports / "old").mkdir(parents=True)
    (reports / "new.md").write_text("# The new guide\n\nNew advice stands here.\n")
    (reports / "old" / "guide.txt").write_text("The old guide\n\nOld advice stands here.\n")
    (reports / "sources.toml").write_text(SOURCES, encoding="utf-8")
    return reports
