"""Numbers in running text are read with their unit, bound, rate, range and what they count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadguide.answering.quantities import Bound, quantities

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("11,000 local sites", 11_000, ""),
        ("£1.2m", 1_200_000, "£"),
        ("£1.2 million of grants", 1_200_000, "£"),
        ("$3bn", 3e9, "$"),
        ("€45,000", 45_000, "€"),
        ("0.1%", 0.1, "%"),
        ("20 per cent", 20, "%"),
        ("12 percentage points", 12, "pp"),
        ("four percentage points", 4, "pp"),
        ("two and a half", 2, ""),
        ("half of the clinics", 0.5, "share"),
        ("a third of the boards", 1 / 3, "share"),
        ("two-thirds of the boards", 2 / 3, "share"),
        ("three quarters", 0.75, "share"),
        ("a tenth of the staff", 0.1, "share"),
        ("cut by a fifth, but", 0.2, "share"),
        ("the third site", 3, "ordinal"),
        ("the 2nd round", 2, "ordinal"),
        ("every second Tuesday", 2, "ordinal"),
        ("a dozen sites", 12, ""),
        ("two dozen sites", 24, ""),
        ("a single provider", 1, ""),
        ("a hundred wards", 100, ""),
        ("three hundred and five wards", 305, ""),
        ("six million people", 6_000_000, ""),
        ("500 mg", 500, ""),
        ("500mg", 500, "mg"),
    ],
)
def test_value_and_unit(text: str, value: float, unit: str) -> None:
    found = quantities(text)[0]
    assert found.value == pytest.approx(value)
    assert found.unit == unit
    assert text[found.start : found.end].strip()


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("for three years", Bound.EXACT),
        ("up to three years", Bound.AT_MOST),
        ("no more than three years", Bound.AT_MOST),
        ("at least three years", Bound.AT_LEAST),
        ("no fewer than three years", Bound.AT_LEAST),
        ("over 500 jobs", Bound.ABOVE),
        ("more than £5 million", Bound.ABOVE),
        ("fewer than ten sites", Bound.BELOW),
        ("under 40%", Bound.BELOW),
        ("nearly 300 carers", Bound.ABOUT),
        ("about a third of the boards", Bound.ABOUT),
    ],
)
def test_bound(text: str, bound: Bound) -> None:
    assert quantities(text)[0].bound is bound


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("11,000 local NHS sites in England", ("local", "nhs", "site")),
        ("three of the wards", ("ward",)),
        ("200 innovations through 11,000 locations", ("innov",)),
        ("33 wards, and staff there", ("ward",)),
        ("7 (out of ten)", ()),
    ],
)
def test_what_is_counted(text: str, counted: tuple[str, ...]) -> None:
    assert quantities(text)[0].counted == counted


@pytest.mark.parametrize(
    "text", ["one of its aims", "one another", "a few seconds", "the last quarter", "wait a second", "no numbers"]
)
def test_no_number(text: str) -> None:
    assert quantities(text) == []


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("3–5 hours", (3, 5)),
        ("£120–£150 each", (120, 150)),
        ("from six to nine months", (6, 9)),
        ("between 8 and 12 sites", (8, 12)),
        ("one in five boards", (1, 5)),
        ("three out of four", (3, 4)),
    ],
)
def test_two_ends_belong_together(text: str, ends: tuple[float, float]) -> None:
    first, second = quantities(text)
    assert (first.value, second.value) == ends
    assert (first.other, second.other) == (ends[1], ends[0])
    assert first.counted == second.counted or not second.counted


@pytest.mark.parametrize("text", ["the 12 sites in 2019", "eight wards and 12 clinics", "12 in 2019"])
def test_two_numbers_that_are_no_range(text: str) -> None:
    assert [number.other for number in quantities(text)] == [None, None]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("£410,000 a year", "year"),
        ("four hours a week for each therapist", "week"),
        ("one hour of nursing time a day", "day"),
        ("two visits per month", "month"),
        ("£30,000 in total", ""),
        ("two years", ""),
    ],
)
def test_rate(text: str, rate: str) -> None:
    assert quantities(text)[0].rate == rate


def test_years_and_durations_are_told_apart() -> None:
    year, duration, money = quantities("In 2013, for two years, £40 a day")
    assert year.is_year
    assert not year.is_duration
    assert duration.is_duration
    assert not duration.is_year
    assert not money.is_duration


def in_words(value: int) -> str:
    """Write 0-999 in words, in the British manner."""
    hundreds, rest = divmod(value, 100)
    tens, units = divmod(rest, 10)
    small = UNITS[rest] if rest < 20 else TENS[tens - 2] + (f"-{UNITS[units]}" if units else "")
    if not hundreds:
        return small
    return f"{UNITS[hundreds]} hundred" + (f" and {small}" if rest else "")


@given(st.integers(0, 10**12))
def test_digits_with_separators_read_back(value: int) -> None:
    assert [number.value for number in quantities(f"They saw {value:,} people.")] == [value]


@given(st.integers(0, 10**7), st.integers(0, 99))
def test_decimals_read_back(whole: int, hundredths: int) -> None:
    [found] = quantities(f"It cost £{whole:,}.{hundredths:02d} in all.")
    assert found.value == pytest.approx(whole + hundredths / 100)
    assert found.unit == "£"


@given(st.integers(0, 999), st.sampled_from([("", 1), (" thousand", 1000), (" million", 10**6)]))
def test_words_read_back(value: int, scale: tuple[str, int]) -> None:
    [found] = quantities(f"They saw {in_words(value)}{scale[0]} people.")
    assert found.value == value * scale[1]
    assert found.counted == ("peopl",)


@given(st.text(max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    for number in quantities(text):
        assert 0 <= number.start < number.end <= len(text)
