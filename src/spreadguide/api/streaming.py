"""Runs the synchronous assistant beside the event loop, and stops it when nobody waits for the answer any more."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

from fastapi import Request
from fastapi.sse import format_sse_event
from pydantic import BaseModel

from spreadguide import errors
from spreadguide.api import schemas
from spreadguide.api.problems import UNEXPECTED, describe
from spreadguide.api.workers import Workers
from spreadguide.types import ClaimChecked, Event, Final, Queued, Retrieved, Token

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
"""How often it is checked whether the client is still there."""

Run = Callable[[Callable[[], bool]], Iterator[Event]]
"""Starts the work; it is given a function that tells whether the work was cancelled."""

_Queue = asyncio.Queue[Event | BaseException | None]


def start_events(run: Run, request: Request, workers: Workers) -> AsyncGenerator[Event, None] | None:
    """Begin ``run`` and return its events, or ``None`` when as many questions as possible are being worked on.

    An error that ``run`` raises is raised by the iterator. When the client goes away, or the iterator is closed, the
    work is cancelled at its next step.
    """
    loop = asyncio.get_running_loop()
    queue: _Queue = asyncio.Queue()
    cancelled = threading.Event()

    def put(item: Event | BaseException | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(queue.put_nowait, item)

    def work() -> None:
        try:
            for event in run(cancelled.is_set):
                put(event)
                if cancelled.is_set():
                    break
        except Exception as error:  # noqa: BLE001 - handed to the waiting request, which raises it
            put(error)
        finally:
            put(None)

    if not workers.start(work):
        return None
    # Begun here and not in the iterator: a client that leaves before the response begins never has that one run.
    watch = asyncio.create_task(_watch(request, queue, cancelled))
    return _events(queue, cancelled, watch)


async def _events(queue: _Queue, cancelled: threading.Event, watch: asyncio.Task[None]) -> AsyncGenerator[Event, None]:
    try:
        while (item := await queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        watch.cancel()
        cancelled.set()


async def _watch(request: Request, queue: _Queue, cancelled: threading.Event) -> None:
    """Stop the work and end the queue once the client has gone, also while events keep coming."""
    while not await request.is_disconnected():
        await asyncio.sleep(LOOK_SECONDS)
    cancelled.set()
    queue.put_nowait(None)


async def server_sent(events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    """Render events as server-sent events; an error becomes a last event ``error`` with problem details."""
    try:
        async for event in events:
            name, body = _named(event)
            yield format_sse_event(event=name, data_str=body.model_dump_json())
    except errors.SpreadGuideError as error:
        yield _error(describe(error))
    except Exception:
        log.exception("a question failed")
        yield _error(UNEXPECTED)


def _error(problem: schemas.Problem) -> bytes:
    return format_sse_event(event="error", data_str=problem.model_dump_json())


def _named(event: Event) -> tuple[str, BaseModel]:
    match event:
        case Retrieved(hits, milliseconds):
            rendered = [schemas.hit_out(hit) for hit in hits]
            return "retrieved", schemas.RetrievedEvent(hits=rendered, milliseconds=milliseconds)
        case Queued():
            return "queued", schemas.QueuedEvent.model_validate(event)
        case Token(text):
            return "token", schemas.TokenEvent(text=text)
        case ClaimChecked(claim, sources):
            cited = [schemas.CitedSourceOut.model_validate(source) for source in sources]
            return "claim", schemas.ClaimEvent(claim=schemas.claim_out(claim), sources=cited)
        case Final(answer):
            return "final", schemas.answer_out(answer)
