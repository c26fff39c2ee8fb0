"""Who is still there. Gradio lets a handler run on when its browser tab has gone; here such work is ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import TypeVar

Step = TypeVar("Step")


class Presence:
    """Passes on, from the connection of a browser tab to the work done for it, that the tab has gone."""

    def __init__(self) -> None:
        self._watched: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def watch(self, session: str) -> Iterator[asyncio.Event]:
        """Give an event that is set when the tab called ``session`` goes away."""
        gone = asyncio.Event()
        events = self._watched.setdefault(session, set())
        events.add(gone)
        try:
            yield gone
        finally:
            events.discard(gone)
            if not events:
                self._watched.pop(session, None)

    def left(self, session: str) -> None:
        """Say that the tab called ``session`` has gone."""
        for gone in self._watched.get(session, ()):
            gone.set()


async def until(gone: asyncio.Event, steps: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
    """Yield from ``steps`` until ``gone`` is set or the caller is cancelled, then stop the step in progress."""
    leaving = asyncio.ensure_future(gone.wait())
    step: asyncio.Future[Step] | None = None
    try:
        while True:
            step = asyncio.ensure_future(anext(steps))
            await asyncio.wait({step, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                return
            try:
                result = step.result()
            except StopAsyncIteration:
                return
            yield result
    finally:
        leaving.cancel()
        if step is not None and not step.done():
            step.cancel()
            await asyncio.wait({step})
        await steps.aclose()
