"""The two sides of a comparison: where the border lies, and what is searched for then."""

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
    ],
)
def test_each_side_holds_its_own_name(question: str, one: str, other: str) -> None:
    found = sides(question)
    assert found is not None
    assert one in found[0]
    assert other not in found[0]
    assert other in found[1]
    assert one not in found[1]


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


def test_each_side_is_searched_for_by_itself_and_with_the_whole() -> None:
    text = "How does CFIR differ from RE-AIM?"
    one, other = queries(Question(text, text), Shape.COMPARISON)
    assert (one.part.text, other.part.text) == ("How does CFIR", "RE-AIM")
    assert one.also == ("How does CFIR",)
    assert other.also == ("RE-AIM",)
    assert text in one.wording
    assert text in other.wording


def test_a_plain_question_with_two_names_stays_whole() -> None:
    text = "Did Leeds pay Bradford?"
    (only,) = queries(Question(text, text), Shape.PLAIN)
    assert (only.part.text, only.wording, only.also) == ("Did Leeds pay Bradford", text, ())
