"""The scripted API with the real chat page on it, served when the page is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from scripted_api import Script, scripted_api
from serving import START_SECONDS, serving

from spreadguide_ui import mount


@contextmanager
def chat_server(script: Script) -> Iterator[str]:
    """Yield the address of a server that carries the scripted API and the chat page.

    The page is opened once before. It is built in a thread; what the imported packages do to silence their own warnings
    holds for the whole process, and pytest undoes it when a test ends. A test must not end in between.
    """
    with serving(lambda address: mount(scripted_api(script), api_url=address)) as address:
        httpx.get(f"{address}/", trust_env=False, timeout=START_SECONDS).raise_for_status()
        yield address
