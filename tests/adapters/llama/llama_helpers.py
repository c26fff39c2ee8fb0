"""Small helpers of the generator's tests."""

import threading
import time
from pathlib import Path

import psutil

from spreadguide.types import Prompt

SCRIPTED_CHILD = Path(__file__).with_name("scripted_child.py")
PATIENCE = 60.0
"""Seconds: generous, because the machine may be busy."""


def ask(text, system="You answer briefly."):
    return Prompt(system=system, examples=(), user=text)


def wait_until(condition, seconds=PATIENCE):
    """Wait for ``condition()`` to hold, and fail when it never does."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        pause.wait(0.02)


def told(process, words):
    """Wait for a state with ``words`` in its reason, and return it; the next one may come at once."""
    seen = []
    wait_until(lambda: seen.append(process.state) or words in seen[-1].reason)
    return seen[-1]


def is_running(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def ready(process):
    process.start()
    assert process.wait_ready(PATIENCE), process.state
    return process
