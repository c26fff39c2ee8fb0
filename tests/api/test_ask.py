"""``POST /v1/ask``: the answer's shape, its quotes, and its events."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from scripted_generator import ScriptedGenerator
from shapes import ANSWER, HIT, PROBLEM, check, check_quotes, events
from small_corpus import DECLINED, HOW_LONG, HOW_MANY_WARDS, NOT_COVERED, WHY_SLOW

CONTRACT = Path(__file__).parents[3] / "shared" / "design" / "contract.md"

TRUE = "The Harbour Trust funds partner hospitals for up to three years [1]."
FALSE = "The Harbour Trust funds partner hospitals for nine years [1]."


def _ask(client, question, **more):
    response = client.post("/v1/ask", json={"question": question, **more})
    assert response.status_code == 200, response.text
    return response.json()


def _stream(client, question, **more):
    response = client.post("/v1/ask", json={"question": question, "stream": True, **more})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    return events(response.text)


@pytest.mark.parametrize("question", [HOW_LONG, HOW_MANY_WARDS, WHY_SLOW, NOT_COVERED, DECLINED])
@pytest.mark.parametrize("text", [None, f"{TRUE} {FALSE}"])
def test_every_answer_has_the_shape_of_the_contract(make_client, library, question, text):
    answer = _ask(make_client(text and ScriptedGenerator(text)), question)
    check(answer, ANSWER)
    check_quotes(answer, library.store)
    assert answer["question"] == question
    assert answer["trace"]["index_fingerprint"] == library.fingerprint


def test_the_contract_asks_for_nothing_more():
    if not CONTRACT.exists():
        pytest.skip("the contract is not on this machine")
    contract = json.loads(re.search(r"```json\n(.*?)```", CONTRACT.read_text(encoding="utf-8"), re.DOTALL)[1])
    hit = re.search(r"^## Hit\n`\{(.*)\}`", CONTRACT.read_text(encoding="utf-8"), re.MULTILINE)[1]
    assert contract.keys() == ANSWER.keys()
    assert contract["timings_ms"].keys() == ANSWER["timings_ms"].keys()
    assert contract["trace"].keys() <= ANSWER["trace"].keys()
    assert contract["sources"][0].keys() <= ANSWER["sources"][0].keys()
    assert contract["claims"][0].keys() <= ANSWER["claims"][0].keys()
    assert contract["claims"][0]["citations"][0].keys() == ANSWER["claims"][0]["citations"][0].keys()
    assert set(re.findall(r'"(\w+)"', hit)) - {"dense", "lexical"} <= HIT.keys()


def test_without_a_generator_the_answer_is_verbatim_quotes_and_says_so(client, library):
    answer = _ask(client, WHY_SLOW)
    assert answer["status"] == "answered"
    assert {claim["support"] for claim in answer["claims"]} == {"quoted"}
    assert check_quotes(answer, library.store) > 0
    assert "adoption took longer on their wards" in answer["text"]
    assert answer["sources"][0]["path"] == "funding.md"
    assert (answer["sources"][0]["publisher"], answer["sources"][0]["year"]) == ("Harbour Trust", 2021)
    assert any("quotes" in warning for warning in answer["warnings"])
    assert answer["trace"]["model"] is None
    assert answer["timings_ms"]["first_token"] is None


def test_a_supported_sentence_is_used_and_a_fabricated_one_withheld(make_client, library):
    generator = ScriptedGenerator(f"{TRUE} {FALSE}", model_id="scripted-model")
    answer = _ask(make_client(generator), HOW_LONG)
    assert "up to three years. [1]" in answer["text"]
    assert "nine" not in answer["text"]
    withheld = [claim for claim in answer["claims"] if claim["support"] == "unsupported"]
    assert [claim["text"] for claim in withheld] == ["The Harbour Trust funds partner hospitals for nine years."]
    assert withheld[0]["reasons"]
    assert check_quotes(answer, library.store) > 0
    assert answer["trace"]["model"] == "scripted-model"
    assert answer["trace"]["completion_tokens"] > 0


@pytest.mark.parametrize(("question", "status"), [(NOT_COVERED, "not_covered"), (DECLINED, "declined")])
def test_an_uncovered_question_gets_no_claim_and_no_generation(make_client, question, status):
    generator = ScriptedGenerator(TRUE)
    answer = _ask(make_client(generator), question)
    assert answer["status"] == status
    assert (answer["claims"], answer["sources"], generator.prompts) == ([], [], [])
    assert answer["text"]


def test_earlier_turns_complete_a_question(client):
    history = [
        {"role": "user", "content": "Does the Harbour Trust fund partner hospitals?"},
        {"role": "assistant", "content": "It does."},
    ]
    answer = _ask(client, "For how long?", history=history, role="adopter team", conversation_id="c1")
    assert "Harbour Trust" in answer["standalone_question"]
    assert "up to three years" in answer["text"]
    assert _ask(client, "For how long?")["status"] == "not_covered"


def test_filters_keep_to_the_named_reports(client):
    everything = _ask(client, HOW_MANY_WARDS)
    trial = everything["sources"][0]["source_id"]
    assert "33 wards" in everything["text"]
    assert {hit["source_id"] for hit in everything["evidence"]} > {trial}
    only = _ask(client, HOW_MANY_WARDS, filters={"source_ids": [trial]})
    assert {hit["source_id"] for hit in only["evidence"]} == {trial}
    assert "33 wards" in only["text"]
    others = [hit["source_id"] for hit in everything["evidence"] if hit["source_id"] != trial]
    without = _ask(client, HOW_MANY_WARDS, filters={"source_ids": others})
    assert without["status"] == "not_covered"
    assert "33" not in without["text"]
    assert _ask(client, HOW_MANY_WARDS, filters={"source_ids": ["no-such-source"]})["evidence"] == []


def test_no_filter_at_all_searches_everything(client):
    assert _ask(client, HOW_LONG, filters=None)["status"] == "answered"
    assert _ask(client, HOW_LONG, filters={})["status"] == "answered"


def test_events_come_in_order_and_final_is_last(make_client, library):
    found = _stream(make_client(ScriptedGenerator(f"{TRUE} {FALSE}")), HOW_LONG)
    names = [name for name, _ in found]
    assert names[0] == "retrieved"
    assert names.count("final") == 1
    assert names[-1] == "final"
    assert set(names) == {"retrieved", "claim", "token", "final"}
    assert names.index("claim") < names.index("token")
    for hit in found[0][1]["hits"]:
        check(hit, HIT, "hit")
    assert "".join(data["text"] for name, data in found if name == "token") == f"{TRUE} {FALSE}"
    for name, data in found:
        if name == "claim":
            check([data["claim"]], ANSWER["claims"], "claim")
            assert data["claim"]["support"] in {"supported", "quoted"}
            assert {c["marker"] for c in data["claim"]["citations"]} <= {s["marker"] for s in data["sources"]}
    answer = found[-1][1]
    check(answer, ANSWER)
    assert check_quotes(answer, library.store) > 0


@pytest.mark.parametrize("question", [HOW_LONG, NOT_COVERED])
def test_the_stream_ends_with_the_same_answer_as_json(client, question):
    def lasting(answer):
        return {key: value for key, value in answer.items() if key not in {"id", "timings_ms"}}

    assert lasting(_stream(client, question)[-1][1]) == lasting(_ask(client, question))


def test_a_declined_question_streams_its_final_event_only(client):
    assert [name for name, _ in _stream(client, DECLINED)] == ["final"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_generator_that_goes_away_leaves_quotes(make_client, library, stream):
    generator = ScriptedGenerator(TRUE, fail_after=3)
    client = make_client(generator)
    answer = _stream(client, HOW_LONG)[-1][1] if stream else _ask(client, HOW_LONG)
    assert generator.written == 3
    assert {claim["support"] for claim in answer["claims"]} == {"quoted"}
    assert "up to three years" in answer["text"]
    assert any("The model went away while it wrote." in warning for warning in answer["warnings"])
    assert check_quotes(answer, library.store) > 0


def test_an_unforeseen_error_in_a_stream_is_a_last_event_that_tells_nothing_of_its_cause(make_client, caplog):
    found = _stream(make_client(ScriptedGenerator(RuntimeError("a secret"))), HOW_LONG)
    name, problem = found[-1]
    assert name == "error"
    check(problem, PROBLEM, "problem")
    assert problem["status"] == 500
    assert problem["hint"]
    assert "secret" not in json.dumps(found)
    assert "a secret" in caplog.text


def test_a_question_in_another_language_is_told_to_be_in_english(client):
    answer = _ask(client, "¿Durante cuánto tiempo financia la fundación a los hospitales asociados?")
    assert answer["status"] == "not_covered"
    assert any("English" in warning for warning in answer["warnings"])
    for question in ("这些报告说了什么？", "Как долго фонд поддерживает больницы?", "كم عدد الأجنحة؟"):
        assert _ask(client, question)["status"] == "not_covered"


@pytest.mark.parametrize(
    "question",
    [
        "wards\x00 trial?",
        "‮wards trial",
        "wards 🏥 trial?",
        "<script>alert(1)</script> wards",
        "w" * 2000,
        "a" + "\u0301" * 1999,
    ],
)
def test_odd_characters_do_no_harm(client, library, question):
    answer = _ask(client, question)
    check(answer, ANSWER)
    check_quotes(answer, library.store)
