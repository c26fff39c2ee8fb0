"""Lexical search in bm25s, against the formula written out."""

import math
from collections import Counter

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
