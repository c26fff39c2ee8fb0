"""Follow-ups on the shipped briefs: what is found for a question that says little by itself."""

from __future__ import annotations

import pytest

from spreadguide.types import Turn

CONVERSATIONS = {
    "prase-trial": ("What was the PRASE trial?", "It tested feedback from patients about safety.", "how many wards?"),
    "appointment-reminder-wording-trial": (
        "Is there a trial on the wording of appointment reminders?",
        "Yes. A large trial in Israel compared several messages.",
        "Which one worked best?",
    ),
    "florence-telehealth": (
        "What is Flo?",
        "Flo is a telehealth service that sends texts.",
        "and who developed the idea?",
    ),
    "nasss-framework": (
        "What is NASSS?",
        "It is a framework with seven domains.",
        "what did the researchers build it from?",
    ),
    "remote-blood-pressure-monitoring-trial": (
        "Tell me about BP Pal in Pennsylvania",
        "It was a trial of texts for people with high blood pressure.",
        "Did the extra support help?",
    ),
}


@pytest.mark.parametrize(("source_id", "turns"), CONVERSATIONS.items())
def test_a_follow_up_finds_the_report_that_was_talked_of(make_assistant, source_id, turns) -> None:
    asked, answered, question = turns
    history = (Turn("user", asked), Turn("assistant", answered))
    assistant = make_assistant(None)
    found = [hit.source.source_id for hit in assistant.search(question, 5, history=history)]
    by_itself = [hit.source.source_id for hit in assistant.search(question, 5)]
    assert found.count(source_id) >= 2 > by_itself.count(source_id), (found, by_itself)
    assert assistant.answer(question, history=history).question.standalone == f"{question} (about: {asked})"


def test_a_question_on_another_subject_is_not_pulled_back(make_assistant) -> None:
    asked, answered, _ = CONVERSATIONS["prase-trial"]
    history = (Turn("user", asked), Turn("assistant", answered))
    question = "How many innovations did the AHSNs spread in their first licence?"
    assistant = make_assistant(None)
    answer = assistant.answer(question, history=history)
    assert answer.question.standalone == question
    assert answer.text == assistant.answer(question).text
