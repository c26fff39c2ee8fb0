"""What beside a question asks nothing of its own, and what it says of the form of the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spreadguide.answering.assembly import PartResult
from spreadguide.answering.gate import ABOUT_ELSE, BESIDE_COVERED, Sufficiency
from spreadguide.answering.planning import beside_covered, queries
from spreadguide.answering.remarks import is_remark
from spreadguide.answering.wanted import Part, Wanted, parts
from spreadguide.types import Question, Status

ASKED = "Why did four wards stop using the checklist?"


@pytest.mark.parametrize(
    "remark",
    [
        "Just bullet them please.",
        "I need the number.",
        "names pls",
        "All of them, please",
        "Our matron said there was something on that.",
        "I want to share it.",
        "Give me all the reasons for the paper.",
        "It is for a board report.",
    ],
)
def test_a_remark_is_no_part_of_the_question(remark: str) -> None:
    assert is_remark(remark, ASKED)
    assert [part.text for part in parts(f"{ASKED} {remark}")] == ["Why did four wards stop using the checklist"]


@pytest.mark.parametrize(
    "request_",
    [
        "Also need the yearly cost per bed.",
        "Tell me about training for night staff.",
        "And who paid for it?",
        "what did it cost",
        "whos in charge of it now",
        "The second pilot - how many wards were in that",
        "Training for night staff: was there any",
        "I run a small ward. how are we meant to pay for this",
    ],
)
def test_a_further_question_or_request_is_a_part(request_: str) -> None:
    assert not is_remark(request_, ASKED)
    assert len(parts(f"{ASKED} {request_}")) == 2


@pytest.mark.parametrize("message", ["costs of remote monitoring; staff barriers", "Just bullet them please.", "fees"])
def test_where_nothing_is_worded_as_a_question_all_is_asked(message: str) -> None:
    found = parts(message)
    assert "; ".join(part.text for part in found) == message


def test_what_stands_in_a_row_is_asked_word_for_word() -> None:
    found = parts("What do the reports say of virtual wards; staff needs; the costs, and who pays?")
    assert [part.text for part in found] == [
        "What do the reports say of virtual wards",
        "staff needs",
        "the costs",
        "who pays",
    ]


@pytest.mark.parametrize(("why", "passes"), [(ABOUT_ELSE, True), ("the reports found do not mention Acme", False)])
def test_beside_what_is_covered_more_passes_but_no_unknown_name(why: str, passes: bool) -> None:
    covered = PartResult(Part("Why did they stop", Wanted.ANY), (), Sufficiency(True, 0.8))
    nearly = PartResult(Part("who paid", Wanted.PERSON), (), Sufficiency(False, BESIDE_COVERED, why))
    assert [result.sufficiency.enough for result in beside_covered([covered, nearly])] == [True, passes]
    assert beside_covered([nearly]) == [nearly]
    assert beside_covered([nearly, replace(covered, pillar="Engage")])[0] == nearly
    hardly = replace(nearly, sufficiency=Sufficiency(False, BESIDE_COVERED - 0.01, why))
    assert beside_covered([covered, hardly]) == [covered, hardly]


@pytest.mark.parametrize(
    ("remark", "wanted"),
    [
        ("Just bullet them please.", Wanted.LIST),
        ("I need the number.", Wanted.NUMBER),
        ("names pls", Wanted.PERSON),
        ("It is for a board report.", Wanted.ANY),
    ],
)
def test_the_form_that_a_remark_names_is_wanted(remark: str, wanted: Wanted) -> None:
    assert [part.wanted for part in parts(f"{ASKED} {remark}")] == [wanted]


def test_the_form_that_the_question_names_comes_first() -> None:
    assert [part.wanted for part in parts("How long did it take? Just bullet it please.")] == [Wanted.DURATION]


def test_what_a_remark_says_is_searched_for_with_the_question() -> None:
    text = f"{ASKED} Our matron said the Acme review had something on that."
    (query,) = queries(Question(text, text))
    assert query.wording == text
    assert query.also == ("Why did four wards stop using the checklist",)


def test_a_remark_brings_no_lines_of_its_own(make_assistant) -> None:
    question = "What are the core pillars when adopting a proven innovation?"
    plain = make_assistant(None).answer(question)
    remarked = make_assistant(None).answer(f"{question} I need it for a paper on patients and staff.")
    assert plain.status is remarked.status is Status.ANSWERED
    answers = [[claim.text for claim in found.claims if not claim.section] for found in (plain, remarked)]
    assert answers[0] == answers[1] != []
    assert {source.path for source in remarked.sources} <= {source.path for source in plain.sources}
