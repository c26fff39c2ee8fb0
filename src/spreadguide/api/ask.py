"""``POST /v1/ask``: one question, one checked answer, as JSON or as server-sent events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing
from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from spreadguide.api import schemas
from spreadguide.api.problems import respond
from spreadguide.api.services import ServicesHere, WorkersHere
from spreadguide.api.streaming import server_sent, start_events
from spreadguide.assistant import check_question
from spreadguide.retrieval.filters import ReportFilter, matching
from spreadguide.types import Event, Final, Turn
from spreadguide.wiring import Services

router = APIRouter(prefix="/v1", tags=["questions"])

CLIENT_CLOSED_REQUEST = 499
"""Nobody waits for the answer any more; the code is by custom, no client sees it."""

TOO_MANY = schemas.Problem(
    title="TooManyQuestions",
    status=429,
    detail="Many questions are being answered at the moment.",
    hint="Ask again in a few seconds.",
)
"""The reply while every place is taken; its header ``Retry-After`` says after how many seconds to try again."""


@router.post("/ask", response_model=schemas.AnswerOut, summary="Answer a question from the reports")
async def ask(body: schemas.AskRequest, request: Request, services: ServicesHere, workers: WorkersHere) -> Response:
    """Answer from the reports only; every sentence is cited and checked.

    With `"stream": true` the answer comes as server-sent events: `retrieved`, then `queued`, `token` and `claim` as
    they come, then `final`, which carries the answer and wins over everything before it; or `error`.
    """
    check_question(body.question)
    wanted = body.filters.reports() if body.filters else ReportFilter()
    events = start_events(partial(_run, services, body, wanted), request, workers)
    if events is None:
        return respond(TOO_MANY, {"Retry-After": str(workers.retry_seconds)})
    if body.stream:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(server_sent(events), media_type="text/event-stream", headers=headers)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Final):
                return JSONResponse(schemas.answer_out(event.answer).model_dump())
    return Response(status_code=CLIENT_CLOSED_REQUEST)


def _run(
    services: Services, body: schemas.AskRequest, wanted: ReportFilter, cancelled: Callable[[], bool]
) -> Iterator[Event]:
    """Answer from one index from beginning to end, also when a newer one is published meanwhile."""
    with services.lease() as assistant:
        yield from assistant.ask(
            body.question,
            history=[Turn(turn.role, turn.content) for turn in body.history],
            role=body.role,
            source_ids=matching(assistant.library.store.sources, wanted),
            cancelled=cancelled,
        )
