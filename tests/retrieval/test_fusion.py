"""Reciprocal rank fusion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadguide.retrieval.fusion import reciprocal_rank_fusion

RANKINGS = st.dictionaries(
    st.sampled_from(["dense", "lexical", "third"]), st.lists(st.integers(0, 30), unique=True, max_size=20), max_size=3
)


def test_the_score_is_the_sum_of_reciprocal_ranks():
    fused = reciprocal_rank_fusion({"dense": [7, 3], "lexical": [3, 9]}, k=60)
    assert fused == [(3, pytest.approx(1 / 62 + 1 / 61)), (7, pytest.approx(1 / 61)), (9, pytest.approx(1 / 62))]


def test_rows_of_equal_score_stand_in_order_of_number():
    assert [row for row, _ in reciprocal_rank_fusion({"dense": [8], "lexical": [2]})] == [2, 8]


def test_a_smaller_constant_lets_a_single_first_rank_win():
    rankings = {"dense": [1, 5, 9], "lexical": [4, 8, 9]}
    assert reciprocal_rank_fusion(rankings, k=60)[0][0] == 9
    assert reciprocal_rank_fusion(rankings, k=0)[0][0] == 1


@given(RANKINGS)
def test_every_row_comes_back_once_and_best_first(rankings):
    fused = reciprocal_rank_fusion(rankings)
    assert sorted(row for row, _ in fused) == sorted({row for ranking in rankings.values() for row in ranking})
    assert fused == sorted(fused, key=lambda pair: (-pair[1], pair[0]))


@given(RANKINGS)
def test_the_order_of_the_retrievers_does_not_matter(rankings):
    backwards = dict(reversed(rankings.items()))
    assert reciprocal_rank_fusion(rankings) == reciprocal_rank_fusion(backwards)


@given(st.lists(st.integers(0, 50), unique=True, max_size=20))
def test_one_ranking_alone_keeps_its_order(ranking):
    assert [row for row, _ in reciprocal_rank_fusion({"dense": ranking})] == ranking


@given(st.lists(st.integers(0, 20), unique=True, min_size=1, max_size=10), RANKINGS)
def test_a_row_found_by_one_more_retriever_never_falls(ranking, others):
    row = ranking[-1]
    before = dict(reciprocal_rank_fusion({**others, "more": ranking[:-1]}))
    after = dict(reciprocal_rank_fusion({**others, "more": ranking}))
    assert after[row] > before.get(row, 0)
