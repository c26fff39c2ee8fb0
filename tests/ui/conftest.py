"""Shared fixtures: the scripted API with the real chat page mounted on it, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scripted_api import Script, scripted_api
from serving import serving

from spreadguide_ui import mount


@pytest.fixture(scope="module")
def script() -> Script:
    return Script()


@pytest.fixture(scope="module")
def site(script: Script) -> Iterator[str]:
    """Address of a server that carries the scripted API and the real chat page."""
    with serving(lambda address: mount(scripted_api(script), api_url=address)) as address:
        yield address
