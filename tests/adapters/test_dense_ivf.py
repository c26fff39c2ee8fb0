"""Search by lists of codes: what is found, in what order, and what is refused."""

import sys

import faiss
import numpy as np
import psutil
import pytest

from spreadguide.adapters import dense_ivf
from spreadguide.adapters.dense_build import IVF, write_dense
from spreadguide.adapters.dense_ivf import IvfIndex, MappedVectors
from spreadguide.errors import IndexCorrupt, IndexingError

COUNT, DIMENSION, CENTRES = 3000, 32, 60


def _unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _vectors(count=COUNT):
    """Groups of neighbours, as passages on one subject are."""
    random = np.random.default_rng(1)
    centres = random.standard_normal((CENTRES, DIMENSION))
    return _unit(centres[np.arange(count) % CENTRES] + 0.4 * random.standard_normal((count, DIMENSION)))


def _make(folder, vectors):
    """Write an index by lists of ``vectors`` and return where its codes and its vectors are."""
    vectors.astype("<f4").tofile(folder / "passages.f32")
    (folder / "units.f16").touch()
    assert write_dense(folder, vectors.shape[1], IVF).kept
    return folder / "passages.faiss", folder / "vectors.f32"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return _make(tmp_path_factory.mktemp("ivf"), _vectors())


@pytest.fixture
def index(files):
    return IvfIndex.read(*files)


QUERIES = _unit(_vectors(20) + 0.1 * np.random.default_rng(2).standard_normal((20, DIMENSION)))


def _best(query, k, allowed=None):
    cosines = _vectors() @ query
    rows = np.arange(COUNT) if allowed is None else np.flatnonzero(allowed)
    return sorted(((row, cosines[row]) for row in rows.tolist()), key=lambda pair: (-pair[1], pair[0]))[:k]


def _shared(found, right):
    return len({row for row, _ in found} & {row for row, _ in right}) / len(right)


def test_it_finds_nearly_all_of_the_nearest_while_it_looks_through_a_part(index):
    assert index.probed <= index.lists / 4
    assert np.mean([_shared(index.search(query, 10), _best(query, 10)) for query in QUERIES]) > 0.97


def test_scores_are_whole_cosines_and_the_best_come_first(index):
    for query in QUERIES:
        found = index.search(query, 50)
        cosines = _vectors() @ query
        assert [score for _, score in found] == pytest.approx([cosines[row] for row, _ in found], abs=1e-6)
        assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))


def _masks():
    random = np.random.default_rng(3)
    one_group = np.arange(COUNT) % CENTRES == 7
    return {
        "half": random.random(COUNT) < 0.5,
        "a tenth": random.random(COUNT) < 0.1,
        "one group": one_group,
        "all but one group": ~one_group,
        "one row": np.arange(COUNT) == 2999,
        "all": np.ones(COUNT, dtype=bool),
    }


@pytest.mark.parametrize("scored_all", [0, 20, COUNT])
@pytest.mark.parametrize("kind", _masks())
def test_only_allowed_rows_are_found_and_nearly_all_of_the_nearest(index, kind, scored_all, monkeypatch):
    monkeypatch.setattr(dense_ivf, "SCORED_ALL", scored_all)
    mask = _masks()[kind]
    shares = []
    for query in QUERIES:
        found = index.search(query, 10, allowed=mask)
        assert len(found) == min(10, mask.sum())
        assert mask[[row for row, _ in found]].all()
        shares.append(_shared(found, _best(query, 10, mask)))
    assert np.mean(shares) > (0.999 if mask.sum() <= scored_all else 0.97)


def test_no_row_allowed_finds_nothing(index):
    assert index.search(QUERIES[0], 10, allowed=np.zeros(COUNT, dtype=bool)) == []


@pytest.mark.parametrize(("k", "count"), [(0, 0), (1, 1), (500, 500), (COUNT, COUNT), (COUNT + 1, COUNT)])
def test_as_many_as_were_asked_for_are_found_where_there_are_so_many(index, k, count):
    rows = [row for row, _ in index.search(QUERIES[0], k)]
    assert len(set(rows)) == len(rows) == count


def test_equal_vectors_come_in_order_of_rows(tmp_path):
    index = IvfIndex.read(*_make(tmp_path, np.tile(_vectors(1), (30, 1))))
    assert [row for row, _ in index.search(_vectors(1)[0], 30)] == list(range(30))


def test_a_file_gives_the_same_index_back(files, index, tmp_path):
    index.write(tmp_path / "codes")
    again = IvfIndex.read(tmp_path / "codes", files[1])
    assert (len(again), again.dimension, again.probed) == (COUNT, DIMENSION, index.probed)
    assert [again.search(query, 50) for query in QUERIES] == [index.search(query, 50) for query in QUERIES]


def test_a_place_that_cannot_be_written_is_told_plainly(index, tmp_path):
    with pytest.raises(IndexingError, match="could not be written"):
        index.write(tmp_path / "missing" / "codes")


@pytest.mark.parametrize("content", [b"", b"x" * 7, b"\x00" * 4 * DIMENSION])
def test_vectors_that_do_not_fit_the_codes_are_damage(files, tmp_path, content):
    (tmp_path / "vectors.f32").write_bytes(content)
    with pytest.raises(IndexCorrupt, match=r"vectors\.f32"):
        IvfIndex.read(files[0], tmp_path / "vectors.f32")


@pytest.mark.parametrize("other", ["exact", "another distance", "more lists than there are"])
def test_codes_of_another_kind_are_refused(files, tmp_path, other):
    made = faiss.read_index(str(files[0]))
    if other == "exact":
        made = faiss.IndexFlatIP(DIMENSION)
    elif other == "another distance":
        made.metric_type = faiss.METRIC_L2
    else:
        made.nprobe = made.nlist + 1
    faiss.write_index(made, str(tmp_path / "codes"))
    with pytest.raises(IndexCorrupt, match=r"another kind|do not belong together"):
        IvfIndex.read(tmp_path / "codes", files[1])


@pytest.mark.skipif(sys.platform != "linux", reason="which pages of a file are in memory is read as Linux tells it")
def test_vectors_that_were_read_do_not_stay_in_the_memory_of_the_process(tmp_path):
    path = tmp_path / "vectors.f32"
    np.ones((20_000, 256), dtype="<f4").tofile(path)
    mapped = MappedVectors(path, 256)
    query = np.ones(256, dtype=np.float32)
    resident = {}
    for name, keep in (("kept", True), ("given back", False)):
        assert float(mapped.rows.sum() if keep else mapped.scores(query, np.arange(20_000)).sum()) > 0
        resident[name] = sum(part.rss for part in psutil.Process().memory_maps() if part.path == str(path))
    assert resident["kept"] == 20_000 * 256 * 4
    assert resident["given back"] == 0
