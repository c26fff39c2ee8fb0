"""The same question again: what is given from memory, that it says so, and what must never be kept."""

from __future__ import annotations

from contextlib import contextmanager

import httpx
import pytest
from scripted_generator import ScriptedGenerator
from serving import serving
from shapes import ANSWER, check, events
from small_corpus import DECLINED, HOW_LONG, HOW_MANY_WARDS, NOT_COVERED, WHY_SLOW, write_reports

from spreadguide.answer_cache import AnswerCache, CachedAssistant, CacheLimits
from spreadguide.api.app import create_app
from spreadguide.building import build
from spreadguide.errors import GeneratorUnavailable, QuestionError
from spreadguide.settings import load_settings
from spreadguide.types import ClaimChecked, Final, Retrieved, SupportLevel, Turn
from spreadguide.wiring import Services

TRUE = "The Harbour Trust funds partner hospitals for up to three years [1]."
FALSE = "The Harbour Trust funds partner hospitals for nine years [1]."
OF_ITS_OWN = ("id", "timings_ms", "trace", "question", "standalone_question")
"""Keys of an answer that the second one does not share with the first."""

MOST_ROUNDS = 2000


@pytest.fixture(scope="module")
def address(index_dir):
    """A real server without a model; it remembers what another test here asked, so each asks something of its own."""
    with serve(index_dir) as found:
        yield found


@contextmanager
def serve(index_dir):
    services = Services(load_settings(index_dir=index_dir, use_generator=False))
    with serving(lambda _address: create_app(services)) as address:
        yield address


@pytest.fixture
def make_cached(make_services):
    """An assistant with a cache in front, and whatever generator a test gives it."""

    def make(generator, cache=None):
        cache = AnswerCache() if cache is None else cache
        with make_services(generator).lease() as assistant:
            model_id = None if generator is None else generator.model_id
            return CachedAssistant(assistant, cache, model_id)

    return make


def _post(address, question, **more):
    response = httpx.post(f"{address}/v1/ask", json={"question": question, **more}, timeout=60).raise_for_status()
    return events(response.text) if more.get("stream") else response.json()


def _is_cached(assistant, question, **more):
    return assistant.answer(question, **more).trace.cached


@pytest.mark.parametrize("question", [HOW_LONG, WHY_SLOW, NOT_COVERED])
def test_the_same_question_gets_the_same_answer_and_is_told_so(address, question):
    first, again = _post(address, question), _post(address, f"  {question.replace(' ', '   ')}\n")
    assert (first["trace"]["cached"], again["trace"]["cached"]) == (False, True)
    check(again, ANSWER)
    assert {**again["trace"], "cached": False} == first["trace"]
    assert all(again[key] == first[key] for key in ANSWER if key not in OF_ITS_OWN)
    assert again["question"] == again["standalone_question"] == question.replace(" ", "   ")
    assert again["id"] != first["id"]
    assert again["timings_ms"]["total"] < first["timings_ms"]["total"]
    assert (again["timings_ms"]["first_evidence"] is None) == (first["timings_ms"]["first_evidence"] is None)


def test_a_stream_of_it_has_the_passages_the_claims_and_the_answer(address):
    first = _post(address, HOW_LONG, role="reader of a stream")
    assert not first["trace"]["cached"]
    found = _post(address, HOW_LONG, role="reader of a stream", stream=True)
    assert [name for name, _ in found] == ["retrieved", *["claim"] * len(first["claims"]), "final"]
    assert found[0][1]["hits"] == first["evidence"]
    assert [data["claim"] for name, data in found if name == "claim"] == first["claims"]
    assert found[-1][1]["trace"]["cached"]


@pytest.mark.parametrize(
    "other",
    [
        {"text": HOW_LONG.upper()},
        {"role": "innovator"},
        {"history": [Turn("user", "Does the Harbour Trust pay for nurses?")]},
        {"source_ids": ["funding"]},
        {"source_ids": []},
        {"use_generator": False},
    ],
)
def test_whatever_else_is_asked_is_worked_out(make_cached, other):
    assistant = make_cached(ScriptedGenerator(TRUE))
    assistant.answer(HOW_LONG)
    asked = {"text": HOW_LONG, **other}
    assert not assistant.answer(**asked).trace.cached
    assert assistant.answer(**asked).trace.cached


def test_the_order_of_the_reports_does_not_count(make_cached):
    assistant = make_cached(None)
    assistant.answer(HOW_LONG, source_ids=["funding", "networks"])
    assert _is_cached(assistant, HOW_LONG, source_ids=["networks", "funding"])


def test_another_model_does_not_get_the_answers_of_the_first(make_cached):
    cache = AnswerCache()
    make_cached(ScriptedGenerator(TRUE, model_id="one"), cache).answer(HOW_LONG)
    assert not _is_cached(make_cached(ScriptedGenerator(TRUE, model_id="other"), cache), HOW_LONG)
    assert _is_cached(make_cached(ScriptedGenerator(TRUE, model_id="one"), cache), HOW_LONG)


def test_the_model_writes_once_and_what_was_withheld_stays_withheld(make_cached):
    generator = ScriptedGenerator(f"{TRUE} {FALSE}")
    assistant = make_cached(generator)
    first = assistant.answer(HOW_LONG)
    again = list(assistant.ask(HOW_LONG))
    assert len(generator.prompts) == 1
    assert [type(event) for event in again] == [Retrieved, *[ClaimChecked] * (len(again) - 2), Final]
    told = [event.claim for event in again if isinstance(event, ClaimChecked)]
    assert told == [claim for claim in first.claims if claim.support is not SupportLevel.UNSUPPORTED]
    assert len(told) < len(first.claims) == len(again[-1].answer.claims)
    assert again[-1].answer.trace.completion_tokens == first.trace.completion_tokens > 0
    assert again[-1].answer.timings.first_token is None


@pytest.mark.parametrize(
    "trouble",
    [
        {"fail_after": 3},
        {"text": GeneratorUnavailable("The generator is busy, and its waiting list is full.", hint="Try again.")},
    ],
)
def test_quotes_given_while_the_model_was_away_do_not_stick(make_cached, trouble):
    generator = ScriptedGenerator(TRUE)
    for name, value in trouble.items():
        setattr(generator, name, value)
    assistant = make_cached(generator)
    assert assistant.answer(HOW_LONG).trace.model is None or generator.fail_after
    generator.text, generator.fail_after = TRUE, None
    healed = assistant.answer(HOW_LONG)
    assert (healed.trace.cached, healed.warnings) == (False, ())
    assert SupportLevel.SUPPORTED in {claim.support for claim in healed.claims}
    assert _is_cached(assistant, HOW_LONG)


def test_an_answer_that_was_stopped_does_not_stick(make_cached):
    generator = ScriptedGenerator(f"{TRUE} {FALSE}")
    assistant = make_cached(generator)
    stopped = list(assistant.ask(HOW_LONG, cancelled=lambda: generator.written >= 3))
    assert isinstance(stopped[-1], Final)
    # It counts that it was stopped once, even where nobody says so any more in the end.
    generator.written = 0
    once = iter([False] * 3 + [True])
    list(assistant.ask(HOW_LONG, cancelled=lambda: next(once, False)))
    assert not _is_cached(assistant, HOW_LONG)
    assert _is_cached(assistant, HOW_LONG)


def test_an_answer_that_nobody_read_to_the_end_does_not_stick(make_cached):
    assistant = make_cached(ScriptedGenerator(TRUE))
    reading = assistant.ask(HOW_LONG)
    next(reading)
    reading.close()
    assert not _is_cached(assistant, HOW_LONG)


def test_a_question_that_was_declined_is_not_kept(make_cached):
    cache = AnswerCache()
    make_cached(None, cache).answer(DECLINED)
    assert len(cache) == 0


def test_a_question_that_cannot_be_asked_is_refused_whatever_is_kept(make_cached):
    assistant = make_cached(None)
    assistant.answer(HOW_LONG)
    for text in ("  ", HOW_LONG + " " * 2000):
        with pytest.raises(QuestionError):
            assistant.answer(text)


def test_the_answer_used_longest_ago_makes_room(make_cached):
    cache = AnswerCache(CacheLimits(answers=2))
    assistant = make_cached(None, cache)
    for question in (HOW_LONG, HOW_MANY_WARDS, HOW_LONG, WHY_SLOW):
        assistant.answer(question)
    assert len(cache) == 2
    assert _is_cached(assistant, HOW_LONG)
    assert not _is_cached(assistant, HOW_MANY_WARDS)


def test_the_size_is_bounded_and_an_answer_beyond_it_is_not_kept(make_cached):
    answer = make_cached(None).answer(HOW_LONG)
    characters = len(repr(answer))
    room_for_one = AnswerCache(CacheLimits(size=3 * characters))
    room_for_one.put("one", answer)
    room_for_one.put("two", answer)
    assert (room_for_one.get("one"), room_for_one.get("two")) == (None, answer)
    room_for_none = AnswerCache(CacheLimits(size=characters))
    room_for_none.put("one", answer)
    assert len(room_for_none) == 0


def test_an_answer_is_forgotten_after_its_time(make_cached):
    clock = [0.0]
    cache = AnswerCache(CacheLimits(seconds=60), now=lambda: clock[0])
    assistant = make_cached(None, cache)
    assistant.answer(HOW_LONG)
    clock[0] = 59.0
    assert _is_cached(assistant, HOW_LONG)
    clock[0] = 60.0
    assert cache.get("anything") is None
    assert len(cache) == 0
    assert not _is_cached(assistant, HOW_LONG)


def test_a_new_index_begins_with_nothing(tmp_path):
    def publish():
        return build(load_settings(corpus_dir=corpus, index_dir=tmp_path / "index"), lambda *_: None).fingerprint

    corpus = write_reports(tmp_path / "reports")
    publish()
    with serve(tmp_path / "index") as address:
        assert "three years" in _post(address, HOW_LONG)["text"]
        report = corpus / "funding.md"
        report.write_text(report.read_text().replace("three years", "five years"))
        fingerprint = publish()
        answers = (_post(address, HOW_LONG) for _ in range(MOST_ROUNDS))
        fresh = next(answer for answer in answers if answer["trace"]["index_fingerprint"] == fingerprint)
        assert "five years" in fresh["text"]
        assert not fresh["trace"]["cached"]
        assert _post(address, HOW_LONG)["trace"]["cached"]
