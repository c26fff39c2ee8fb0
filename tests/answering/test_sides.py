"""The two sides of a comparison: where the border lies, and what is asked of each."""

from __future__ import annotations

import time

import pytest

from spreadguide.answering.planning import ASPECTS, left_out, queries
from spreadguide.answering.shape import Shape
from spreadguide.answering.sides import sides
from spreadguide.answering.wanted import Wanted
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
        ("compare nasss and cfir", "nasss", "cfir"),
        ("How is the Leeds homework different from the York one?", "Leeds homework", "York one"),
        ("falls huddle v bed alarms. Which one lasted?", "falls huddle", "bed alarms"),
        ("The ward diary and the clinic letter: what does each one ask for?", "ward diary", "clinic letter"),
        ("The Leeds letter and the York call both failed. What did each blame?", "Leeds letter", "York call"),
        ("Compare what Leeds spent with what York saved.", "what Leeds spent", "what York saved"),
        ("Who paid, and how did the Leeds rota compare with flexible hours?", "Leeds rota", "flexible hours"),
        ("What is the gap between the first count of sites and the later one from Hull?", "first count", "later one"),
        ("what can you learn from Against the Odds compared with the Leeds paper?", "Against the Odds", "Leeds paper"),
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
            "How long may you test under the Leeds scheme compared with a York licence?",
            ("How long may you test under the Leeds scheme?", "How long may you test under a York licence?"),
            id="of the first side alone",
        ),
        pytest.param(
            "What held Leeds back in the trial compared with what held York back?",
            ("What held Leeds back in the trial?", "what held York back?"),
            id="of each in its own words",
        ),
        pytest.param(
            "How do the needs of the inventors differ from those of the buyers?",
            ("How do the needs of the inventors?", "those of the buyers?"),
            id="of the second by pointing back",
        ),
        pytest.param(
            "The Leeds paper and the York paper: what does each one say, and can either be trusted?",
            (
                "The Leeds paper: what does it say, and can it be trusted?",
                "the York paper: what does it say, and can it be trusted?",
            ),
            id="of each, which is one of them then",
        ),
        pytest.param(
            "In Hull, how did the nurses fare versus the porters?",
            ("In Hull, how did the nurses fare?", "In Hull, the porters?"),
            id="after a place",
        ),
        pytest.param(
            "Which kept more staff, the Leeds rota or flexible hours?",
            ("Which kept more staff, the Leeds rota?", "Which kept more staff, flexible hours?"),
            id="which of two",
        ),
        pytest.param(
            "Dew and Horton: what is each one's job?",
            ("Dew: what is its job?", "Horton: what is its job?"),
            id="of what each has",
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
        "How many doctors and nurses were trained?",
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


def test_two_things_asked_of_each_side_are_searched_for_by_themselves() -> None:
    text = "TB boxes in China vs PRASE on UK wards: how many places took part in each, and how were staff helped?"
    asked = queries(Question(text, text), Shape.COMPARISON)
    assert [query.wording for query in asked] == [
        "TB boxes in China: how many places took part in it",
        "TB boxes in China: how were staff helped",
        "PRASE on UK wards: how many places took part in it",
        "PRASE on UK wards: how were staff helped",
    ]
    assert {query.also for query in asked} == {("TB boxes in China",), ("PRASE on UK wards",)}
    assert [query.part.wanted for query in asked] == [Wanted.NUMBER, Wanted.ANY] * 2


def test_of_one_side_no_whole_list_is_asked_for() -> None:
    text = "Torn between PRASE and Flo. Which skills does each need?"
    assert [query.part.wanted for query in queries(Question(text, text), Shape.PLAIN)] == [Wanted.LIST]
    assert [query.part.wanted for query in queries(Question(text, text), Shape.COMPARISON)] == [Wanted.ANY] * 2


def test_of_many_things_asked_of_each_side_the_first_are_searched_for() -> None:
    text = "Leeds versus York: who paid? How much? For how long? Who checked?"
    question = Question(text, text)
    assert len(queries(question, Shape.COMPARISON)) == 2 * ASPECTS
    (warning,) = left_out(question, Shape.COMPARISON)
    assert warning.startswith(f"You asked more than {ASPECTS} things of each side. The first {ASPECTS} are looked at.")


def test_a_plain_question_with_two_names_stays_whole() -> None:
    text = "Did Leeds pay Bradford?"
    (only,) = queries(Question(text, text), Shape.PLAIN)
    assert (only.part.text, only.wording, only.also) == ("Did Leeds pay Bradford", text, ())


def test_a_side_without_words_is_no_side() -> None:
    found = sides("Compare this guide for Macmillan: with or without Nesta")
    assert found is None or all(side.phrase for side in found)


@pytest.mark.parametrize("word", ["and ", "compare with ", "between and ", "of ", "both ", ", who and "])
def test_a_long_question_is_cut_at_once(word: str) -> None:
    question = f"How does {word * 2000}"[:2000] + " each?"
    started = time.process_time()
    sides(question)
    assert time.process_time() - started < 2
