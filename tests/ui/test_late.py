"""The part of the site that is built late: when it is built, what waits for it, and what happens when it cannot be."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from serving import serving

from spreadguide_ui.late import LatePage

WAIT_SECONDS = 20


class Workshop:
    """Builds a page that says hello, and remembers how often."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.finish = threading.Event()
        self.times = 0
        self.life: list[str] = []

    def build(self) -> FastAPI:
        self.times += 1
        self.begun.release()
        assert self.finish.wait(WAIT_SECONDS)

        @asynccontextmanager
        async def life(_app):
            self.life.append("started")
            yield
            self.life.append("ended")

        page = FastAPI(openapi_url=None, lifespan=life)
        page.get("/")(lambda: "hello")
        return page


def site_with(page):
    @asynccontextmanager
    async def life(_app):
        async with page.running():
            yield

    app = FastAPI(lifespan=life)
    app.get("/healthz")(lambda: "alive")
    app.mount("/", page)
    return app


def get(address):
    return httpx.get(address, trust_env=False, timeout=WAIT_SECONDS)


@pytest.fixture
def workshop():
    return Workshop()


def test_nothing_is_built_before_its_time_and_the_rest_answers_meanwhile(workshop):
    looked = threading.Semaphore(0)

    def not_yet():
        looked.release()
        return False

    with serving(lambda _: site_with(LatePage(workshop.build, not_yet))) as address:
        assert looked.acquire(timeout=WAIT_SECONDS)
        assert looked.acquire(timeout=WAIT_SECONDS)
        assert get(f"{address}/healthz").json() == "alive"
        assert workshop.times == 0
    assert workshop.life == []


def test_when_it_is_time_the_page_is_built_though_nobody_asks(workshop):
    workshop.finish.set()
    with serving(lambda _: site_with(LatePage(workshop.build, lambda: True))) as address:
        assert workshop.begun.acquire(timeout=WAIT_SECONDS)
        assert get(address).json() == "hello"
    assert workshop.times == 1
    assert workshop.life == ["started", "ended"]


def test_whoever_opens_the_page_has_it_built_once_and_waits_for_it(workshop):
    with (
        serving(lambda _: site_with(LatePage(workshop.build, lambda: False))) as address,
        ThreadPoolExecutor(3) as browsers,
    ):
        opened = [browsers.submit(get, address) for _ in range(3)]
        assert workshop.begun.acquire(timeout=WAIT_SECONDS)
        assert get(f"{address}/healthz").json() == "alive"
        assert not any(one.done() for one in opened)
        workshop.finish.set()
        assert [one.result().json() for one in opened] == ["hello"] * 3
    assert workshop.times == 1


def test_a_page_that_cannot_be_built_leaves_the_rest_alone_and_says_so_in_the_log(caplog):
    def broken():
        raise ImportError("no such part")

    with serving(lambda _: site_with(LatePage(broken, lambda: False))) as address:
        assert [get(address).status_code for _ in range(2)] == [500, 500]
        assert get(f"{address}/healthz").json() == "alive"
    assert "the chat page could not be built" in caplog.text
