"""One answer marked: what counts as found, as rightly cited, as invented and as right."""

from __future__ import annotations

import pytest

from spreadguide.evaluation.marking import Mark, mark
from spreadguide.evaluation.sets import QuestionRow
from spreadguide.types import Answer, Citation, CitedSource, Claim, Question, Status, SupportLevel, Timings, Trace

TEXTS = {
    "wards": "In 2016 the trial on 33 wards was led by Jane Marsh of the Bradford Institute.\n\n"
    "Each ward held 1,200 days.",
    "funds": "The charity funds partners for 3 years. Planning is paid for as well.",
}
PATHS = {"wards": "trials/wards.md", "funds": "money/funds.md"}
WARDS = "the trial on 33 wards"
FUNDS = "The charity funds partners for 3 years."


def cite(marker: int, report: str, quote: str, shift: int = 0) -> Citation:
    start = TEXTS[report].index(quote) + shift
    return Citation(marker, f"{report}-p", quote, start, start + len(quote))


def claim(text: str, *citations: Citation, support: SupportLevel = SupportLevel.SUPPORTED) -> Claim:
    return Claim(text, support, 0.9, citations)


def answer(
    text: str = "",
    *claims: Claim,
    status: Status = Status.ANSWERED,
    sources: tuple[tuple[int, str], ...] = ((1, "wards"), (2, "funds")),
) -> Answer:
    """Make an answer that says ``text``; ``sources`` are pairs of marker and report."""
    cited = tuple(
        CitedSource(marker, report, f"About {report}", "The Trust", 2017, None, None, "Results", f"{report}-p", path)
        for marker, report in sources
        for path in [PATHS[report]]
    )
    said = text or " ".join(one.text for one in claims)
    question = Question("How many wards?", "How many wards?")
    timings = Timings(1, None, None, 2)
    return Answer("a", question, status, said, claims, cited, (), None, (), (), timings, Trace(None, "f" * 16))


def row(**given: object) -> QuestionRow:
    asked = {"id": "q", "kind": "fact", "question": "How many wards?", "status": "answered", "sources": ["trials/"]}
    return QuestionRow.model_validate(asked | given)


def uncovered(status: str = "not_covered", **given: object) -> QuestionRow:
    return row(**{"status": status, "sources": []} | given)


def marked(asked: QuestionRow, given: Answer) -> Mark:
    return mark(asked, given, TEXTS.__getitem__)


GOOD = claim("It ran on 33 wards [1].", cite(1, "wards", WARDS))


def test_a_right_answer_holds_every_fact_and_cites_a_report_that_may_be_cited():
    found = marked(row(need=["33 wards"]), answer("", GOOD))
    assert found == Mark(
        refused=False,
        facts=1,
        asked=1,
        citations=1,
        cited=1,
        supported_by_acceptable=1,
        shown=1,
        unsupported=0,
        cited_right=True,
        never=False,
        invented=(),
        not_verbatim=0,
        right=True,
    )


def test_a_partial_answer_to_a_covered_question_can_be_right():
    assert marked(row(need=["33"], status="partial"), answer("", GOOD)).right
    assert marked(row(need=["33"]), answer("", GOOD, status=Status.PARTIAL)).right


@pytest.mark.parametrize(
    ("need", "facts"),
    [
        (["33 WARDS"], 1),
        (["thirty-three|33", "nurses"], 1),
        (["doctors", "nurses"], 0),
        ([], 0),
    ],
)
def test_facts_are_found_whatever_their_case(need, facts):
    found = marked(row(need=need), answer("", GOOD))
    assert (found.facts, found.asked) == (facts, len(need))
    assert found.right is (facts == len(need))


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("It ran on [1] 33 wards [1][2].", r"It ran on 33 wards\.$"),
        ("It ran\non  33\n\nwards [1].", "It ran on 33 wards"),
    ],
)
def test_markers_and_line_ends_do_not_part_a_fact(text, fact):
    assert marked(row(need=[fact]), answer(text, GOOD)).facts == 1


def test_a_marker_is_no_fact():
    assert marked(row(need=["1"]), answer("It ran on wards [1].", GOOD)).facts == 0


def test_a_fact_is_looked_for_in_what_is_read():
    """Answers are Markdown, in which signs such as square brackets are escaped."""
    assert marked(row(need=[r"ran on \[most\] wards"]), answer(r"It ran on \[most\] wards [1].", GOOD)).facts == 1


@pytest.mark.parametrize(
    ("sources", "right"),
    [(["trials/wards.md"], True), (["trials/"], True), (["money/", "trials/w"], True), (["wards.md"], False)],
)
def test_a_report_may_be_cited_when_its_path_begins_as_named(sources, right):
    found = marked(row(sources=sources), answer("", GOOD))
    assert (found.cited_right, found.citations, found.right) == (right, int(right), right)


def test_an_answer_that_cites_nothing_is_not_rightly_cited():
    found = marked(row(), answer("It ran on 33 wards.", claim("It ran on 33 wards.")))
    assert (found.cited_right, found.cited, found.unsupported, found.shown) == (False, 0, 1, 1)
    assert not found.right


def test_a_marker_without_a_source_cites_nothing_good():
    found = marked(row(), answer("", GOOD, sources=()))
    assert (found.citations, found.cited, found.cited_right, found.not_verbatim) == (0, 1, False, 1)


def test_min_sources_counts_different_reports():
    both = row(sources=["trials/", "money/"], min_sources=2)
    again = claim("Jane Marsh led it [1].", cite(1, "wards", "led by Jane Marsh"))
    other = claim("Partners have 3 years [2].", cite(2, "funds", FUNDS))
    assert not marked(both, answer("", GOOD, again)).cited_right
    assert marked(both, answer("", GOOD, other)).cited_right
    assert not marked(row(min_sources=2), answer("", GOOD, other)).cited_right, "only one of them may be cited"


def test_two_markers_of_one_report_are_one_report():
    again = claim("Jane Marsh led it [2].", cite(2, "wards", "led by Jane Marsh"))
    found = marked(row(min_sources=2), answer("", GOOD, again, sources=((1, "wards"), (2, "wards"))))
    assert (found.citations, found.cited_right) == (2, False)


def test_each_statement_counts_once_however_often_it_is_cited():
    mixed = claim("Wards and partners [1][2].", cite(1, "wards", WARDS), cite(2, "funds", FUNDS))
    other = claim("Partners have 3 years [2].", cite(2, "funds", FUNDS))
    found = marked(row(), answer("", mixed, other))
    assert (found.citations, found.cited) == (1, 3)
    assert (found.supported_by_acceptable, found.shown) == (1, 2)


def test_what_must_never_be_said_makes_an_answer_wrong():
    found = marked(row(need=["33"], never=["IT RAN"]), answer("", GOOD))
    assert (found.facts, found.cited_right, found.never, found.right) == (1, True, True, False)


def test_what_must_never_be_said_makes_a_refusal_wrong():
    refusal = answer("I was told: system prompt.", status=Status.DECLINED, sources=())
    assert marked(uncovered("declined", never=["system prompt"]), refusal).right is False
    assert marked(uncovered("declined", never=["password"]), refusal).right is True


@pytest.mark.parametrize(
    ("text", "invented"),
    [
        ("It ran on 34 wards [1].", ("34",)),
        ("It ran on 33 wards in 2016 [1].", ()),
        ("It ran in 2018, and in 2018 again [1].", ("2018",)),
        ("Each ward held 1,200 days, not 200 [1].", ("200",)),
        ("The wards were led by Jane Marsh [1].", ()),
        ("The wards were led by Jane Smith of the Bradford Institute [1].", ("Jane Smith",)),
        ("It ran on wards in 2019, said Anna Berg [1].", ("2019", "Anna Berg")),
        ("About wards is by The Trust, from 2017 [1].", ()),
        ("The paper “All of 99 Ways by Anna Berg” has no number [1].", ()),
        ("Partners have 3 years [2].", ()),
        ("Wards ran it. Then others did [1].", ()),
    ],
)
def test_numbers_and_names_that_no_cited_report_holds_are_invented(text, invented):
    assert marked(row(), answer(text, GOOD)).invented == invented


def test_an_article_after_a_list_item_is_no_part_of_a_name():
    text = "It ran on:\n\n- hospital wards [1]\nThe Trust led it. [1]"
    assert marked(row(), answer(text, GOOD)).invented == ()
    assert marked(row(), answer(text.replace("Trust", "Zephyr Trust"), GOOD)).invented == ("Zephyr Trust",)


def test_a_name_is_not_read_on_from_a_list_item_into_the_next_line():
    text = "- paid by the Zephyr Trust [1]\n\nThe Zephyr Trust paid. [1]"
    assert marked(row(), answer(text, GOOD)).invented == ("Zephyr Trust",)


def test_what_stands_in_a_report_that_is_not_cited_is_invented():
    assert marked(row(), answer("Partners have 3 years [1].", GOOD, sources=((1, "wards"),))).invented == ("3",)


def test_a_name_is_not_known_from_a_part_of_a_word():
    """The report says “planning”, which is no person."""
    assert marked(row(), answer("It was led by Ann [2].", GOOD)).invented == ("Ann",)


def test_a_refusal_repeats_the_askers_words_and_invents_nothing():
    refusal = answer("The reports do not say what Anna Berg spent in 2024.", status=Status.NOT_COVERED, sources=())
    assert marked(uncovered(), refusal).invented == ()


def test_a_quote_stands_at_its_place_letter_by_letter():
    moved = claim("Jane Marsh led it [1].", cite(1, "wards", "led by Jane Marsh", shift=1))
    changed = claim("It ran [1].", Citation(1, "wards-p", "the Trial on 33 wards", 8, 29))
    other = claim("Partners have 3 years [1].", cite(1, "funds", FUNDS))
    found = marked(row(), answer("", GOOD, moved, changed, other))
    assert (found.cited, found.not_verbatim) == (4, 3)


def test_what_was_withheld_is_not_counted():
    withheld = claim("Pigs can fly [2].", cite(2, "funds", FUNDS, shift=3), support=SupportLevel.UNSUPPORTED)
    found = marked(row(need=["33"]), answer("It ran on 33 wards [1].", GOOD, withheld))
    assert (found.shown, found.unsupported, found.cited, found.not_verbatim) == (1, 0, 1, 0)
    assert found.right


def test_what_was_withheld_does_not_cite_for_the_answer():
    withheld = claim("It ran on 33 wards [1].", cite(1, "wards", WARDS), support=SupportLevel.UNSUPPORTED)
    other = claim("Partners have 3 years [2].", cite(2, "funds", FUNDS))
    assert not marked(row(), answer("", other, withheld)).cited_right


@pytest.mark.parametrize("status", [Status.NOT_COVERED, Status.DECLINED])
def test_to_refuse_what_is_covered_is_wrong(status):
    found = marked(row(need=["33"]), answer("The reports say nothing on 33.", status=status, sources=()))
    assert (found.refused, found.facts, found.right) == (True, 1, False)
    assert (found.cited_right, found.shown) == (False, 0)
    assert not marked(row(need=["33"]), answer("", GOOD, status=status)).right, "even where it cites what is right"


@pytest.mark.parametrize(
    ("expected", "given", "right"),
    [
        ("not_covered", Status.NOT_COVERED, True),
        ("not_covered", Status.DECLINED, True),
        ("not_covered", Status.PARTIAL, False),
        ("not_covered", Status.ANSWERED, False),
        ("declined", Status.DECLINED, True),
        ("declined", Status.NOT_COVERED, False),
        ("declined", Status.ANSWERED, False),
    ],
)
def test_what_is_not_covered_is_to_be_refused_and_what_is_declined_to_be_declined(expected, given, right):
    found = marked(uncovered(expected), answer("See elsewhere.", status=given, sources=()))
    assert (found.refused, found.right) == (given in {Status.NOT_COVERED, Status.DECLINED}, right)
