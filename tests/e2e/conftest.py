"""A real Chromium on the real chat page, on top of the scripted API."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "ui"))

from chat_server import chat_server
from playwright.sync_api import Browser, Page, sync_playwright
from scripted_api import Script

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP = {"width": 1280, "height": 900}
PATIENCE_MS = 20_000

BROWSER = [
    pytest.mark.browser,
    # Gradio's queue counts its events with calls that pandas has deprecated.
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
]
"""Marks of every module here."""


@pytest.fixture(scope="module")
def script() -> Script:
    return Script()


@pytest.fixture(scope="module")
def site(script: Script) -> Iterator[str]:
    with chat_server(script) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; install it with: apt-get install -y chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Visit:
    """An open page and everything that went over the network or wrong on it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.requested: list[str] = []
        self.complaints: list[str] = []
        page.context.on("request", lambda request: self.requested.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.set_default_timeout(PATIENCE_MS)

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.address + path)
        if path == "/":
            self.page.get_by_label("Your question").wait_for()
            self.page.get_by_role("button", name="Ask", exact=True).wait_for()
        return self.page

    def ask(self, question: str) -> None:
        self.page.get_by_label("Your question").fill(question)
        self.page.get_by_label("Your question").press("Enter")


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    """A fresh browser profile; at the end nothing may have gone wrong or left the page's own origin."""
    context = browser.new_context(viewport=DESKTOP, locale="en-GB")
    current = Visit(context.new_page(), site)
    yield current
    context.close()
    outside = [url for url in current.requested if not url.startswith((site, "data:", "blob:"))]
    assert outside == []
    assert current.complaints == []
