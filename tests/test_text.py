"""Normalising, sentences and words: exact spans on any text."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadguide.text import initials, is_name, normalise, sentences, squeeze, terms, words

PROSE = st.text(alphabet=st.sampled_from("abc DEF.,;:!?'\"“”‘’()[]-–0123456789\n£%é"), max_size=300)


@given(PROSE)
def test_sentences_are_slices_in_order_that_lose_no_word(text: str) -> None:
    spans = sentences(text)
    assert all(left.end <= right.start for left, right in itertools.pairwise(spans))
    kept = [word.text for span in spans for word in words(text[span.start : span.end])]
    assert kept == [word.text for word in words(text)]


@given(st.text(max_size=200))
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert "\r" not in once
    assert "\u00ad" not in once


@given(PROSE)
def test_words_know_where_they_stand(text: str) -> None:
    assert all(text[word.start : word.end] == word.text for word in words(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Less than 0.1% is spent, e.g. on staff. It shows.", ["Less than 0.1% is spent, e.g. on staff.", "It shows."]),
        ("Dr. Smith et al. (2017) came at 10 a.m. on Monday.", ["Dr. Smith et al. (2017) came at 10 a.m. on Monday."]),
        ("'One is here. Two is there.' He left.", ["'One is here.", "Two is there.'", "He left."]),
        ("It cost £1.5m. Then it grew.", ["It cost £1.5m.", "Then it grew."]),
    ],
)
def test_sentences_of_real_prose(text: str, expected: list[str]) -> None:
    assert [text[span.start : span.end] for span in sentences(text)] == expected


def test_a_range_of_the_text_is_split_at_its_own_offsets() -> None:
    text = "Heading\n\nOne here. Two here."
    spans = sentences(text, start=9)
    assert [text[span.start : span.end] for span in spans] == ["One here.", "Two here."]


def test_terms_are_stems_of_content_words() -> None:
    assert terms("How were the adopters' wards engaged?") == ["adopt", "ward", "engag"]
    assert [word.text for word in words("0.1% of 11,000 in a 33-ward trial")] == [
        "0.1", "of", "11,000", "in", "a", "33", "ward", "trial",
    ]  # fmt: skip


def test_initials_of_a_name() -> None:
    assert "scie" in initials("the Social Care Institute for Excellence said")
    assert initials("no capitals here") == set()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("What did Macmillan fund in Leeds?", ["Macmillan", "Leeds"]),
        ("Does NASSS help? And the iPad?", ["NASSS", "iPad"]),
        ("Wards joined. Staff left: “Nobody asked us.”", []),
        ("Our A&E has option B", []),
        ("do GPs in the NHS say I’ve to use IT, as I've?", []),
    ],
)
def test_words_that_are_written_as_names(text: str, names: list[str]) -> None:
    assert [word.text for word in words(text) if is_name(word, text)] == names


def test_squeeze() -> None:
    assert squeeze(" a\n\n b\t c ") == "a b c"
