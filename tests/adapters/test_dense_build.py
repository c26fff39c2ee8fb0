"""Which kind of search by meaning is built, and what the build measures of it."""

import json

import numpy as np
import pytest
from index_samples import WordEmbedder, build, document, reports

from spreadguide.adapters import dense_build
from spreadguide.adapters.dense_build import (
    EXACT_UP_TO,
    IVF,
    dense_recipe,
    nearest_cosines,
    read_dense,
    recall,
    sample_queries,
    write_dense,
)
from spreadguide.adapters.dense_ivf import IvfIndex
from spreadguide.adapters.earlier_builds import leftover_pools, made_with
from spreadguide.adapters.faiss_index import FaissIndex
from spreadguide.adapters.index_files import IndexFiles, open_index
from spreadguide.errors import IndexCorrupt
from spreadguide.indexing.manifest import read_manifest, write_manifest
from spreadguide.indexing.publish import live_folder
from spreadguide.protocols import EXACT


def _unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _random(count, dimension=64, seed=1):
    """Vectors without any neighbourhood: the hardest case for lists."""
    return _unit(np.random.default_rng(seed).standard_normal((count, dimension)))


def _raw(folder, vectors, units=()):
    vectors.astype("<f4").tofile(folder / "passages.f32")
    np.asarray(units, dtype="<f2").tofile(folder / "units.f16")
    return folder


@pytest.mark.parametrize(
    ("kind", "passages", "recipe"),
    [
        ("auto", 1, EXACT),
        ("auto", EXACT_UP_TO, EXACT),
        ("auto", EXACT_UP_TO + 1, IVF),
        ("exact", 10**7, EXACT),
        ("ivf", 1, IVF),
    ],
)
def test_the_size_decides_unless_the_setting_does(kind, passages, recipe):
    assert dense_recipe(kind, passages) == IndexFiles(kind).dense_recipe(passages) == recipe


def test_an_exact_index_is_the_same_file_as_ever_and_nothing_is_measured(tmp_path):
    vectors = _random(50)
    assert write_dense(_raw(tmp_path, vectors), 64, EXACT) is None
    FaissIndex(vectors).write(tmp_path / "before")
    assert (tmp_path / "passages.faiss").read_bytes() == (tmp_path / "before").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"before", "passages.f32", "units.f16", "passages.faiss"}


def test_where_lists_find_too_little_the_index_compares_every_vector(tmp_path):
    measured = write_dense(_raw(tmp_path, _random(5000)), 64, IVF)
    assert not measured.kept
    assert measured.probed == measured.lists // 4
    assert 0 < measured.recall < 0.98
    assert len(read_dense(tmp_path, None)) == 5000
    assert (tmp_path / "passages.f32").is_file()
    assert not (tmp_path / "vectors.f32").exists()


def test_the_nearest_are_the_same_whether_vectors_are_read_at_once_or_in_blocks(monkeypatch):
    vectors, queries = _random(103), _random(7, seed=2)
    right = -np.sort(-(queries @ vectors.T), axis=1)[:, :10]
    for block in (1, 10, 50, 1000):
        monkeypatch.setattr(dense_build, "BLOCK", block)
        np.testing.assert_allclose(nearest_cosines(vectors, queries, 10), right, atol=1e-6)


@pytest.mark.parametrize(
    ("found", "share"),
    [
        ([0.9, 0.8, 0.7, 0.6], 1.0),
        ([0.9, 0.8], 2 / 3),
        ([0.9, 0.7, 0.6, 0.5], 2 / 3),
        ([0.7, 0.7, 0.7], 1.0),  # of equal texts any will do
        ([0.5, 0.4, 0.3], 0.0),
        ([], 0.0),
    ],
)
def test_recall_is_the_share_of_the_nearest_that_was_found(found, share):
    best = np.array([0.9, 0.8, 0.7], dtype=np.float32)
    assert recall(list(enumerate(found)), best) == pytest.approx(share)


@pytest.mark.parametrize("units", [0, 3, 2000])
def test_sample_queries_are_no_vectors_of_the_index(units):
    vectors, lines = _random(40), np.vstack((_random(units, seed=2), np.zeros((5, 64)))).astype("<f2")
    queries = sample_queries(vectors, lines)
    assert 0 < len(queries) <= dense_build.SAMPLE
    np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-5)
    assert (queries @ vectors.T).max() < 0.9
    np.testing.assert_array_equal(queries, sample_queries(vectors, lines))


@pytest.fixture
def index_dir(tmp_path):
    build(tmp_path, writer=IndexFiles("ivf"))
    return tmp_path


def test_an_index_by_lists_is_built_opened_and_described(index_dir):
    entry = read_manifest(live_folder(index_dir)).dense
    assert (entry.recipe, entry.kept, entry.recall) == (IVF, True, 1)
    assert entry.sample > 0
    index = open_index(index_dir, embedder_id="words@1")
    assert isinstance(index.dense, IvfIndex)
    assert index.approximation == entry
    vector = WordEmbedder().embed_queries(["remote monitoring spread faster"])[0]
    row, _ = index.dense.search(vector, 1)[0]
    assert "remote monitoring" in index.store.passage_by_row(row).text
    index.close()


def test_another_setting_builds_anew_without_embedding_and_back_again_gives_the_same(tmp_path):
    first = build(tmp_path)
    exact = (live_folder(tmp_path) / "passages.faiss").read_bytes()
    embedder = WordEmbedder()
    lists = build(tmp_path, writer=IndexFiles("ivf"), embedder=embedder)
    assert lists.fingerprint != first.fingerprint
    assert build(tmp_path, writer=IndexFiles("ivf")).fingerprint == lists.fingerprint
    again = build(tmp_path, writer=IndexFiles("exact"), embedder=embedder)
    assert embedder.embedded == []
    assert again.fingerprint == first.fingerprint
    assert (live_folder(tmp_path) / "passages.faiss").read_bytes() == exact


def test_an_update_takes_vectors_from_an_index_by_lists(index_dir):
    new = document("new.md", "A new report", "Nobody has read these words before.")
    embedder = WordEmbedder()
    summary = build(index_dir, [*reports()[1:], new], writer=IndexFiles("ivf"), embedder=embedder)
    assert (summary.embedded, summary.removed) == (1, 1)
    assert all("Nobody" in text for text in embedder.embedded)
    at_once = index_dir / "at-once"
    build(at_once, [*reports()[1:], new], writer=IndexFiles("ivf"))
    updated, whole = (live_folder(folder) / "vectors.f32" for folder in (index_dir, at_once))
    assert updated.read_bytes() == whole.read_bytes()


def test_a_build_that_was_stopped_after_the_lists_were_made_leaves_its_vectors(index_dir):
    folder, embedder = live_folder(index_dir), WordEmbedder()
    (folder / "building.json").write_text(json.dumps(made_with(embedder)))
    (pools,) = leftover_pools([folder], embedder)
    assert len(pools.passages.vectors) == 5
    assert len(pools.passages.find([pools.passages.keys[3].tobytes()])[0]) == 1


def test_too_low_a_recall_is_told_at_every_build_and_the_index_is_exact(tmp_path, monkeypatch):
    monkeypatch.setattr(dense_build, "LOWEST_RECALL", 1.1)
    for _ in range(2):
        summary = build(tmp_path, writer=IndexFiles("ivf"))
        assert summary.warnings[-1].startswith("The index compares every passage with the question")
    index = open_index(tmp_path, embedder_id="words@1")
    assert isinstance(index.dense, FaissIndex)
    assert not index.approximation.kept
    index.close()
    monkeypatch.undo()
    embedder = WordEmbedder()
    build(tmp_path, reports()[:2], writer=IndexFiles("ivf"), embedder=embedder)
    assert embedder.embedded == []


def test_an_index_that_outgrows_exact_search_changes_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(dense_build, "EXACT_UP_TO", 4)
    build(tmp_path, reports()[:2])
    assert read_manifest(live_folder(tmp_path)).dense is None
    build(tmp_path)
    assert read_manifest(live_folder(tmp_path)).dense.recipe == IVF


def test_an_exact_index_has_no_entry_in_its_manifest(tmp_path):
    build(tmp_path)
    assert '"dense"' not in (live_folder(tmp_path) / "manifest.json").read_text()


def test_changed_or_missing_vectors_are_refused_by_name(index_dir):
    folder = live_folder(index_dir)
    files = read_manifest(folder).files
    listed = {name: entry for name, entry in files.items() if name != "vectors.f32"}
    write_manifest(folder, read_manifest(folder).model_copy(update={"files": listed}))
    with pytest.raises(IndexCorrupt, match=r"does not list vectors\.f32"):
        open_index(index_dir, embedder_id="words@1")
    write_manifest(folder, read_manifest(folder).model_copy(update={"files": files}))
    content = bytearray((folder / "vectors.f32").read_bytes())
    content[40] ^= 1
    (folder / "vectors.f32").write_bytes(content)
    with pytest.raises(IndexCorrupt, match=r"vectors\.f32 has changed"):
        open_index(index_dir, embedder_id="words@1")
