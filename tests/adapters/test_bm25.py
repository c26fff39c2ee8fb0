"""Lexical search in bm25s, against the formula written out."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadguide.adapters.bm25 import K1, B, Bm25Index
from spreadguide.errors import IndexCorrupt
from spreadguide.text import stem, terms

TEXTS = [
    "Wards took part in the trial of patient safety",
    "Funding for adopters of the service, and more funding",
    "Patients were safe on the wards",
    "of the and",
]
WORDS = ["ward", "fund", "trial", "safe", "nurse", "the"]


def _by_formula(texts, query):
    rows = [Counter(terms(text)) for text in texts]
    average = sum(map(Counter.total, rows)) / len(rows)
    scores = []
    for row in rows:
        score = 0.0
        for term in terms(query):
            holding = sum(term in other for other in rows)
            if row[term]:
                weight = math.log(1 + (len(rows) - holding + 0.5) / (holding + 0.5))
                score += weight * row[term] / (row[term] + K1 * (1 - B + B * row.total() / average))
        scores.append(score)
    return scores


@given(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), min_size=1, max_size=6),
    st.lists(st.sampled_from([*WORDS, "zebra"]), max_size=4).map(" ".join),
)
def test_scores_follow_the_formula_and_zero_is_left_out(texts, query):
    expected = {row: score for row, score in enumerate(_by_formula(texts, query)) if score > 0}
    found = Bm25Index(texts).search(query, 10)
    assert dict(found) == pytest.approx(expected, rel=1e-4)
    assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))


@st.composite
def _masked_searches(draw):
    """Short texts of few words, so that many score the same; a query, ``k`` and a mask."""
    text = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)
    texts = draw(st.lists(text, min_size=1, max_size=20))
    count = len(texts)
    query = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join))
    mask = draw(
        st.one_of(
            st.just([False] * count), st.just([True] * count), st.lists(st.booleans(), min_size=count, max_size=count)
        )
    )
    return texts, query, draw(st.integers(0, count + 9)), np.array(mask, dtype=bool)


@given(_masked_searches())
def test_a_mask_leaves_the_allowed_rows_with_the_scores_that_they_have_among_all(search):
    texts, query, k, mask = search
    index = Bm25Index(texts)
    scores = dict(index.search(query, len(texts)))
    expected = {row: score for row, score in enumerate(_by_formula(texts, query)) if score > 0 and mask[row]}
    found = index.search(query, k, allowed=mask)
    assert len(found) == min(k, len(expected))
    assert dict(found) == pytest.approx({row: expected[row] for row, _ in found}, rel=1e-4)
    # Which of several equal ones are found is settled by exact scores, and by rows where those are the same.
    ranked = sorted(((row, scores[row]) for row in expected), key=lambda pair: (-pair[1], pair[0]))
    assert found == ranked[:k]


@pytest.mark.parametrize("count", [1, 7, 8, 9, 65])
def test_each_row_can_be_the_only_one_allowed(count):
    index = Bm25Index([f"Wards met {'weekly ' * row}" for row in range(count)])
    for row, mask in enumerate(np.eye(count, dtype=bool)):
        assert [found for found, _ in index.search("ward", count + 1, allowed=mask)] == [row]


def test_a_mask_of_all_rows_is_as_good_as_none_and_an_empty_one_finds_nothing():
    index = Bm25Index(TEXTS)
    assert index.search("patients on wards", 5, allowed=np.ones(4, dtype=bool)) == index.search("patients on wards", 5)
    assert index.search("patients on wards", 5, allowed=np.zeros(4, dtype=bool)) == []


def test_a_row_that_is_allowed_but_holds_no_term_of_the_query_is_not_found():
    mask = np.array([False, True, True, True])
    assert [row for row, _ in Bm25Index(TEXTS).search("wards", 5, allowed=mask)] == [2]


def test_words_are_matched_by_stem():
    assert [row for row, _ in Bm25Index(TEXTS).search("How was the funding?", 5)] == [1]


@pytest.mark.parametrize(("k", "found"), [(0, 0), (1, 1), (2, 2), (99, 2)])
def test_never_more_than_k_nor_than_match(k, found):
    assert len(Bm25Index(TEXTS).search("wards", k)) == found


@pytest.mark.parametrize("query", ["", "the of and", "zebra", "?!", "日本語"])
def test_a_query_without_a_known_term_finds_nothing(query):
    assert Bm25Index(TEXTS).search(query, 5) == []


def test_one_passage_and_no_term_at_all_are_fine():
    assert [row for row, _ in Bm25Index(["Wards met weekly"]).search("ward", 50)] == [0]
    assert Bm25Index(["the of", ""]).search("ward", 5) == []


def test_rare_terms_weigh_more_and_unseen_ones_most():
    index = Bm25Index(TEXTS)
    common, rare, unseen = (index.idf(stem(word)) for word in ("wards", "trial", "zebra"))
    assert 0 <= common < rare < unseen
    assert common == pytest.approx(math.log(1 + (4 - 2 + 0.5) / (2 + 0.5)))
    assert unseen == pytest.approx(math.log(1 + 4.5 / 0.5))


def test_a_folder_gives_the_same_index_back_and_holds_no_pickle(tmp_path):
    index = Bm25Index(TEXTS)
    index.write(tmp_path / "bm25")
    again = Bm25Index.read(tmp_path / "bm25")
    assert len(again) == 4
    assert again.search("patients safe on wards", 5) == index.search("patients safe on wards", 5)
    assert again.idf("ward") == index.idf("ward")
    assert {path.suffix for path in (tmp_path / "bm25").iterdir()} == {".npy", ".json"}


def test_a_folder_that_makes_no_sense_is_damage(tmp_path):
    with pytest.raises(IndexCorrupt):
        Bm25Index.read(tmp_path)
    Bm25Index(TEXTS).write(tmp_path)
    (tmp_path / "indptr.csc.index.npy").write_bytes(b"garbage")
    with pytest.raises(IndexCorrupt):
        Bm25Index.read(tmp_path)
