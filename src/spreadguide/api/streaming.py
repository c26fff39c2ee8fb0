"""Runs the synchronous assistant beside the event loop, and stops it when nobody waits for the answer any more."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from fastapi import Request
from fastapi.sse import format_sse_event
from pydantic import BaseModel

from spreadguide import errors
from spreadguide.api import schemas
from spreadguide.api.problems import UNEXPECTED, describe
from spreadguide.types import ClaimChecked, Event, Final, Retrieved, Token

log = logging.getLogger(__name__)

WORKERS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="ask")
"""Questions worked on at once; the generator has a queue of its own, so most of them only search."""

LOOK_SECONDS = 0.25
"""How often it is checked whether the client is still there."""

Run = Callable[[Callable[[], bool]], Iterator[Event]]
"""Starts the work; it is given a function that tells whether the work was cancelled."""


async def run_events(run: Run, request: Request) -> AsyncIterator[Event]:
    """Yield the events of ``run``; an error it raises is raised here.

    When the client goes away, or this iterator is closed, the work is cancelled at its next step.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Event | BaseException | None] = asyncio.Queue()
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

    loop.run_in_executor(WORKERS, work)
    watch = asyncio.create_task(_watch(request, queue))
    try:
        while (item := await queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        watch.cancel()
        cancelled.set()


async def _watch(request: Request, queue: asyncio.Queue[Event | BaseException | None]) -> None:
    """Put the end on the queue once the client has gone, also while events keep coming."""
    while not await request.is_disconnected():
        await asyncio.sleep(LOOK_SECONDS)
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
        case Token(text):
            return "token", schemas.TokenEvent(text=text)
        case ClaimChecked(claim, sources):
            cited = [schemas.CitedSourceOut.model_validate(source) for source in sources]
            return "claim", schemas.ClaimEvent(claim=schemas.claim_out(claim), sources=cited)
        case Final(answer):
            return "final", schemas.answer_out(answer)
