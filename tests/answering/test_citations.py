"""Reading what a small model writes: markers in many forms, lists, headings, half-written text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadguide.answering.citations import DraftSentence, parse


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        ("It lasts three years [1].", [("It lasts three years.", (1,))]),
        ("It lasts three years. [1]", [("It lasts three years.", (1,))]),
        ("It lasts [1][2]. It ends [3].", [("It lasts.", (1, 2)), ("It ends.", (3,))]),
        ("It lasts [1, 2] and [2; 3].", [("It lasts and.", (1, 2, 3))]),
        ("It lasts [1-3].", [("It lasts.", (1, 2, 3))]),
        ("It lasts 【2】.", [("It lasts.", (2,))]),
        ("It lasts (4).", [("It lasts.", (4,))]),
        ("It lasts [line 2] [Source 3].", [("It lasts.", (2, 3))]),
        ("It rose by 0.1% (2017) [1].", [("It rose by 0.1% (2017).", (1,))]),
        ("- Understand [1]\n2. Engage [2]", [("Understand", (1,)), ("Engage", (2,))]),
        ("Answer: It lasts [1].", [("It lasts.", (1,))]),
        ("**It lasts** [1].", [("It lasts.", (1,))]),
        ("No marker here.", [("No marker here.", ())]),
        ("[1] [2]", []),
        ("", []),
    ],
)
def test_forms(draft: str, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    assert parse(draft) == [DraftSentence(text, markers) for text, markers in expected]


@given(st.text(max_size=400))
def test_any_text_is_read_without_failing_and_keeps_no_bracketed_marker(draft: str) -> None:
    for sentence in parse(draft):
        assert sentence.text
        assert all(marker >= 0 for marker in sentence.markers)


@given(st.lists(st.integers(1, 99), min_size=1, max_size=5, unique=True))
def test_markers_round_trip(markers: list[int]) -> None:
    draft = f"Teams adopt ideas {''.join(f'[{marker}]' for marker in markers)}."
    assert parse(draft) == [DraftSentence("Teams adopt ideas.", tuple(markers))]
