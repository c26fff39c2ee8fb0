"""Documents and passages in SQLite."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from index_samples import document, reports

from spreadguide.adapters.row_file import RowFile
from spreadguide.adapters.sqlite_store import UNIT_TYPE, SqliteStore
from spreadguide.adapters.sqlite_writer import DocumentRows, StoreWriter, runs
from spreadguide.errors import IndexCorrupt, NotFound
from spreadguide.indexing.chunking import chunk
from spreadguide.types import (
    EditionStatus,
    EvidenceKind,
    LineBox,
    PageInfo,
    Source,
    Span,
)

DOCUMENTS = [*reports(), document("ünï.md", "An 'odd' title; DROP TABLE passages", "Ten 🏥 hospitals – £5.")]
PASSAGES = [passage for report in DOCUMENTS for passage in chunk(report)]


def write_store(path, documents, passages, groups=None, superseded=()):
    """Write a store of ``documents`` with their ``passages``, in the order of both."""
    writer = StoreWriter(path, None)
    row = unit = 0
    for report in documents:
        own = [passage for passage in passages if passage.source_id == report.source_id]
        writer.add(report, own, row, unit)
        row += len(own)
        unit += sum(len(passage.units) for passage in own)
    writer.set_duplicates(groups or {})
    writer.set_superseded(superseded)
    writer.finish()


def write_units(path, rows):
    file = RowFile(path, UNIT_TYPE, 2)
    file.put(0, rows)
    file.close(len(rows))


@pytest.fixture
def store(tmp_path):
    write_store(tmp_path / "s.sqlite", DOCUMENTS, PASSAGES)
    units = sum(len(passage.units) for passage in PASSAGES)
    write_units(tmp_path / "units.f16", np.arange(units * 2, dtype=np.float32).reshape(units, 2))
    opened = SqliteStore(tmp_path / "s.sqlite", tmp_path / "units.f16", 2)
    yield opened
    opened.close()


def test_passages_come_back_as_they_went_in(store):
    assert len(store) == len(PASSAGES)
    assert [store.passage_by_row(row) for row in range(len(PASSAGES))] == PASSAGES
    assert [store.passage(passage.passage_id) for passage in PASSAGES] == PASSAGES


def test_passages_with_every_field_set_come_back(tmp_path):
    passage = replace(PASSAGES[0], page=7, page_label="vii", lead_in="It said:", heading=("One", "Two → three"))
    write_store(tmp_path / "s.sqlite", DOCUMENTS, [passage])
    write_units(tmp_path / "units.f16", np.zeros((len(passage.units), 2)))
    store = SqliteStore(tmp_path / "s.sqlite", tmp_path / "units.f16", 2)
    assert store.passage_by_row(0) == passage
    store.close()


def test_documents_with_every_field_set_come_back(tmp_path):
    metadata = replace(
        DOCUMENTS[0].metadata,
        kind=EvidenceKind.CASE_STUDY,
        setting="Wards",
        edition="Second edition",
        supersedes=("old.md",),
        audience=("innovator",),
        pillars=("Engage", "Understand"),
        limits="Few sites.",
        named=False,
    )
    boxes = (LineBox(Span(0, 9), 1, 72.0, 10.5, 300.25, 22.0), LineBox(Span(10, 30), 2, 72.0, 10.5, 310.0, 22.0))
    pages = (PageInfo(1, "iv", 595.0, 842.0), PageInfo(2, None, 595.0, 842.0))
    report = replace(DOCUMENTS[0], metadata=metadata, boxes=boxes, pages=pages)
    write_store(tmp_path / "s.sqlite", [report], [], superseded=[report.path])
    write_units(tmp_path / "units.f16", np.zeros((0, 2)))
    store = SqliteStore(tmp_path / "s.sqlite", tmp_path / "units.f16", 2)
    found = store.source(report.source_id).metadata
    assert found == replace(metadata, status=EditionStatus.SUPERSEDED)
    assert store.pages(report.source_id) == list(pages)
    assert store.boxes(report.source_id, 9, 10) == []
    assert store.boxes(report.source_id, 8, 11) == list(boxes)
    assert store.boxes(report.source_id, 20, 25) == [boxes[1]]
    store.close()


def test_rows_that_may_be_found(tmp_path, store):
    assert store.allowed_rows() is None
    first = DOCUMENTS[0].source_id
    only = store.allowed_rows(source_ids=[first])
    assert [PASSAGES[row].source_id == first for row in range(len(PASSAGES))] == only.tolist()
    write_store(tmp_path / "old.sqlite", DOCUMENTS, PASSAGES, superseded=[DOCUMENTS[0].path])
    older = SqliteStore(tmp_path / "old.sqlite", tmp_path / "units.f16", 2)
    assert older.allowed_rows().tolist() == (~only).tolist()
    assert older.allowed_rows(superseded=True) is None
    assert not older.allowed_rows(source_ids=[first]).any()
    older.close()


def test_near_duplicates_of_other_documents(tmp_path, store):
    other = next(row for row, passage in enumerate(PASSAGES) if passage.source_id != PASSAGES[0].source_id)
    assert store.duplicates(PASSAGES[0].passage_id) == []
    write_store(tmp_path / "same.sqlite", DOCUMENTS, PASSAGES, groups={0: 0, 1: 0, other: 0})
    same = SqliteStore(tmp_path / "same.sqlite", tmp_path / "units.f16", 2)
    assert same.duplicates(PASSAGES[0].passage_id) == [PASSAGES[1], PASSAGES[other]]
    assert same.duplicates(PASSAGES[other].passage_id) == PASSAGES[:2]
    assert same.duplicates("nobody") == []
    same.close()


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
    write_units(tmp_path / "units.f16", np.zeros((0, 2)))
    with pytest.raises(IndexCorrupt, match=r"s\.sqlite"):
        len(SqliteStore(tmp_path / "s.sqlite", tmp_path / "units.f16", 2))
    (tmp_path / "s.sqlite").write_bytes(b"garbage" * 1000)
    store = SqliteStore(tmp_path / "s.sqlite", tmp_path / "units.f16", 2)
    with pytest.raises(IndexCorrupt, match=r"s\.sqlite"):
        store.sources()
    store.close()
    with pytest.raises(IndexCorrupt, match=r"none\.f16"):
        SqliteStore(tmp_path / "s.sqlite", tmp_path / "none.f16", 2)


def test_documents_that_stand_one_after_the_other_are_copied_as_one_run():
    one, empty, two = (
        DocumentRows(("a",), 0, 3, 0, 7),
        DocumentRows(("b",), 3, 0, 7, 0),
        DocumentRows(("c",), 3, 2, 7, 4),
    )
    apart = DocumentRows(("d",), 9, 1, 20, 1)
    assert runs([one, empty, two, apart]) == [DocumentRows(("a", "b", "c"), 0, 5, 0, 11), apart]
    assert runs([two, one]) == [two, one]
    assert runs([]) == []


@pytest.mark.parametrize("kept", [(0, 1, 2), (1,), (0, 2), (2, 0)])
def test_carried_documents_are_those_of_the_store_before(tmp_path, kept):
    before = tmp_path / "before.sqlite"
    write_store(before, DOCUMENTS, PASSAGES)
    writer = StoreWriter(tmp_path / "after.sqlite", before)
    row = unit = 0
    for run in runs(writer.previous_rows(DOCUMENTS[place].source_id for place in kept)):
        writer.carry(run, row, unit)
        row += run.passages
        unit += run.units
    writer.set_superseded(())
    writer.finish()
    expected = [DOCUMENTS[place] for place in kept]
    write_store(tmp_path / "anew.sqlite", expected, PASSAGES)
    for table, order in (("documents", "source_id"), ("passages", "row")):
        after, anew = (
            sqlite3.connect(tmp_path / name).execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()  # noqa: S608
            for name in ("after.sqlite", "anew.sqlite")
        )
        assert after == anew
