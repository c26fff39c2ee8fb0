"""Put the chat page at ``/`` and the passage pages at ``/passage/{id}`` of an existing FastAPI application."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse

from spreadguide_ui.client import ApiClient
from spreadguide_ui.guard import ASSETS, OutboundHeaders, PageGuard
from spreadguide_ui.late import LatePage
from spreadguide_ui.passage_page import passage_router
from spreadguide_ui.presence import Presence

HERE = Path(__file__).parent

ASSET_TYPES = {"style.css": "text/css", "chat.js": "text/javascript", "icon.svg": "image/svg+xml"}
"""Files of this package that a browser may fetch, and their media types."""

OFFLINE_ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}
"""Read by Gradio and its libraries when they are first imported: no usage reports, no version check, no look-ups."""


def mount(app: FastAPI, *, api_url: str, is_time: Callable[[], bool] = lambda: True) -> FastAPI:
    """Add the chat page to ``app`` and return it.

    Call it after every API route has been added: the page answers all paths that no earlier route takes.

    Args:
        app: The application that serves the API, not yet started.
        api_url: Where the API listens, such as ``http://127.0.0.1:8000``.
        is_time: Says, once the application runs, whether the page may be built now, which keeps a core busy for
            seconds; it is built at once when somebody opens it.
    """
    client = ApiClient(api_url)
    for name, media_type in ASSET_TYPES.items():
        _serve_asset(app, name, media_type)
    app.include_router(passage_router(client))
    presence = Presence()
    page = LatePage(partial(_build_chat, client, presence), is_time)
    app.mount("/", PageGuard(page, presence))
    started = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: FastAPI) -> AsyncIterator[Any]:
        async with started(running) as state, page.running():
            yield state

    app.router.lifespan_context = lifespan
    app.add_middleware(OutboundHeaders)
    return app


def _build_chat(client: ApiClient, presence: Presence) -> FastAPI:
    """Import Gradio and build the page; to be called in a thread that runs no event loop."""
    # Outside of an event loop Gradio opens one for each of its locks and never closes it.
    return asyncio.run(_build_in_loop(client, presence))


async def _build_in_loop(client: ApiClient, presence: Presence) -> FastAPI:
    os.environ.update(OFFLINE_ENVIRONMENT)
    import gradio as gr  # after the environment is set: Gradio reads it on import

    from spreadguide_ui.chat import build_chat
    from spreadguide_ui.theme import calm_theme

    host = FastAPI(openapi_url=None)
    gr.mount_gradio_app(
        host,
        build_chat(client, presence),
        path="/",
        theme=calm_theme(),
        footer_links=[],
        run_history=False,
        show_error=False,
        favicon_path=str(HERE / "icon.svg"),
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        pwa=False,
        max_file_size=1,
    )
    return host


def _serve_asset(app: FastAPI, name: str, media_type: str) -> None:
    @app.get(f"{ASSETS}/{name}", include_in_schema=False)
    def asset() -> FileResponse:
        return FileResponse(HERE / name, media_type=media_type)
