"""A running server and an index that changes: superseded reports, shared text, and switching under load."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from serving import serving
from small_corpus import HOW_LONG, write_reports

from spreadguide.api.app import create_app
from spreadguide.building import build
from spreadguide.settings import load_settings
from spreadguide.wiring import Services

ASKERS = 3
MOST_ROUNDS = 2000


def _build(corpus, index):
    return build(load_settings(corpus_dir=corpus, index_dir=index), lambda _step, _items, _done: None)


@pytest.fixture
def corpus(tmp_path):
    return write_reports(tmp_path / "reports")


@pytest.fixture
def server(tmp_path, corpus):
    """Serve the index of ``corpus``; yields the server's address."""
    _build(corpus, tmp_path / "index")
    services = Services(load_settings(index_dir=tmp_path / "index", use_generator=False))
    with serving(lambda _address: create_app(services)) as address:
        yield address


def _ask(address, question=HOW_LONG):
    return httpx.post(f"{address}/v1/ask", json={"question": question}, timeout=60).raise_for_status().json()


def _fingerprint(address):
    return _ask(address)["trace"]["index_fingerprint"]


def _wait_for(address, fingerprint):
    for _ in range(MOST_ROUNDS):
        if _fingerprint(address) == fingerprint:
            return
    pytest.fail("the server never switched to the new index")


def test_no_question_is_dropped_while_the_index_is_replaced(server, tmp_path, corpus):
    """Every answer comes whole from one index, and its passages can be opened from that answer."""
    stop = threading.Event()

    def keep_asking():
        seen = set()
        while not stop.is_set():
            answer = _ask(server)
            assert answer["status"] == "answered"
            amount = "five years" if answer["trace"]["index_fingerprint"] == changed.get("name") else "three years"
            assert amount in answer["text"]
            seen.add(answer["trace"]["index_fingerprint"])
        return seen

    changed = {}
    with ThreadPoolExecutor(ASKERS) as pool:
        askers = [pool.submit(keep_asking) for _ in range(ASKERS)]
        first = _fingerprint(server)
        report = corpus / "funding.md"
        report.write_text(report.read_text().replace("three years", "five years"))
        settings = load_settings(corpus_dir=corpus, index_dir=tmp_path / "index")
        changed["name"] = _planned(settings)
        summary = _build(corpus, tmp_path / "index")
        assert summary.fingerprint == changed["name"]
        _wait_for(server, summary.fingerprint)
        stop.set()
        seen = set().union(*(asker.result() for asker in askers))
    assert seen == {first, summary.fingerprint}
    assert [path.name for path in (tmp_path / "index").iterdir() if path.is_dir()] == [summary.fingerprint]


def _planned(settings):
    """The name that the next index will have, so that an asker can tell at once which text is right."""
    from spreadguide.building import make_embedder
    from spreadguide.indexing.fingerprint import fingerprint
    from spreadguide.ingest import scan_corpus
    from spreadguide.settings import ingest_limits

    files = scan_corpus(settings.corpus_dir, limits=ingest_limits(settings)).files
    identities = [(file.path, file.source_id, file.key) for file in files]
    return fingerprint(identities, embedder_id=make_embedder(settings).embedder_id)


def test_a_superseded_report_is_found_on_request_and_never_answered_from(server, tmp_path, corpus):
    (corpus / "sources.toml").write_text('["funding-2.md"]\nsupersedes = "funding.md"\n')
    (corpus / "funding-2.md").write_text(
        "# Helping other hospitals adopt a nursing service, second edition\n\n"
        "The Harbour Trust funds partner hospitals for up to four years.\n"
    )
    _wait_for(server, _build(corpus, tmp_path / "index").fingerprint)
    answer = _ask(server)
    assert "four years" in answer["text"]
    assert {source["path"] for source in answer["sources"]} == {"funding-2.md"}
    assert "three years" not in str(answer)

    def paths(filters):
        body = {"query": HOW_LONG, "k": 20, "filters": filters}
        hits = httpx.post(f"{server}/v1/search", json=body).json()["hits"]
        return {(hit["path"], hit["status"]) for hit in hits if hit["path"].startswith("funding")}

    assert paths({}) == {("funding-2.md", "current")}
    assert paths({"superseded": True}) == {("funding-2.md", "current"), ("funding.md", "superseded")}
    assert paths({"superseded": True, "source_ids": ["funding"]}) == {("funding.md", "superseded")}
    asked = {"question": HOW_LONG, "filters": {"superseded": True}}
    assert "three years" not in httpx.post(f"{server}/v1/ask", json=asked).text
    listed = {source["path"]: source for source in httpx.get(f"{server}/v1/sources").json()["sources"]}
    assert listed["funding.md"]["status"] == "superseded"
    assert listed["funding-2.md"]["supersedes"] == ["funding.md"]


def test_the_same_text_in_two_reports_is_retrieved_once_and_names_both(server, tmp_path, corpus):
    copied = (corpus / "funding.md").read_text().replace("for up to three years", "for three years at most")
    (corpus / "news.md").write_text(copied.replace("Helping other hospitals adopt", "News: how hospitals adopt"))
    _wait_for(server, _build(corpus, tmp_path / "index").fingerprint)
    hits = httpx.post(f"{server}/v1/search", json={"query": HOW_LONG, "k": 20}).json()["hits"]
    found = [(hit["path"], [other["path"] for other in hit["also_in"]]) for hit in hits if hit["also_in"]]
    assert found
    assert all({path, *others} == {"funding.md", "news.md"} for path, others in found)
    answer = _ask(server)
    (source,) = answer["sources"]
    assert source["also_in"]
    passage = httpx.get(f"{server}/v1/passages/{source['passage_id']}").json()
    assert [other["title"] for other in passage["also_in"]] == source["also_in"]
