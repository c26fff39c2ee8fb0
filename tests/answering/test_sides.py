"""The two sides of a comparison: where the border lies, and what is asked of each."""

from __future__ import annotations

import pytest

from spreadguide.answering.planning import queries
from spreadguide.answering.shape import Shape
from spreadguide.answering.sides import sides
from spreadguide.types import Question


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        ("How does CFIR differ from RE-AIM?", "CFIR", "RE-AIM"),
        ("Which is cheaper, Florence or Annie?", "Florence", "Annie"),
        ("What is the difference between NICE guidance and a MedTech mandate?", "NICE guidance", "MedTech mandate"),
        ("Did remote consulting cost more compared with visits at home?", "remote consulting", "visits at home"),
        ("paper diaries vs apps: what did patients like?", "paper diaries", "apps"),
        ("How does the Leeds budget compare with the York one?", "Leeds budget", "York one"),
    ],
)
def test_each_side_holds_its_own_name(question: str, one: str, other: str) -> None:
    found = sides(question)
    assert found is not None
    for text in (found[0].phrase, found[0].question):
        assert one in text
        assert other not in text
    for text in (found[1].phrase, found[1].question):
        assert other in text
        assert one not in text


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        pytest.param(
            "paper diaries vs apps: what did patients like?",
            ("paper diaries: what did patients like?", "apps: what did patients like?"),
            id="after the sides",
        ),
        pytest.param(
            "What failed in two places: the Leeds clinic and the York ward.",
            (
                "What failed in two places: the Leeds clinic.",
                "What failed in two places: the York ward.",
            ),
            id="before the sides",
        ),
        pytest.param(
            "Two trials - the Leeds letters and the York calls. Which one worked?",
            ("Two trials - the Leeds letters. Which one worked?", "Two trials - the York calls. Which one worked?"),
            id="around them",
        ),
    ],
)
def test_what_is_asked_of_both_is_asked_of_each(question: str, asked: tuple[str, str]) -> None:
    found = sides(question)
    assert found is not None
    assert (found[0].question, found[1].question) == asked


@pytest.mark.parametrize(
    "question",
    [
        "I have two different figures for the hubs. What do your sources give?",
        "compare nasss and cfir",
        "Versus what?",
        "",
    ],
)
def test_no_sides_where_none_are_shown(question: str) -> None:
    assert sides(question) is None


def test_each_side_is_searched_for_with_what_is_asked_and_by_itself() -> None:
    text = "paper diaries vs apps: what did patients like?"
    one, other = queries(Question(text, text), Shape.COMPARISON)
    assert (one.wording, one.also) == ("paper diaries: what did patients like?", ("paper diaries",))
    assert (other.wording, other.also) == ("apps: what did patients like?", ("apps",))
    assert (one.part.text, other.part.text) == (one.wording, other.wording)


def test_a_plain_question_with_two_names_stays_whole() -> None:
    text = "Did Leeds pay Bradford?"
    (only,) = queries(Question(text, text), Shape.PLAIN)
    assert (only.part.text, only.wording, only.also) == ("Did Leeds pay Bradford", text, ())


def test_a_side_without_words_is_no_side() -> None:
    found = sides("Compare this guide for Macmillan: with or without Nesta")
    assert found is None or all(side.phrase for side in found)
