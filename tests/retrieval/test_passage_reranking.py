"""Hits, ranked again: the mix, what lies beyond the depth, and how a passage is put to the cross-encoder."""

import math

import pytest
from table_judge import TableJudge

from spreadguide.adapters.cross_encoder import CrossEncoder
from spreadguide.retrieval.reranking import WEIGHT, as_read, rerank
from spreadguide.types import Hit, Metadata, Passage, Source

QUERY = "How much money did each hospital get?"


def hit(text, score, *, heading=("Money",), named=True):
    source = Source("report", "report.md", Metadata("A report", named=named))
    passage = Passage(f"id of {text}", "report", heading, None, 0, len(text), text, ())
    return Hit(passage, source, score, {"dense": 1})


def texts(hits):
    return [one.passage.text for one in hits]


def mixed(share, odds):
    return (1 - WEIGHT) * share + WEIGHT / (1 + math.exp(-odds))


def test_the_order_is_that_of_the_mix_of_both_rankings():
    hits = [hit("First.", 0.04), hit("Second.", 0.03), hit("Third.", 0.02)]
    found = rerank(QUERY, hits, TableJudge({"First.": -4.0, "Second.": 0.0, "Third.": 4.0}), 20)
    expected = {"First.": mixed(1, -4), "Second.": mixed(0.75, 0), "Third.": mixed(0.5, 4)}
    assert texts(found) == sorted(expected, key=expected.get, reverse=True) == ["Third.", "Second.", "First."]
    assert {one.passage.text: one.score for one in found} == pytest.approx(expected)
    assert [one.ranks for one in found] == [{"dense": 1}] * 3


def test_of_two_that_read_alike_the_one_found_first_stays_first():
    hits = [hit("First.", 0.04), hit("Second.", 0.03)]
    assert texts(rerank(QUERY, hits, TableJudge({"": 1.5}), 20)) == ["First.", "Second."]


def test_hits_beyond_the_depth_are_not_read_keep_their_order_and_stay_below():
    hits = [hit(f"Passage {number}.", 0.05 - number / 1000) for number in range(8)]
    judge = TableJudge({"Passage 2.": 3.0, "": -6.0})
    found = rerank(QUERY, hits, judge, depth=3)
    assert judge.asked == [(QUERY, [f"A report. Money Passage {number}." for number in range(3)])]
    assert texts(found[:3]) == ["Passage 2.", "Passage 0.", "Passage 1."]
    assert texts(found[3:]) == texts(hits[3:])
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[3] < scores[2]


def test_as_many_are_read_as_the_depth_says():
    hits = [hit(f"Passage {number}.", 1 / (60 + number)) for number in range(22)]
    judge = TableJudge({"": 0.0})
    found = rerank(QUERY, hits, judge, 20)
    assert len(judge.asked[0][1]) == 20
    assert texts(found) == texts(hits)


@pytest.mark.parametrize(("hits", "depth"), [([], 5), ([hit("Only.", 0.02)], 5), ([hit("A.", 0.2), hit("B.", 0.1)], 1)])
def test_fewer_than_two_to_compare_are_left_as_they_are(hits, depth):
    judge = TableJudge({})
    assert rerank(QUERY, hits, judge, depth=depth) == hits
    assert judge.asked == []


def test_the_hits_that_were_given_are_not_changed():
    hits = [hit("First.", 0.04), hit("Second.", 0.03)]
    rerank(QUERY, hits, TableJudge({"First.": -4.0, "Second.": 4.0}), 20)
    assert [(one.passage.text, one.score) for one in hits] == [("First.", 0.04), ("Second.", 0.03)]


def test_a_passage_is_read_after_title_and_heading():
    assert as_read(hit("Each got\n\n£75,000.", 1.0, heading=("What was done", "Money"))) == (
        "A report. Money Each got £75,000."
    )
    assert as_read(hit("Each got £75,000.", 1.0, heading=(), named=False)) == "Each got £75,000."


def test_the_real_cross_encoder_puts_the_passage_that_answers_first():
    answer = "The foundation gave each of the twelve hospitals £75,000 over two years."
    hits = [
        hit("Hospitals said that money was less of a problem than time, and much was done without it.", 1 / 61),
        hit("In each hospital a nurse led the work, and staff met once a month to look at results.", 1 / 62),
        hit(answer, 1 / 63),
        hit("The networks reached more than 300,000 people within four years.", 1 / 64),
    ]
    found = rerank(QUERY, hits, CrossEncoder(), 20)
    assert found[0].passage.text == answer
    assert sorted(texts(found)) == sorted(texts(hits))
