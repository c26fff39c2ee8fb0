"""Folders of real reports that only some machines have."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture
def seeds() -> Path:
    folder = SHARED / "seeds"
    if not folder.is_dir():
        pytest.skip("the five seed pages are not on this machine")
    return folder


@pytest.fixture
def nhs_documents() -> Path:
    folder = SHARED / "corpora" / "nhs_documents"
    if not folder.is_dir():
        pytest.skip("the NHS documents are not on this machine")
    return folder
