"""Evidence, ranked again: the mix, what is not read, and how a unit is put to the cross-encoder."""

import math
from dataclasses import replace

import numpy as np
import pytest
from table_judge import TableJudge

from spreadguide.adapters.cross_encoder import CrossEncoder
from spreadguide.answering.evidence import Ask
from spreadguide.answering.reranking import PASSAGES_READ, READ, READ_WEIGHT, as_read, passage_odds, rerank
from spreadguide.answering.wanted import parts
from spreadguide.types import Evidence, Metadata, Passage, Source, Span, UnitKind

QUESTION = "Why did some clinics give up the service?"


def unit(text, score, *, context="", field=None, title="A report", heading=("Results",), named=True):
    source = Source("report", "report.md", Metadata(title, named=named))
    passage = Passage("p1", "report", heading, None, 0, len(text), text, ())
    kind = UnitKind.METADATA if field else UnitKind.SENTENCE
    span = Span(0, len(text))
    return Evidence(0, passage, source, kind, text, context, (), (span,), (text,), 0.5, 0.5, score, field=field)


def ask(question=QUESTION, context=""):
    return Ask(parts(question)[0], question, np.zeros(4, dtype=np.float32), {}, {}, context)


def mixed(score, odds):
    return (1 - READ_WEIGHT) * score + READ_WEIGHT / (1 + math.exp(-odds))


def texts(units):
    return [unit.text for unit in units]


def test_the_order_is_that_of_the_mix_and_each_unit_keeps_what_was_read():
    units = [unit("First.", 0.9), unit("Second.", 0.8), unit("Third.", 0.3)]
    found = rerank(ask(), units, TableJudge({"First.": -3.0, "Second.": 0.0, "Third.": 4.0}))
    expected = {"First.": mixed(0.9, -3), "Second.": mixed(0.8, 0), "Third.": mixed(0.3, 4)}
    assert texts(found) == sorted(expected, key=expected.get, reverse=True) == ["Third.", "Second.", "First."]
    assert {one.text: one.score for one in found} == pytest.approx(expected)
    assert [one.answers for one in found] == [4.0, 0.0, -3.0]
    assert [one.answers for one in units] == [None, None, None]


def test_a_large_lead_by_words_and_vectors_can_outweigh_what_is_read():
    units = [unit("Near.", 1.0), unit("Far.", 0.1)]
    assert texts(rerank(ask(), units, TableJudge({"Near.": -0.5, "Far.": 0.5}))) == ["Near.", "Far."]
    assert texts(rerank(ask(), units, TableJudge({"Near.": -3.0, "Far.": 3.0}))) == ["Far.", "Near."]


def test_what_a_document_says_of_itself_is_not_read_and_keeps_its_score():
    judge = TableJudge({"Staff left.": 2.0})
    found = rerank(ask(), [unit("May 2018", 0.95, field="published"), unit("Staff left.", 0.2)], judge)
    assert [passages for _, passages in judge.asked] == [["A report. Results Staff left."]]
    date = next(one for one in found if one.field)
    assert (date.score, date.answers) == (0.95, None)
    assert texts(found) == ["May 2018", "Staff left."]


def test_only_the_first_units_are_read_and_kept():
    units = [unit(f"Line {number}.", 1 - number / 100) for number in range(READ + 5)]
    judge = TableJudge({"": 0.0})
    found = rerank(ask(), units, judge)
    assert len(judge.asked[0][1]) == READ
    assert texts(found) == texts(units[:READ])


def test_units_of_equal_score_keep_their_order():
    units = [unit(f"Line {number}.", 0.5) for number in range(4)]
    assert texts(rerank(ask(), units, TableJudge({"": 1.0}))) == texts(units)


@pytest.mark.parametrize("units", [[], [unit("May 2018", 0.5, field="published")]])
def test_nothing_to_read_leaves_all_as_it_was(units):
    assert rerank(ask(), units, TableJudge({})) == units


def test_the_wording_that_was_searched_for_is_what_is_asked():
    judge = TableJudge({"": 0.0})
    rerank(ask("how did they engage? (about: the clinics)"), [unit("Staff met.", 0.5)], judge)
    assert judge.asked[0][0] == "how did they engage? (about: the clinics)"


def test_a_unit_is_read_after_title_heading_and_lead_in():
    listed = unit("- a coach\n- a  grant", 0.5, context="Adopters get:", heading=("Help", "In the first year"))
    assert as_read(listed) == "A report. In the first year Adopters get: - a coach - a grant"
    assert as_read(unit("Staff left.", 0.5, named=False, heading=())) == "Staff left."


def test_the_real_cross_encoder_puts_the_line_that_answers_first():
    answer = "Five clinics gave up the service because the nurse who led it had left."
    units = [
        unit("Some clinics give the service to all of their patients on three days of the week.", 0.62),
        unit("The clinics were given a handbook.", 0.6),
        unit("The survey of clinics was sent out in May.", 0.58),
        unit(answer, 0.55),
    ]
    found = rerank(ask(), units, CrossEncoder())
    assert found[0].text == answer
    assert len(found) == len(units)
    assert all(one.answers is not None for one in found)


class LeaningJudge(TableJudge):
    """Sees an answer only where the question is read with the turn before it."""

    def answers(self, question, passages):
        return super().answers(question, passages) + (3.0 if "|" in question else 0.0)


def test_a_follow_up_is_read_with_and_without_earlier_turns_and_the_better_counts():
    judge = LeaningJudge({"Staff left.": -1.0})
    units = [unit("Staff left.", 0.9)]
    assert passage_odds(ask(), units, judge) == pytest.approx([-1.0])
    assert passage_odds(ask(context="Why?  | How did the service go?"), units, judge) == pytest.approx([2.0])
    assert passage_odds(ask("Why did it stop | or not?", context="Why?"), units, judge) == pytest.approx([2.0])


def test_passages_of_the_best_units_are_read_and_none_where_there_are_none():
    judge = TableJudge({"": 0.5})
    found = [unit(f"Line {number}.", 0.9) for number in range(3)]
    apart = [replace(one, passage=replace(one.passage, passage_id=str(place))) for place, one in enumerate(found)]
    assert passage_odds(ask(), apart, judge) == pytest.approx([0.5] * PASSAGES_READ)
    assert len(judge.asked[0][1]) == PASSAGES_READ
    assert passage_odds(ask(), [unit("May 2018", 0.5, field="published")], judge) == []
