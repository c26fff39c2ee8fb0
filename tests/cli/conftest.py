"""An index that the command itself has built, once for all tests here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from commands import run_process
from small_corpus import write_reports


@dataclass(frozen=True)
class Built:
    """Folders of the reports and of the index, and what the build printed."""

    corpus: Path
    index: Path
    printed: dict[str, Any]

    @property
    def live(self) -> Path:
        """The folder of the live index."""
        return self.index / (self.index / "CURRENT").read_text().strip()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    corpus = write_reports(tmp_path_factory.mktemp("reports"))
    index = tmp_path_factory.mktemp("index")
    done = run_process("index", "build", "--corpus", corpus, "--index", index, "--json", cwd=corpus)
    assert done.returncode == 0, done.stderr
    return Built(corpus, index, json.loads(done.stdout))


@pytest.fixture
def copied(built: Built, tmp_path: Path) -> Callable[[], Built]:
    """Copy the reports and the index, so that a test may damage them."""

    def copy() -> Built:
        corpus, index = tmp_path / "reports", tmp_path / "index"
        shutil.copytree(built.corpus, corpus)
        shutil.copytree(built.index, index)
        return Built(corpus, index, built.printed)

    return copy
