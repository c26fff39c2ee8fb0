"""Metrics against values worked out by hand, and intervals that hold them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spreadguide.evaluation.metrics import (
    RETRIEVAL_METRICS,
    auroc,
    balanced_accuracy,
    coverage_at_risk,
    interval,
    ranking_scores,
    ratio,
    share,
)


def flags(text: str) -> np.ndarray:
    """Return an array of ``1`` and ``0`` as true and false."""
    return np.array([sign == "1" for sign in text])


def test_ranking_scores_are_those_worked_out_by_hand():
    """The gain of a text is its grade, divided by log2 of its place plus one."""
    found = ranking_scores({"q": {"good": 2, "fair": 1, "bad": 0}}, {"q": ["bad", "fair", "other", "good"]})["q"]
    best = 2 / math.log2(2) + 1 / math.log2(3)
    got = 1 / math.log2(3) + 2 / math.log2(5)
    assert found == pytest.approx(
        {"ndcg@5": got / best, "ndcg@10": got / best, "recall@5": 1.0, "recall@10": 1.0, "mrr": 1 / 2}
    )


def test_each_metric_looks_as_deep_as_its_name_says():
    """Judged texts stand at places 4, 7 and 12 of a ranking, and a fourth was not found."""
    ranked = [f"other{place}" for place in range(1, 13)]
    for place in (4, 7, 12):
        ranked[place - 1] = f"judged{place}"
    found = ranking_scores({"q": {"judged4": 1, "judged7": 1, "judged12": 1, "gone": 1}}, {"q": ranked})["q"]
    best = sum(1 / math.log2(place + 1) for place in (1, 2, 3, 4))
    assert found == pytest.approx(
        {
            "ndcg@5": 1 / math.log2(5) / best,
            "ndcg@10": (1 / math.log2(5) + 1 / math.log2(8)) / best,
            "recall@5": 1 / 4,
            "recall@10": 2 / 4,
            "mrr": 1 / 4,
        }
    )


def test_the_first_right_text_counts_however_deep_it_stands():
    ranked = [f"other{place}" for place in range(1, 40)] + ["judged"]
    found = ranking_scores({"q": {"judged": 1}}, {"q": ranked})["q"]
    assert found == pytest.approx({"ndcg@5": 0, "ndcg@10": 0, "recall@5": 0, "recall@10": 0, "mrr": 1 / 40})


def test_a_query_without_a_ranking_has_nothing_and_counts():
    nothing = dict.fromkeys(RETRIEVAL_METRICS, 0.0)
    found = ranking_scores({"found": {"a": 1}, "empty": {"a": 1}, "away": {"a": 1}}, {"found": ["a"], "empty": []})
    assert found == {"found": dict.fromkeys(RETRIEVAL_METRICS, 1.0), "empty": nothing, "away": nothing}


def test_balanced_accuracy_is_the_mean_of_both_shares():
    """Three of four true rows and one of two false ones are told right."""
    assert balanced_accuracy(flags("111100"), flags("111010")) == pytest.approx((3 / 4 + 1 / 2) / 2)


@pytest.mark.parametrize(("truth", "said", "value"), [("1111", "1110", 3 / 4), ("000", "100", 2 / 3)])
def test_balanced_accuracy_of_one_class_is_its_share(truth, said, value):
    assert balanced_accuracy(flags(truth), flags(said)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("truth", "scores", "value"),
    [
        ("1100", [0.9, 0.8, 0.2, 0.1], 1.0),
        ("1100", [0.1, 0.2, 0.8, 0.9], 0.0),
        ("1010", [0.9, 0.7, 0.5, 0.1], 3 / 4),
        # Of six pairs three are in order, and two are ties that count half.
        ("11100", [0.9, 0.5, 0.1, 0.5, 0.5], (2 + 2 / 2) / 6),
        ("1100", [0.5, 0.5, 0.5, 0.5], 1 / 2),
    ],
)
def test_auroc_is_the_share_of_pairs_in_order(truth, scores, value):
    assert auroc(flags(truth), np.array(scores)) == pytest.approx(value)


@pytest.mark.parametrize("truth", ["111", "000"])
def test_auroc_of_one_class_is_not_a_number(truth):
    assert math.isnan(auroc(flags(truth), np.array([0.1, 0.2, 0.3])))


def test_share_and_ratio_are_not_a_number_without_rows():
    assert share(np.array([1.0, 0.0, 0.0, 1.0])) == 0.5
    assert math.isnan(share(np.array([])))
    assert ratio(np.array([1.0, 2.0]), np.array([1.0, 5.0])) == 0.5
    assert math.isnan(ratio(np.array([0.0]), np.array([0.0])))


def mean_of(values: list[float]):
    numbers = np.array(values)
    return lambda rows: float(numbers[rows].mean())


def test_the_interval_holds_the_value_and_is_the_same_every_time():
    values = [1.0] * 60 + [0.0] * 40
    found = interval(100, mean_of(values))
    assert found is not None
    assert found == interval(100, mean_of(values))
    # Of 100 rows that are right with 0.6, the mean of a sample has a standard deviation of 0.049.
    assert found[0] == pytest.approx(0.6 - 1.96 * 0.049, abs=0.02)
    assert found[1] == pytest.approx(0.6 + 1.96 * 0.049, abs=0.02)
    assert found[0] < 0.6 < found[1]


def test_more_rows_give_a_narrower_interval():
    few, many = (interval(2 * half, mean_of([1.0] * half + [0.0] * half)) for half in (10, 200))
    assert many[1] - many[0] < few[1] - few[0]


def test_the_interval_of_equal_rows_is_a_point():
    assert interval(5, mean_of([0.25] * 5)) == (0.25, 0.25)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_rows_have_no_interval(count):
    assert interval(count, mean_of([1.0])) is None


def test_samples_without_a_value_are_left_out_of_the_interval():
    """A sample of one class has no AUROC; where none has one, there is no interval."""
    truth, scores = flags("110"), np.array([0.9, 0.8, 0.1])
    assert interval(3, lambda rows: auroc(truth[rows], scores[rows])) == (1.0, 1.0)
    assert interval(3, lambda _: math.nan) is None


def test_coverage_at_risk_is_that_worked_out_by_hand():
    """Best first, the answers are right, right, wrong, right, wrong: shares wrong 0, 0, 1/3, 1/4 and 2/5."""
    right, scores = flags("01011"), np.array([0.1, 0.9, 0.5, 0.4, 0.8])
    found = coverage_at_risk(right, scores, (0.0, 0.1, 0.25, 0.3, 0.35, 0.4))
    assert found == {"0": 0.4, "0.1": 0.4, "0.25": 0.8, "0.3": 0.8, "0.35": 0.8, "0.4": 1.0}


def test_nothing_can_be_answered_where_the_best_is_wrong():
    assert coverage_at_risk(flags("01"), np.array([0.9, 0.1]), (0.1,)) == {"0.1": 0.0}


def test_answers_of_one_score_are_given_together():
    """No threshold parts them, so the order in which they stand in the file makes no difference."""
    scores = np.full(4, 0.5)
    assert coverage_at_risk(flags("1100"), scores, (0.1,)) == coverage_at_risk(flags("0011"), scores, (0.1,))
