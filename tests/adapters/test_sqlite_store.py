"""Documents and passages in SQLite."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from index_samples import document, reports

from spreadguide.adapters.sqlite_store import SqliteStore, write_store
from spreadguide.errors import IndexCorrupt, NotFound
from spreadguide.indexing.chunking import chunk
from spreadguide.types import Source

DOCUMENTS = [*reports(), document("ünï.md", "An 'odd' title; DROP TABLE passages", "Ten 🏥 hospitals – £5.")]
PASSAGES = [passage for report in DOCUMENTS for passage in chunk(report)]


@pytest.fixture
def store(tmp_path):
    write_store(tmp_path / "s.sqlite", DOCUMENTS, PASSAGES)
    units = sum(len(passage.units) for passage in PASSAGES)
    np.save(tmp_path / "units.npy", np.arange(units * 2, dtype=np.float32).reshape(units, 2))
    opened = SqliteStore(tmp_path / "s.sqlite", tmp_path / "units.npy")
    yield opened
    opened.close()


def test_passages_come_back_as_they_went_in(store):
    assert len(store) == len(PASSAGES)
    assert [store.passage_by_row(row) for row in range(len(PASSAGES))] == PASSAGES
    assert [store.passage(passage.passage_id) for passage in PASSAGES] == PASSAGES


def test_passages_with_every_field_set_come_back(tmp_path):
    passage = replace(PASSAGES[0], page=7, lead_in="It said:", heading=("One", "Two → three"))
    write_store(tmp_path / "s.sqlite", DOCUMENTS, [passage])
    np.save(tmp_path / "units.npy", np.zeros((len(passage.units), 2), dtype=np.float32))
    store = SqliteStore(tmp_path / "s.sqlite", tmp_path / "units.npy")
    assert store.passage_by_row(0) == passage
    store.close()


def test_texts_and_spans_fit_together(store):
    for passage in PASSAGES:
        assert store.document_text(passage.source_id)[passage.start : passage.end] == passage.text


def test_sources_come_by_title_with_their_metadata_and_counts(store):
    sources = store.sources()
    assert [source.metadata.title for source in sources] == sorted(report.metadata.title for report in DOCUMENTS)
    for report in DOCUMENTS:
        count = sum(passage.source_id == report.source_id for passage in PASSAGES)
        assert store.source(report.source_id) == Source(report.source_id, report.path, report.metadata, count)


def test_neighbours_stay_within_the_document(store):
    first, second, third = PASSAGES[:3]
    assert first.source_id == second.source_id != third.source_id
    assert store.neighbours(first.passage_id) == (None, second)
    assert store.neighbours(second.passage_id) == (first, None)


def test_unit_vectors_are_those_of_the_passage(store):
    before = 0
    for passage in PASSAGES:
        expected = np.arange(before * 2, (before + len(passage.units)) * 2).reshape(-1, 2)
        np.testing.assert_array_equal(store.unit_vectors(passage.passage_id), expected)
        before += len(passage.units)
    assert before == store.units


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.passage_by_row(10_000),
        lambda store: store.passage("nobody"),
        lambda store: store.neighbours("nobody"),
        lambda store: store.unit_vectors("' OR 1=1 --"),
        lambda store: store.source("nobody"),
        lambda store: store.document_text("nobody"),
    ],
)
def test_what_is_not_there_is_told_with_a_hint(store, call):
    with pytest.raises(NotFound) as caught:
        call(store)
    assert caught.value.hint


def test_many_threads_may_read_at_once(store):
    with ThreadPoolExecutor(8) as pool:
        rows = [row % len(PASSAGES) for row in range(400)]
        assert list(pool.map(store.passage_by_row, rows)) == [PASSAGES[row] for row in rows]


def test_the_store_cannot_be_written(store):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store._connection.execute("DELETE FROM passages")


def test_files_that_are_missing_or_no_database_are_damage(tmp_path):
    np.save(tmp_path / "units.npy", np.zeros((0, 2), dtype=np.float32))
    with pytest.raises(IndexCorrupt, match=r"s\.sqlite"):
        len(SqliteStore(tmp_path / "s.sqlite", tmp_path / "units.npy"))
    (tmp_path / "s.sqlite").write_bytes(b"garbage" * 1000)
    store = SqliteStore(tmp_path / "s.sqlite", tmp_path / "units.npy")
    with pytest.raises(IndexCorrupt, match=r"s\.sqlite"):
        store.sources()
    store.close()


def test_an_array_of_objects_is_never_unpickled(tmp_path, store):
    np.save(tmp_path / "bad.npy", np.array([{}], dtype=object), allow_pickle=True)
    assert len(store) == len(PASSAGES)
    with pytest.raises(IndexCorrupt, match=r"bad\.npy"):
        SqliteStore(tmp_path / "s.sqlite", tmp_path / "bad.npy")
