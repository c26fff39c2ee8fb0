"""The setting ``dense_index``, from the settings to the index and to what the doctor says."""

import pytest
from small_corpus import write_reports

from spreadguide.building import build
from spreadguide.doctor import examine
from spreadguide.errors import ConfigError
from spreadguide.indexing.manifest import read_manifest
from spreadguide.indexing.publish import live_folder
from spreadguide.settings import load_settings


def test_the_setting_decides_and_the_doctor_tells_the_recall(tmp_path):
    corpus = write_reports(tmp_path / "corpus")
    given = {"corpus_dir": corpus, "index_dir": tmp_path / "index", "use_generator": False, "models_dir": tmp_path}
    said = {}
    for kind in ("auto", "ivf"):
        settings = load_settings(**given, dense_index=kind)
        build(settings, lambda *_: None)
        said[kind] = next(found.what for found in examine(settings) if found.what.startswith("Index "))
    assert read_manifest(live_folder(tmp_path / "index")).dense.kept
    assert "search by meaning finds 100.0% of the nearest" in said["ivf"]
    assert "search by meaning" not in said["auto"]


def test_another_word_is_refused():
    with pytest.raises(ConfigError, match="dense_index"):
        load_settings(dense_index="fast")
