"""Work for a tab ends when the tab goes, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from spreadguide_ui.presence import Presence, until


class Work:
    """Yields one step, then waits for ever; tells whether it was ended properly."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()
        self.ended = False

    async def steps(self) -> AsyncGenerator[str, None]:
        try:
            yield "first"
            self.waiting.set()
            await asyncio.Event().wait()
        finally:
            self.ended = True


async def collected(gone: asyncio.Event, work: Work) -> list[str]:
    return [step async for step in until(gone, work.steps())]


def test_work_ends_when_its_tab_goes_and_other_tabs_keep_theirs() -> None:
    async def scene() -> None:
        presence, work, other = Presence(), Work(), Work()
        with presence.watch("a") as a_gone, presence.watch("b") as b_gone:
            task = asyncio.create_task(collected(a_gone, work))
            other_task = asyncio.create_task(collected(b_gone, other))
            await work.waiting.wait()
            await other.waiting.wait()
            presence.left("a")
            presence.left("unknown")
            assert await task == ["first"]
            assert work.ended
            assert not other.ended
            other_task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await other_task
            assert other.ended

    asyncio.run(scene())


def test_a_tab_that_comes_back_starts_afresh() -> None:
    async def scene() -> None:
        presence = Presence()
        with presence.watch("a") as gone:
            presence.left("a")
            assert gone.is_set()
        with presence.watch("a") as gone:
            assert not gone.is_set()

    asyncio.run(scene())


def test_work_that_finishes_is_passed_on_whole_and_its_errors_too() -> None:
    async def numbers() -> AsyncGenerator[int, None]:
        yield 1
        yield 2
        raise ValueError("three")

    async def scene() -> None:
        steps = until(asyncio.Event(), numbers())
        assert [await anext(steps), await anext(steps)] == [1, 2]
        with pytest.raises(ValueError, match="three"):
            await anext(steps)

    asyncio.run(scene())
