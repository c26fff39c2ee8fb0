"""Dense search in FAISS."""

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@st.composite
def _masked_searches(draw):
    """Vectors of small whole numbers, so that scores are exact and often equal; a query, ``k`` and a mask."""
    count = draw(st.integers(1, 40))
    numbers = st.integers(-2, 2)
    vectors = draw(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=count, max_size=count))
    query = draw(st.lists(numbers, min_size=3, max_size=3))
    mask = draw(
        st.one_of(
            st.just([False] * count), st.just([True] * count), st.lists(st.booleans(), min_size=count, max_size=count)
        )
    )
    k = draw(st.integers(0, count + 9))
    return np.array(vectors, dtype=np.float32), np.array(query, dtype=np.float32), k, np.array(mask, dtype=bool)


@given(_masked_searches())
def test_a_mask_gives_what_comparing_with_the_allowed_vectors_gives(search):
    vectors, query, k, mask = search
    scores = vectors @ query
    found = FaissIndex(vectors).search(query, k, allowed=mask)
    rows = [row for row, _ in found]
    assert len(set(rows)) == len(rows) == min(k, int(mask.sum()))
    assert mask[rows].all()
    assert found == sorted(((row, scores[row]) for row in rows), key=lambda pair: (-pair[1], pair[0]))
    best = sorted(scores[mask].tolist(), reverse=True)[:k]
    assert [score for _, score in found] == best


@pytest.mark.parametrize("count", [1, 7, 8, 9, 63, 64, 65])
def test_each_row_can_be_the_only_one_allowed(count):
    vectors = _vectors(count)
    index = FaissIndex(vectors)
    for row, mask in enumerate(np.eye(count, dtype=bool)):
        assert [found for found, _ in index.search(vectors[0], count + 1, allowed=mask)] == [row]


def test_a_mask_of_all_rows_is_as_good_as_none_and_an_empty_one_finds_nothing():
    index, query = FaissIndex(_vectors(13)), _vectors(1, seed=2)[0]
    assert index.search(query, 5, allowed=np.ones(13, dtype=bool)) == index.search(query, 5)
    assert index.search(query, 5, allowed=np.zeros(13, dtype=bool)) == []


def test_equal_vectors_that_are_allowed_come_in_order_of_rows():
    vectors = np.tile(_vectors(1), (11, 1))
    mask = np.arange(11) % 3 == 1
    assert [row for row, _ in FaissIndex(vectors).search(vectors[0], 99, allowed=mask)] == [1, 4, 7, 10]


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
