"""Dense search in FAISS."""

import faiss
import numpy as np
import pytest

from spreadguide.adapters.faiss_index import FaissIndex
from spreadguide.errors import IndexCorrupt, IndexingError


def _vectors(count, dimension=16, seed=1):
    found = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_it_finds_what_comparing_with_every_vector_finds():
    vectors, query = _vectors(200), _vectors(1, seed=2)[0]
    cosines = vectors @ query
    best = np.argsort(-cosines)[:10]
    found = FaissIndex(vectors).search(query, 10)
    assert [row for row, _ in found] == best.tolist()
    assert [score for _, score in found] == pytest.approx(cosines[best].tolist(), abs=1e-5)


def test_equal_vectors_come_in_order_of_rows():
    vectors = np.tile(_vectors(1), (5, 1))
    assert [row for row, _ in FaissIndex(vectors).search(vectors[0], 5)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("k", "found"), [(0, 0), (1, 1), (3, 3), (50, 3)])
def test_never_more_than_k_nor_than_there_are(k, found):
    assert len(FaissIndex(_vectors(3)).search(_vectors(1)[0], k)) == found


def test_a_file_gives_the_same_index_back(tmp_path):
    vectors = _vectors(7)
    FaissIndex(vectors).write(tmp_path / "index")
    again = FaissIndex.read(tmp_path / "index")
    assert (len(again), again.dimension) == (7, 16)
    np.testing.assert_array_equal(again.vectors(), vectors)


@pytest.mark.parametrize("content", [b"", b"garbage" * 40])
def test_a_file_that_faiss_cannot_read_is_damage(tmp_path, content):
    (tmp_path / "index").write_bytes(content)
    with pytest.raises(IndexCorrupt, match="cannot be read"):
        FaissIndex.read(tmp_path / "index")


def test_another_kind_of_index_is_refused(tmp_path):
    faiss.write_index(faiss.IndexFlatL2(4), str(tmp_path / "index"))
    with pytest.raises(IndexCorrupt, match="another kind"):
        FaissIndex.read(tmp_path / "index")


def test_a_place_that_cannot_be_written_is_told_plainly(tmp_path):
    with pytest.raises(IndexingError, match="could not be written"):
        FaissIndex(_vectors(2)).write(tmp_path / "missing" / "index")
