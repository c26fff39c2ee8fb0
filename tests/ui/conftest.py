"""Shared fixtures: the scripted API with the real chat page mounted on it, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chat_server import chat_server
from scripted_api import Script


@pytest.fixture(scope="module")
def script() -> Script:
    return Script()


@pytest.fixture(scope="module")
def site(script: Script) -> Iterator[str]:
    """Address of a server that carries the scripted API and the real chat page."""
    with chat_server(script) as address:
        yield address
