"""``POST /v1/ask``: one question, one checked answer, as JSON or as server-sent events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from spreadguide.api import schemas
from spreadguide.api.services import ServicesHere
from spreadguide.api.streaming import run_events, server_sent
from spreadguide.assistant import check_question
from spreadguide.retrieval.filters import ReportFilter, matching
from spreadguide.types import Event, Final, Turn
from spreadguide.wiring import Services

router = APIRouter(prefix="/v1", tags=["questions"])

CLIENT_CLOSED_REQUEST = 499
"""Nobody waits for the answer any more; the code is by custom, no client sees it."""


@router.post("/ask", response_model=schemas.AnswerOut, summary="Answer a question from the reports")
async def ask(body: schemas.AskRequest, request: Request, services: ServicesHere) -> Response:
    """Answer from the reports only; every sentence is cited and checked.

    With `"stream": true` the answer comes as server-sent events: `retrieved`, then `token` and `claim` as they
    come, then `final`, which carries the answer and wins over everything before it; or `error`.
    """
    check_question(body.question)
    wanted = body.filters.reports() if body.filters else ReportFilter()
    events = run_events(partial(_run, services, body, wanted), request)
    if body.stream:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(server_sent(events), media_type="text/event-stream", headers=headers)
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
