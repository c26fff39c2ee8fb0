"""Search, reports and passages, and whether the server is alive and ready."""

from __future__ import annotations

import re
import threading

import pytest
from scripted_generator import ScriptedGenerator
from shapes import HIT, check, check_problem
from small_corpus import HOW_MANY_WARDS, REPORTS
from starlette.testclient import TestClient

from spreadguide.api.app import create_app
from spreadguide.errors import IndexCorrupt
from spreadguide.settings import load_settings
from spreadguide.wiring import Services


def _search(client, query, **more):
    response = client.post("/v1/search", json={"query": query, **more})
    assert response.status_code == 200, response.text
    hits = response.json()["hits"]
    for hit in hits:
        check(hit, HIT, "hit")
    return hits


def test_search_ranks_passages(client, library):
    hits = _search(client, HOW_MANY_WARDS)
    assert hits[0]["path"] == "wards/trial.html"
    assert "33 wards" in hits[0]["text"]
    assert hits[0]["ranks"].keys() <= {"dense", "lexical"}
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    for hit in hits:
        assert library.store.document_text(hit["source_id"])[hit["start"] : hit["end"]] == hit["text"]


def test_search_returns_at_most_k_and_keeps_to_the_filter(client):
    assert len(_search(client, HOW_MANY_WARDS, k=2)) == 2
    assert len(_search(client, HOW_MANY_WARDS, k=100)) > 2
    wanted = _search(client, "nursing service")[0]["source_id"]
    hits = _search(client, HOW_MANY_WARDS, k=1, filters={"source_ids": [wanted]})
    assert [hit["source_id"] for hit in hits] == [wanted]


def test_sources_lists_every_report_by_title(client):
    sources = client.get("/v1/sources").json()["sources"]
    assert {source["path"] for source in sources} == set(REPORTS)
    assert [source["title"] for source in sources] == sorted(source["title"] for source in sources)
    funding = next(source for source in sources if source["path"] == "funding.md")
    assert (funding["publisher"], funding["year"]) == ("Harbour Trust", 2021)
    assert funding["url"] == "https://reports.example.org/funding"
    assert funding["passages"] > 0
    assert client.get(f"/v1/sources/{funding['source_id']}").json() == funding


def test_a_passage_comes_with_its_neighbours_and_exact_place(client, library):
    source = next(s for s in library.store.sources() if s.path == "funding.md")
    passages = library.store.passages_of(source.source_id)
    text = library.store.document_text(source.source_id)
    assert len(passages) >= 3
    for place, passage in enumerate(passages):
        found = client.get(f"/v1/passages/{passage.passage_id}").json()
        assert found["source"]["path"] == "funding.md"
        assert found["text"] == text[found["start"] : found["end"]] == passage.text
        before = passages[place - 1].passage_id if place else None
        after = passages[place + 1].passage_id if place + 1 < len(passages) else None
        assert (found["before"] and found["before"]["passage_id"]) == before
        assert (found["after"] and found["after"]["passage_id"]) == after
        for beside in filter(None, (found["before"], found["after"])):
            assert beside["text"] == text[beside["start"] : beside["end"]]


@pytest.mark.parametrize("kind", ["sources", "passages"])
@pytest.mark.parametrize("name", ["no-such-id", "%00", "..%2F..%2Fsecret", "' OR 1=1 --", "é" * 300])
def test_an_unknown_id_is_not_found(client, kind, name):
    check_problem(client.get(f"/v1/{kind}/{name}"), 404)


def test_alive(client):
    assert client.get("/healthz").json() == {"status": "alive"}


def test_ready_without_a_generator_as_set(client):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["ready"] is True
    assert response.json()["generator"] == "off"


def test_ready_with_a_generator(make_client):
    response = make_client(ScriptedGenerator("")).get("/readyz")
    assert (response.status_code, response.json()["generator"]) == (200, "ready")


def test_not_ready_while_the_model_is_not_on_this_machine(index_dir, tmp_path):
    others = set(threading.enumerate())
    services = Services(load_settings(index_dir=index_dir, models_dir=tmp_path))
    assert services.generator.wait(60) is False
    with TestClient(create_app(services), base_url="http://localhost") as client:
        response = client.get("/readyz")
        assert response.status_code == 503
        body = response.json()
        assert (body["ready"], body["index"], body["generator"]) == (False, "ready", "missing")
        assert "is not on this machine" in body["detail"]
        assert "spreadguide models pull" in body["detail"]
        assert "answers are quotes" in body["detail"]
        answer = client.post("/v1/ask", json={"question": HOW_MANY_WARDS}).json()
        assert "33 wards" in answer["text"]
        assert "is not on this machine" in answer["warnings"][0]
    # The answer is out before its thread lets go of the index; this application takes nothing more, so its threads end.
    for thread in set(threading.enumerate()) - others:
        if thread.name.startswith("ask"):
            thread.join(60)
            assert not thread.is_alive()
    # The application let go of the index when it ended.
    with services.lease() as assistant, pytest.raises(IndexCorrupt):
        assistant.library.store.sources()


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_documentation_loads_nothing_from_elsewhere(client, page):
    html = client.get(page).text
    loaded = re.findall(r"(?:src|href|url)\s*[=:]\s*['\"]([^'\"]+)['\"]", html)
    assert loaded
    assert not re.search(r"(?:https?:)?//[\w.-]+\.\w", html)
    for address in loaded:
        response = client.get(address)
        assert response.status_code == 200, address
        assert response.content


def test_the_description_of_the_api_names_every_route(client):
    described = client.get("/openapi.json").json()
    assert {
        "/v1/ask",
        "/v1/search",
        "/v1/sources",
        "/v1/sources/{source_id}",
        "/v1/passages/{passage_id}",
        "/healthz",
        "/readyz",
    } == described["paths"].keys()
    assert all(operation["summary"] for path in described["paths"].values() for operation in path.values())
    assert "servers" not in described
