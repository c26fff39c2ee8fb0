"""Search and ask within the reports that say something of themselves: audience, pillar, kind, year."""

from __future__ import annotations

import pytest
from shapes import ANSWER, check, check_problem, events
from small_corpus import HOW_LONG, HOW_MANY_WARDS, write_reports
from starlette.testclient import TestClient

from spreadguide.api.app import create_app
from spreadguide.building import build
from spreadguide.settings import load_settings
from spreadguide.wiring import Services

SOURCES = """
["funding.md"]
kind = "case study"
audience = ["adopter team"]
pillars = ["Engage", "Future-proof"]

["wards/trial.html"]
kind = "trial"
year = 2016
audience = ["adopter team", "system decision-maker"]
pillars = ["Understand"]
"""
"""The third report, `networks.txt`, says nothing of itself; `funding.md` has its year, 2021, in its front matter."""


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """The application over reports that are described."""
    corpus, index = write_reports(tmp_path_factory.mktemp("reports")), tmp_path_factory.mktemp("index")
    (corpus / "sources.toml").write_text(SOURCES, encoding="utf-8")
    build(load_settings(corpus_dir=corpus, index_dir=index), lambda _step, _items, _done: None)
    services = Services(load_settings(index_dir=index, use_generator=False))
    with TestClient(create_app(services), base_url="http://127.0.0.1:8000") as client:
        yield client


def _paths(client, filters):
    response = client.post("/v1/search", json={"query": HOW_MANY_WARDS, "k": 100, "filters": filters})
    assert response.status_code == 200, response.text
    return {hit["path"] for hit in response.json()["hits"]}


def _ask(client, question, filters):
    response = client.post("/v1/ask", json={"question": question, "filters": filters})
    assert response.status_code == 200, response.text
    answer = response.json()
    check(answer, ANSWER)
    return answer


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, {"funding.md", "wards/trial.html", "networks.txt"}),
        ({"audience": ["Adopter Team"]}, {"funding.md", "wards/trial.html"}),
        ({"audience": ["system decision-maker", "innovator"]}, {"wards/trial.html"}),
        ({"pillars": ["future-proof"]}, {"funding.md"}),
        ({"kinds": ["trial"]}, {"wards/trial.html"}),
        ({"kinds": ["Case study", "trial"]}, {"funding.md", "wards/trial.html"}),
        ({"year_from": 2016, "year_to": 2020}, {"wards/trial.html"}),
        ({"year_from": 2017}, {"funding.md"}),
        ({"audience": ["adopter team"], "pillars": ["Engage"], "year_to": 2021}, {"funding.md"}),
        ({"audience": ["adopter team"], "source_ids": ["funding", "networks"]}, {"funding.md"}),
        ({"audience": ["innovator"]}, set()),
        ({"kinds": ["trial"], "year_from": 2017}, set()),
        ({"year_from": 2022, "superseded": True}, set()),
        ({"pillars": []}, set()),
        ({"source_ids": []}, set()),
    ],
)
def test_a_search_keeps_to_the_reports_that_fit(described, filters, expected):
    assert _paths(described, filters) == expected


def test_an_answer_rests_on_the_reports_that_fit(described):
    answer = _ask(described, HOW_MANY_WARDS, {"kinds": ["trial"], "year_to": 2016})
    assert answer["status"] == "answered"
    assert "33 wards" in answer["text"]
    assert {hit["path"] for hit in answer["evidence"]} == {"wards/trial.html"}
    assert _ask(described, HOW_LONG, {"kinds": ["trial"]})["status"] == "not_covered"
    assert _ask(described, HOW_LONG, {"kinds": ["case study"]})["status"] == "answered"


@pytest.mark.parametrize("filters", [{"audience": ["innovator"]}, {"year_from": 2022}, {"kinds": []}])
def test_a_question_is_not_covered_when_no_report_fits(described, filters):
    answer = _ask(described, HOW_MANY_WARDS, filters)
    assert (answer["status"], answer["evidence"], answer["claims"]) == ("not_covered", [], [])
    assert answer["text"]
    streamed = described.post("/v1/ask", json={"question": HOW_MANY_WARDS, "filters": filters, "stream": True})
    assert events(streamed.text)[-1][0] == "final"
    assert events(streamed.text)[-1][1]["status"] == "not_covered"


@pytest.mark.parametrize(("address", "key"), [("/v1/search", "query"), ("/v1/ask", "question")])
@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"year_from": 999}, "filters.year_from: Input should be greater than or equal to 1000"),
        ({"year_to": 20190}, "filters.year_to: Input should be less than or equal to 2999"),
        ({"year_to": "last year"}, "filters.year_to: Input should be a valid integer"),
        ({"audience": "innovator"}, "filters.audience: Input should be a valid list"),
        ({"audience": ["patient"]}, "'innovator', 'adopter team' or 'system decision-maker'"),
        ({"pillars": ["Spread"]}, "'Understand', 'Engage' or 'Future-proof'"),
        ({"kinds": ["trial", "rumour"]}, "filters.kinds.1: Input should be 'trial', "),
        ({"kinds": ["trial"] * 101}, "filters.kinds: List should have at most 100 items"),
    ],
)
def test_a_wrong_filter_is_named(described, address, key, filters, said):
    problem = check_problem(described.post(address, json={key: HOW_LONG, "filters": filters}), 422)
    assert said in problem["detail"]


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/v1/search", {"query": HOW_LONG}),
        ("/v1/ask", {"question": HOW_LONG}),
        ("/v1/ask", {"question": HOW_LONG, "stream": True}),
    ],
)
def test_years_the_wrong_way_round(described, address, body):
    asked = {**body, "filters": {"year_from": 2021, "year_to": 2020}}
    problem = check_problem(described.post(address, json=asked), 422)
    assert problem["detail"] == "No report can be from 2021 or later and also from 2020 or earlier."
    assert problem["hint"] == "Make the first year the earlier one, or leave one of the two out."
