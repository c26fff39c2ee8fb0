"""Whether a question leans on earlier turns, and what is searched for then."""

from __future__ import annotations

import pytest

from spreadguide.retrieval.followup import also_searched, last_whole_question, stand_alone
from spreadguide.retrieval.leaning import leans, signals
from spreadguide.types import Turn

PHARMACY = (
    Turn("user", "How did Leeds roll out the pharmacy blood pressure checks?"),
    Turn("assistant", "Leeds began with 12 pharmacies and added 40 more within a year. A team trained the staff."),
)
CHECKLIST = (
    Turn("user", "What is the SURPASS checklist?"),
    Turn("assistant", "It is a checklist that goes with a surgical patient from admission to discharge."),
    Turn("user", "did it lower complications"),
    Turn("assistant", "Yes. The trial reports fewer complications and fewer deaths in six Dutch hospitals."),
)

LEANING = [
    (PHARMACY, "Who paid?"),
    (PHARMACY, "and outside the city?"),
    (PHARMACY, "how many people were checked"),
    (PHARMACY, "What did the pharmacists make of it?"),
    (PHARMACY, "Were GPs told about the results?"),
    (PHARMACY, "ok, what went wrong?"),
    (PHARMACY, "Did the extra training make a difference?"),
    (PHARMACY, "how long did the second stage take"),
    (PHARMACY, "sorry, I meant the first twelve, not the ones added later"),
    (PHARMACY, "What would they do differently?"),
    (PHARMACY, "Was there any evaluation?"),
    (PHARMACY, "by how much?"),
    (CHECKLIST, "And which steps were missed most?"),
    (CHECKLIST, "which hospitals were in the trial?"),
    (CHECKLIST, "Is it still in use?"),
    (CHECKLIST, "Right. Did nurses find it a burden?"),
    (CHECKLIST, "How much time does it take per patient?"),
    (CHECKLIST, "did the surgeons go along with this"),
]
WHOLE = [
    (PHARMACY, "What is the SURPASS checklist?"),
    (PHARMACY, "Who funded the Manchester stroke network between 2015 and 2018?"),
    (PHARMACY, "Thanks. What does the King's Fund say about shared leadership?"),
    (PHARMACY, "what puts nurses off using electronic observation charts"),
    (PHARMACY, "What are the main barriers to adoption of digital tools in community services?"),
    (PHARMACY, "How many sites did ESCAPE-pain reach in its second year?"),
    (PHARMACY, "What should a trust board do before it spreads an innovation to all its wards?"),
    (PHARMACY, "Which frameworks help to plan the implementation of a complex intervention?"),
    (CHECKLIST, "different topic: how does NICE judge early evidence on digital products"),
    (CHECKLIST, "How did Leeds roll out the pharmacy blood pressure checks?"),
    (CHECKLIST, "Does NASSS say why programmes are abandoned?"),
    (CHECKLIST, "Why do so many pilots in the NHS never become routine services?"),
    (CHECKLIST, "how can a small company sell to the health service in Wales"),
    (CHECKLIST, "Compare the Test Beds with the vanguards."),
]


@pytest.mark.parametrize(("examples", "truth"), [(LEANING, True), (WHOLE, False)], ids=["leaning", "whole"])
def test_most_questions_are_told_apart_by_their_wording(
    examples: list[tuple[tuple[Turn, ...], str]], truth: bool
) -> None:
    wrong = [question for history, question in examples if leans(question, history) is not truth]
    # Written before they were tried. The regression misses one in ten of the questions it was fitted to.
    assert len(wrong) <= 2, wrong


def test_a_name_in_the_question_speaks_for_a_subject_of_its_own() -> None:
    named, unnamed = (signals(question, PHARMACY) for question in ("Did PRASE help?", "Did training help?"))
    assert (named["names"], named["no_name"]) == (1, 0)
    assert (unnamed["names"], unnamed["no_name"]) == (0, 1)


def test_a_name_that_was_said_before_is_told_from_a_new_one() -> None:
    assert signals("And how did Leeds pay for it?", PHARMACY)["name_said"] == 1
    assert signals("And how did Wigan pay for it?", PHARMACY)["name_said"] == 0


@pytest.mark.parametrize(
    ("question", "answers"),
    [("Right, who paid?", 1), ("good and who paid", 1), ("Good examples of shared leadership?", 0)],
)
def test_a_word_that_answers_what_was_said_is_told_from_one_that_describes(question: str, answers: int) -> None:
    assert signals(question, PHARMACY)["acknowledges"] == answers


def test_the_last_whole_question_is_carried_over() -> None:
    assert last_whole_question(CHECKLIST) == "What is the SURPASS checklist?"
    assert (
        stand_alone("Is it still in use?", CHECKLIST) == "Is it still in use? (about: What is the SURPASS checklist?)"
    )


def test_what_was_said_after_a_question_is_not_carried_over() -> None:
    history = (Turn("user", "We run a clinic. What is the SURPASS checklist? I need it for a paper."), *CHECKLIST[1:2])
    assert stand_alone("Who paid?", history) == "Who paid? (about: We run a clinic. What is the SURPASS checklist?)"


def test_a_request_without_a_question_mark_is_carried_over_whole() -> None:
    history = (Turn("user", "Tell me about the SURPASS checklist"), *CHECKLIST[1:2])
    assert stand_alone("Who paid?", history) == "Who paid? (about: Tell me about the SURPASS checklist)"


def test_a_question_on_a_new_subject_is_leant_on_from_then_on() -> None:
    history = (*CHECKLIST, *PHARMACY)
    assert last_whole_question(history) == PHARMACY[0].content


def test_a_leaning_question_is_searched_for_with_what_was_said_before_it() -> None:
    with_last_turn, with_answer = also_searched("Who paid?", PHARMACY, leaning=True)
    assert with_last_turn == f"{PHARMACY[0].content} Who paid?"
    assert with_answer == f"{PHARMACY[0].content} {PHARMACY[1].content} Who paid?"


def test_the_question_leant_on_may_lie_further_back_than_the_last_turn() -> None:
    with_last_turn, with_answer = also_searched("Is it still in use?", CHECKLIST, leaning=True)
    assert with_last_turn.startswith("did it lower complications")
    assert with_answer.startswith("What is the SURPASS checklist?")


def test_of_a_long_answer_only_the_beginning_is_searched_for() -> None:
    history = (PHARMACY[0], Turn("assistant", "word " * 500))
    _, with_answer = also_searched("Who paid?", history, leaning=True)
    assert len(with_answer) < 400
    assert with_answer.endswith("Who paid?")


def test_a_long_question_before_does_not_push_this_one_out() -> None:
    wordings = also_searched("Who paid?", (Turn("user", "word " * 400), *PHARMACY[1:]), leaning=True)
    assert all(len(wording) < 700 and wording.endswith("Who paid?") for wording in wordings)


def test_only_the_latest_turns_tell_what_was_said_before() -> None:
    history = (*PHARMACY, *CHECKLIST, *CHECKLIST)
    assert signals("And how did Leeds pay for it?", history)["name_said"] == 0


def test_where_there_is_no_answer_yet_no_wording_comes_twice() -> None:
    assert also_searched("Who paid?", PHARMACY[:1], leaning=True) == (f"{PHARMACY[0].content} Who paid?",)


def test_a_whole_question_is_searched_for_with_the_turn_before_it_too() -> None:
    question = "What is the SURPASS checklist?"
    assert also_searched(question, PHARMACY, leaning=False) == (f"{PHARMACY[0].content} {question}",)


@pytest.mark.parametrize("history", [(), (Turn("assistant", "Ask me anything."),), (Turn("user", " "),)])
def test_without_an_earlier_question_nothing_is_added(history: tuple[Turn, ...]) -> None:
    assert stand_alone("For how long?", history) == "For how long?"
    assert also_searched("For how long?", history, leaning=True) == ()
