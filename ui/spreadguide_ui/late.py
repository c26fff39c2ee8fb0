"""A part of the site that takes seconds to build, and is built once there is time for it or somebody wants it.

Importing and building Gradio takes about as much work as all the rest of a start without the model. Done first, it
would keep the API and the model waiting for a page that nobody may have opened yet.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
"""How often it is asked whether there is time to build."""


class LatePage:
    """An ASGI application that is built in a thread while `running`; a request that comes before then waits for it."""

    def __init__(self, build: Callable[[], FastAPI], is_time: Callable[[], bool]) -> None:
        """Build when ``is_time`` says so, or at the first request."""
        self._build = build
        self._is_time = is_time

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve for the length of the block; call it from the start-up of the application that mounts this one."""
        self._wanted = asyncio.Event()
        self._ended = asyncio.Event()
        self._page: asyncio.Future[FastAPI] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._bring())
        try:
            yield
        finally:
            self._ended.set()
            self._wanted.set()
            await task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, once there is something to pass it to; raises what kept it from being built."""
        self._wanted.set()
        page = await asyncio.shield(self._page)
        await page(scope, receive, send)

    async def _bring(self) -> None:
        while not (self._wanted.is_set() or self._is_time()):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), LOOK_SECONDS)
        if self._ended.is_set():
            self._page.cancel()
            return
        try:
            built = await asyncio.to_thread(self._build)
            async with built.router.lifespan_context(built):
                self._page.set_result(built)
                await self._ended.wait()
        except Exception as error:
            log.exception("the chat page could not be built")
            if not self._page.done():
                self._page.set_exception(error)
                # Nobody may ever ask for the page; that is no second fault.
                self._page.exception()
