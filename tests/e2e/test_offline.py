"""Neither the page nor the process behind it reaches for anything outside this machine."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import BROWSER, PATIENCE_MS, Visit
from playwright.sync_api import Browser, expect

pytestmark = BROWSER
expect.set_options(timeout=PATIENCE_MS)

SERVER = Path(__file__).parent / "watched_server.py"
HERE = ("127.0.0.1", "::1", "localhost")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A fresh server process, with none of the settings that would keep Gradio quiet."""
    log = tmp_path / "connections.txt"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GRADIO_", "HF_"))}
    process = subprocess.Popen(
        [sys.executable, str(SERVER), str(log)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    yield process.stdout.readline().strip(), log
    process.stdin.close()
    process.wait(timeout=60)
    process.stdout.close()


def test_page_and_server_stay_on_this_machine(browser: Browser, watched: tuple[str, Path]) -> None:
    address, log = watched
    context = browser.new_context(locale="en-GB")
    visit = Visit(context.new_page(), address)
    page = visit.open()
    visit.ask("How long is the funding?")
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    context.close()
    assert visit.complaints == []
    assert len(visit.requested) > 10
    assert [url for url in visit.requested if not url.startswith(f"{address}/")] == []
    lines = log.read_text(encoding="utf-8").splitlines()
    connections = [line for line in lines if line.startswith("socket.")]
    assert any(line.startswith("socket.connect ('127.0.0.1'") for line in connections), "the log works"
    assert [line for line in connections if not _is_here(line)] == []
    assert [line for line in lines if line.startswith("subprocess.")] == []


def _is_here(line: str) -> bool:
    target = ast.literal_eval(re.sub("^[^ ]+ ", "", line))
    host = target[0] if isinstance(target, tuple) else target
    return host in HERE
