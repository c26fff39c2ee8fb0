"""Which reports a filter lets through."""

from typing import get_args

import pytest

from spreadguide.errors import QuestionError
from spreadguide.ingest import catalogue
from spreadguide.retrieval import filters
from spreadguide.retrieval.filters import ReportFilter, matching
from spreadguide.types import EvidenceKind, Metadata, Source

TRIAL = Metadata(
    "Trial", year=2016, kind=EvidenceKind.TRIAL, audience=("adopter team", "innovator"), pillars=("Understand",)
)
GUIDE = Metadata(
    "Guide", year=2021, kind=EvidenceKind.GUIDANCE, audience=("innovator",), pillars=("Engage", "Future-proof")
)
PLAIN = Metadata("Plain")
SOURCES = [Source(about.title.lower(), f"{about.title.lower()}.md", metadata=about) for about in (TRIAL, GUIDE, PLAIN)]


def _ids(**wanted):
    return matching(lambda: SOURCES, ReportFilter(**wanted))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"audience": ["innovator"]}, ["trial", "guide"]),
        ({"audience": ["Adopter TEAM"]}, ["trial"]),
        ({"audience": ["system decision-maker", "adopter team"]}, ["trial"]),
        ({"audience": ["adopter"]}, []),
        ({"pillars": ["future-proof"]}, ["guide"]),
        ({"pillars": ["Understand", "Engage"]}, ["trial", "guide"]),
        ({"kinds": [EvidenceKind.TRIAL]}, ["trial"]),
        ({"kinds": [EvidenceKind.TRIAL, EvidenceKind.GUIDANCE]}, ["trial", "guide"]),
        ({"kinds": [EvidenceKind.NEWS]}, []),
        ({"year_from": 2016}, ["trial", "guide"]),
        ({"year_from": 2017}, ["guide"]),
        ({"year_to": 2021}, ["trial", "guide"]),
        ({"year_to": 2020}, ["trial"]),
        ({"year_from": 2021, "year_to": 2021}, ["guide"]),
        ({"year_from": 2022}, []),
        ({"source_ids": ["plain", "guide", "nowhere"]}, ["guide", "plain"]),
    ],
)
def test_reports_that_fit(wanted, expected):
    assert _ids(**wanted) == expected


ALL = {
    "source_ids": ["guide", "plain"],
    "audience": ["innovator"],
    "pillars": ["Engage"],
    "kinds": [EvidenceKind.GUIDANCE],
    "year_from": 2020,
    "year_to": 2021,
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"source_ids": ["trial"]},
        {"audience": ["adopter team"]},
        {"pillars": ["Understand"]},
        {"kinds": [EvidenceKind.TRIAL]},
        {"year_from": 2016, "year_to": 2016},
    ],
)
def test_everything_given_must_hold(wrong):
    assert _ids(**ALL) == ["guide"]
    assert _ids(**ALL | wrong) == []


@pytest.mark.parametrize("name", ["source_ids", "audience", "pillars", "kinds"])
def test_an_empty_list_lets_nothing_through(name):
    assert _ids(**{name: []}) == []


def test_the_reports_are_not_read_when_nothing_is_asked_for():
    def unread():
        pytest.fail("the reports were read")

    assert matching(unread, ReportFilter()) is None


def test_years_the_wrong_way_round():
    with pytest.raises(QuestionError, match="2021 or later and also from 2020 or earlier") as caught:
        ReportFilter(year_from=2021, year_to=2020)
    assert "earlier one" in caught.value.hint


def test_the_words_and_years_are_those_of_the_catalogue():
    assert tuple(map(str, filters.Audience)) == get_args(catalogue.Audience)
    assert tuple(map(str, filters.Pillar)) == get_args(catalogue.Pillar)
    assert (filters.FIRST_YEAR, filters.LAST_YEAR) == (catalogue.FIRST_YEAR, catalogue.LAST_YEAR)
