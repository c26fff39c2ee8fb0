"""The client and the handlers, against real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, StreamingResponse
from hypothesis import given
from hypothesis import strategies as st
from scripted_api import UNCHECKED, Script, answer
from serving import serving

from spreadguide.api.schemas import MAX_HISTORY_TURNS, AnswerOut, AskRequest
from spreadguide_ui import handlers
from spreadguide_ui.client import ApiClient, ApiProblem, EventParser
from spreadguide_ui.conversation import Conversation
from spreadguide_ui.handlers import Notice, View


def request_for(question: str) -> AskRequest:
    return AskRequest(question=question, role=None, conversation_id=None)


async def events_of(client: ApiClient, question: str) -> list[str]:
    async with aclosing(client.ask(request_for(question))) as events:
        return [type(event).__name__ async for event in events]


async def views_of(
    client: ApiClient, question: str, conversation: Conversation | None = None, current: str = ""
) -> list[View | Notice]:
    remembered = conversation or Conversation()
    async with aclosing(handlers.asked(client, question, "innovator", remembered, "", current)) as views:
        return [view async for view in views]


def last_view(views: list[View | Notice]) -> View:
    view = views[-1]
    assert isinstance(view, View)
    return view


def test_events_arrive_in_order_and_the_answer_ends_them(site: str) -> None:
    names = asyncio.run(events_of(ApiClient(site), "How long is the funding?"))
    assert names == ["RetrievedEvent", "TokenEvent", "ClaimEvent", "ClaimEvent", "ClaimEvent", "AnswerOut"]


@pytest.mark.parametrize(
    ("question", "detail"),
    [
        ("refused", "The queue is full."),
        ("crash", "The model ran out of memory."),
        ("unfinished", "The answer stopped before it was finished."),
    ],
)
def test_each_kind_of_failure_becomes_a_problem_in_plain_words(site: str, question: str, detail: str) -> None:
    with pytest.raises(ApiProblem) as caught:
        asyncio.run(events_of(ApiClient(site), question))
    assert caught.value.problem.detail == detail
    assert caught.value.problem.hint


def test_a_server_that_is_not_there_becomes_a_problem() -> None:
    with pytest.raises(ApiProblem) as caught:
        asyncio.run(ApiClient("http://127.0.0.1:9").readiness())
    assert "cannot reach" in caught.value.problem.detail


def _strange_server(_: str) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/ask")
    def ask() -> StreamingResponse:
        return StreamingResponse(iter(["event: final\ndata: {}\n\n"]), media_type="text/event-stream")

    @app.get("/readyz")
    def readyz() -> PlainTextResponse:
        return PlainTextResponse("<html>Traceback</html>", status_code=500)

    @app.get("/v1/passages/{passage_id}")
    def passage(passage_id: str) -> dict[str, str]:
        return {"unexpected": passage_id}

    return app


def test_a_server_that_speaks_something_else_becomes_a_problem() -> None:
    with serving(_strange_server) as address:
        client = ApiClient(address)
        for call in (events_of(client, "x"), client.readiness(), client.passage("x")):
            with pytest.raises(ApiProblem) as caught:
                asyncio.run(call)  # type: ignore[arg-type]
            assert "Traceback" not in caught.value.problem.detail


@given(st.lists(st.integers(1, 40), max_size=30))
def test_events_are_read_alike_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    stream = (
        ": hello\n\nevent: token\r\ndata: one\r\n\r\n"
        "event: final\ndata: {\u2028é\x85\x0b}\ndata:two\n\nid: 3\n\ndata: end"
    ).encode()
    parser, found, rest = EventParser(), [], stream
    for cut in cuts:
        found += parser.feed(rest[:cut])
        rest = rest[cut:]
    found += parser.feed(rest)
    assert found == [("token", "one"), ("final", "{\u2028é\x85\x0b}\ntwo")]


def test_views_show_each_step_and_never_an_unchecked_word(site: str) -> None:
    views = asyncio.run(views_of(ApiClient(site), "How long is the funding?"))
    shown = [view for view in views if isinstance(view, View)]
    assert "Looking in the reports…" in shown[0].current
    assert "Found passages in 2 reports. Writing and checking…" in shown[1].current
    assert any("Funding lasts up to three years." in view.current and view.working for view in shown)
    assert all(UNCHECKED not in view.current and "Withheld" not in view.current for view in shown)
    final = shown[-1]
    assert not final.working
    assert "sg-status" not in final.current
    assert final.questions == ("For how long?", "Who are the partners?")
    assert [turn.role for turn in final.conversation.history] == ["user", "assistant"]


def test_the_place_in_the_queue_is_shown_until_text_comes(site: str) -> None:
    views = asyncio.run(views_of(ApiClient(site), "Is there a queue for the funding?"))
    shown = [view.current for view in views if isinstance(view, View)]
    waits = ("You are number 2 in the queue. About 15 seconds.", "You are number 1 in the queue. About 1 second.")
    places = [next((number for number, wait in enumerate(waits) if wait in current), None) for current in shown]
    first = places.index(0)
    assert "Found passages in 2 reports." in shown[first - 1]
    assert places[first : first + 3] == [0, 1, None]
    assert not [current for current in shown[first + 2 :] if "in the queue" in current]
    assert "Writing and checking…" in shown[first + 2]


def test_history_and_role_are_sent(site: str, script: Script) -> None:
    client = ApiClient(site)
    first = last_view(asyncio.run(views_of(client, "How long is the funding?")))
    asyncio.run(views_of(client, "For how long?", first.conversation))
    sent = script.requests[-1]
    assert sent.role == "innovator"
    assert [turn.content for turn in sent.history] == ["How long is the funding?", "Funding lasts up to three years."]


def test_a_finished_turn_moves_up_when_the_next_question_is_asked(site: str) -> None:
    views = asyncio.run(views_of(ApiClient(site), "How long is the funding?", current="<p>earlier</p>"))
    assert all(isinstance(view, View) and view.past == "<p>earlier</p>" for view in views)


@pytest.mark.parametrize(("question", "hint"), [("refused", "Wait a minute."), ("crash", "Ask again.")])
def test_a_problem_ends_the_turn_and_leaves_no_trace_in_the_history(site: str, question: str, hint: str) -> None:
    view = last_view(asyncio.run(views_of(ApiClient(site), question)))
    assert hint in view.current
    assert not view.working
    assert view.conversation == Conversation()


@pytest.mark.parametrize(
    ("question", "notice"), [("  ", handlers.EMPTY_QUESTION), ("x" * 2001, handlers.LONG_QUESTION)]
)
def test_a_question_that_cannot_be_asked_gets_a_notice_and_no_request(
    site: str, script: Script, question: str, notice: str
) -> None:
    before = len(script.requests)
    assert asyncio.run(views_of(ApiClient(site), question)) == [Notice(notice)]
    assert len(script.requests) == before


def test_a_second_question_waits_for_the_first() -> None:
    views = asyncio.run(views_of(ApiClient("http://127.0.0.1:9"), "x", Conversation(pending="y")))
    assert views == [Notice(handlers.STILL_WORKING)]


def test_closing_the_view_closes_the_http_stream(site: str, script: Script) -> None:
    async def leave_early() -> None:
        views = handlers.asked(ApiClient(site), "step by step, leaving", "", Conversation(), "", "")
        await anext(views)
        waiting = asyncio.create_task(anext(views))
        while not script.requests or script.requests[-1].question != "step by step, leaving":
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await views.aclose()

    asyncio.run(leave_early())
    assert script.wait_gone("step by step, leaving")


def test_stop_keeps_nothing_unfinished() -> None:
    view = handlers.stopped(Conversation(pending="Why?"), "<p>past</p>", "<p>half an answer</p>")
    assert "half an answer" not in view.current
    assert "You stopped this answer." in view.current
    assert view.conversation.pending is None
    idle = handlers.stopped(Conversation(), "<p>past</p>", "<p>answer</p>")
    assert idle.current == "<p>answer</p>"


def test_the_banner_follows_the_server(site: str) -> None:
    assert asyncio.run(handlers.banner(ApiClient(site))) == ""
    assert "cannot reach" in asyncio.run(handlers.banner(ApiClient("http://127.0.0.1:9")))


@pytest.mark.parametrize(
    "value", ["text", 3, [], {"history": [{"role": "system", "content": "x"}]}, {"other": 1}, None]
)
def test_a_conversation_that_the_browser_changed_starts_anew(value: object) -> None:
    assert Conversation.read(value) == Conversation()


def test_the_history_keeps_only_what_the_api_accepts() -> None:
    conversation = Conversation()
    for number in range(MAX_HISTORY_TURNS):
        conversation = conversation.answered(answer(f"question {number}", text="x" * 30_000))
    assert len(conversation.history) == MAX_HISTORY_TURNS
    assert conversation.history[-2].content == f"question {MAX_HISTORY_TURNS - 1}"
    AskRequest(question="next", role=None, conversation_id=None, history=conversation.history)


def test_the_answer_is_the_last_event_even_when_more_follows() -> None:
    def build(_: str) -> FastAPI:
        app = FastAPI()
        body = f"event: final\ndata: {answer().model_dump_json()}\n\nevent: token\ndata: late\n\n"

        @app.post("/v1/ask")
        async def ask() -> StreamingResponse:
            async def stream() -> AsyncIterator[str]:
                yield body

            return StreamingResponse(stream(), media_type="text/event-stream")

        return app

    with serving(build) as address:
        assert asyncio.run(events_of(ApiClient(address), "x")) == [AnswerOut.__name__]
