"""What several rooms' tests share: a real index of some of the shipped briefs, built once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shipped_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an index of the whole shipped corpus, made with the real embedder."""
    from spreadguide.building import build
    from spreadguide.settings import load_settings

    folder = tmp_path_factory.mktemp("shipped-index")
    build(load_settings(corpus_dir=REPOSITORY / "corpus", index_dir=folder), lambda _step, _items, _done: None)
    return folder
