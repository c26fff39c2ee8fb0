"""Opening an index: a sound one works, and each way of damaging one fails closed with a clear error."""

import json
import sqlite3
from contextlib import closing

import faiss
import pytest
from index_samples import build, document, reports

from spreadguide.adapters import index_files
from spreadguide.adapters.index_files import open_index
from spreadguide.errors import IndexCorrupt, IndexingError, IndexMismatch, IndexMissing
from spreadguide.indexing.manifest import FileEntry, read_manifest, write_manifest
from spreadguide.indexing.publish import live_folder


@pytest.fixture
def index_dir(tmp_path):
    build(tmp_path)
    return tmp_path


def _edit_manifest(index_dir, **changes):
    path = live_folder(index_dir) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _forge_manifest(index_dir, **changes):
    """Change the manifest and give it a checksum that fits, as no accident would."""
    folder = live_folder(index_dir)
    write_manifest(folder, read_manifest(folder).model_copy(update=changes))


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "truncated FAISS file": (lambda at: _cut(live_folder(at) / "passages.faiss"), "passages.faiss"),
    "flipped bit in the FAISS file": (lambda at: _flip(live_folder(at) / "passages.faiss"), "passages.faiss"),
    "flipped bit in the BM25 weights": (
        lambda at: _flip(live_folder(at) / "bm25" / "data.csc.index.npy"),
        "data.csc.index.npy",
    ),
    "missing BM25 vocabulary": (
        lambda at: (live_folder(at) / "bm25" / "vocab.index.json").unlink(),
        "vocab.index.json",
    ),
    "missing unit vectors": (lambda at: (live_folder(at) / "units.f16").unlink(), "units.f16"),
    "deleted store": (lambda at: (live_folder(at) / "store.sqlite").unlink(), "store.sqlite"),
    "a folder in place of the store": (
        lambda at: ((live_folder(at) / "store.sqlite").unlink(), (live_folder(at) / "store.sqlite").mkdir()),
        "store.sqlite",
    ),
    "CURRENT names nothing": (lambda at: (at / "CURRENT").write_text("0" * 16), "CURRENT"),
    "CURRENT names a place outside": (lambda at: (at / "CURRENT").write_text("../.."), "CURRENT"),
    "garbage manifest": (lambda at: (live_folder(at) / "manifest.json").write_bytes(b"\x00\xff{"), "manifest.json"),
    "deeply nested manifest": (
        lambda at: (live_folder(at) / "manifest.json").write_text("[" * 100_000),
        "manifest.json",
    ),
    "manifest of another shape": (lambda at: (live_folder(at) / "manifest.json").write_text("[]"), "manifest.json"),
    "missing manifest": (lambda at: (live_folder(at) / "manifest.json").unlink(), "manifest.json"),
    "manifest of another index": (lambda at: _edit_manifest(at, fingerprint="0" * 16), "manifest.json"),
    "flipped bit in the manifest": (lambda at: _flip(live_folder(at) / "manifest.json"), "manifest.json"),
    "manifest with another count": (lambda at: _edit_manifest(at, passages=4), "manifest.json"),
}

FORGED = {
    "leaves out a file": ({"files": {}}, "does not list bm25/data.csc.index.npy"),
    "another count of passages": ({"passages": 4}, "do not belong together"),
    "another count of units": ({"units": 4}, "do not belong together"),
    "another dimension": ({"dimension": 4}, "do not belong together"),
    "another fingerprint": ({"fingerprint": "0" * 16}, "belongs to another index"),
}


def test_a_sound_index_opens_with_everything_in_it(index_dir):
    index = open_index(index_dir, embedder_id="words@1")
    assert index.fingerprint == live_folder(index_dir).name
    assert (index.counts.documents, index.counts.passages, index.counts.units) == (3, 5, index.store.units)
    assert len(index.dense) == len(index.lexical) == len(index.store) == 5
    row, _ = index.lexical.search("remote monitoring", 1)[0]
    assert "remote monitoring" in index.store.passage_by_row(row).text
    vector = index.dense.vectors()[row]
    assert index.dense.search(vector, 1)[0] == (row, pytest.approx(1, abs=1e-5))
    index.close()


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_refused_by_name_with_the_command_that_repairs_it(index_dir, kind, monkeypatch):
    damage, named = DAMAGE[kind]
    damage(index_dir)
    if "FAISS" in kind:
        monkeypatch.setattr(faiss, "read_index", lambda _: pytest.fail("FAISS was given a damaged file"))
    with pytest.raises(IndexCorrupt, match=named.replace(".", r"\.")) as caught:
        open_index(index_dir, embedder_id="words@1")
    assert "spreadguide index build" in caught.value.hint


@pytest.mark.parametrize("kind", FORGED)
def test_a_manifest_that_does_not_fit_its_files_is_refused(index_dir, kind):
    changes, said = FORGED[kind]
    _forge_manifest(index_dir, **changes)
    with pytest.raises(IndexCorrupt, match=said):
        open_index(index_dir, embedder_id="words@1")


def test_a_manifest_cannot_name_a_file_outside_its_folder(index_dir):
    files = read_manifest(live_folder(index_dir)).files
    _forge_manifest(index_dir, files={**files, "../CURRENT": FileEntry(size=17, blake3="0" * 64)})
    with pytest.raises(IndexCorrupt, match="outside its folder"):
        open_index(index_dir, embedder_id="words@1")


@pytest.mark.parametrize("kind", DAMAGE)
def test_the_next_build_repairs_any_damage(index_dir, kind):
    DAMAGE[kind][0](index_dir)
    build(index_dir)
    open_index(index_dir, embedder_id="words@1").close()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "format 2"),
        ({"format": 99, "files": None, "new": True}, "format 99"),
    ],
)
def test_an_index_of_another_format_is_refused(index_dir, changes, said):
    _edit_manifest(index_dir, **changes)
    with pytest.raises(IndexMismatch, match=said) as caught:
        open_index(index_dir, embedder_id="words@1")
    assert "spreadguide index build" in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "said"), [({"chunker": "0"}, "other passages"), ({"embedder": "other@1"}, "other@1")]
)
def test_an_index_of_another_chunker_or_embedder_is_refused(index_dir, changes, said):
    _forge_manifest(index_dir, **changes)
    with pytest.raises(IndexMismatch, match=said) as caught:
        open_index(index_dir, embedder_id="words@1")
    assert "spreadguide index build" in caught.value.hint


def test_no_index_is_another_error_than_a_damaged_one(tmp_path):
    with pytest.raises(IndexMissing, match="no index") as caught:
        open_index(tmp_path / "nowhere", embedder_id="words@1")
    assert "spreadguide index build" in caught.value.hint


def test_two_reports_with_one_id_are_refused_and_the_live_index_stays(index_dir):
    before = live_folder(index_dir)
    twins = [document("a.md", "A", "One."), document("a-md", "A", "Two.")]
    with pytest.raises(IndexingError, match="could not be written"):
        build(index_dir, [*reports(), *twins])
    assert live_folder(index_dir) == before


def test_opening_follows_a_build_that_publishes_in_that_moment(index_dir, monkeypatch):
    """The old index is gone before it was read: what is opened is the new one."""
    opened = index_files.read_manifest

    def publish_first(folder):
        monkeypatch.setattr(index_files, "read_manifest", opened)
        build(index_dir, reports()[:1])
        return opened(folder)

    monkeypatch.setattr(index_files, "read_manifest", publish_first)
    index = open_index(index_dir, embedder_id="words@1")
    assert index.counts.documents == 1
    index.close()


def test_the_store_is_a_plain_sqlite_file(index_dir):
    with closing(sqlite3.connect(live_folder(index_dir) / "store.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
