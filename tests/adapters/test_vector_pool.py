"""Vectors found again by the hash of their text."""

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spreadguide.adapters.vector_pool import VectorPool


def _key(text):
    return hashlib.sha256(text.encode()).digest()


def _pool(texts):
    vectors = np.random.default_rng(0).standard_normal((len(texts), 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) if texts else 1
    keys = np.frombuffer(b"".join(map(_key, texts)), dtype=np.uint8).reshape(-1, 32)
    return VectorPool.of(keys, vectors.astype(np.float16)), vectors


@given(st.lists(st.sampled_from("abcdefgh"), max_size=8), st.lists(st.sampled_from("abcdefghij"), max_size=8))
def test_each_known_text_finds_its_vector_and_no_other_does(known, asked):
    pool, vectors = _pool(known)
    places, found = pool.find([_key(text) for text in asked])
    assert [asked[place] for place in places] == [text for text in asked if text in known]
    for place, vector in zip(places, found, strict=True):
        of_text = [row for text, row in zip(known, vectors, strict=True) if text == asked[place]]
        assert min(np.abs(row - vector).max() for row in of_text) < 0.001


def test_rows_that_were_never_or_only_half_written_are_not_found():
    pool, vectors = _pool(["a", "b", "c"])
    keys, rows = pool.keys.copy(), pool.vectors.copy()
    keys[0] = 0
    rows[1, 2:] = 0
    places, found = VectorPool.of(keys, rows).find([_key("a"), _key("b"), _key("c")])
    assert places == [2]
    np.testing.assert_allclose(found[0], vectors[2], atol=0.001)
