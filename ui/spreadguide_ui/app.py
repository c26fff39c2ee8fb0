"""Put the chat page at ``/`` and the passage pages at ``/passage/{id}`` of an existing FastAPI application."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.routing import Mount

from spreadguide_ui.client import ApiClient
from spreadguide_ui.guard import ASSETS, OutboundHeaders, PageGuard
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


def mount(app: FastAPI, *, api_url: str) -> FastAPI:
    """Add the chat page to ``app`` and return it.

    Call it after every API route has been added: the page answers all paths that no earlier route takes.

    Args:
        app: The application that serves the API, not yet started.
        api_url: Where the API listens, such as ``http://127.0.0.1:8000``.
    """
    client = ApiClient(api_url)
    for name, media_type in ASSET_TYPES.items():
        _serve_asset(app, name, media_type)
    app.include_router(passage_router(client))
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Outside of an event loop Gradio opens one for each of its locks and never closes it.
        asyncio.run(_mount_chat_in_loop(app, client))
    else:
        _mount_chat(app, client)
    app.add_middleware(OutboundHeaders)
    return app


async def _mount_chat_in_loop(app: FastAPI, client: ApiClient) -> None:
    _mount_chat(app, client)


def _mount_chat(app: FastAPI, client: ApiClient) -> None:
    os.environ.update(OFFLINE_ENVIRONMENT)
    import gradio as gr  # after the environment is set: Gradio reads it on import

    from spreadguide_ui.chat import build_chat
    from spreadguide_ui.theme import calm_theme

    presence = Presence()
    gr.mount_gradio_app(
        app,
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
    gradio_mount = app.router.routes.pop()
    if not isinstance(gradio_mount, Mount):
        raise TypeError("Gradio was not mounted as the last route")
    app.router.routes.append(Mount("/", app=PageGuard(gradio_mount.app, presence)))


def _serve_asset(app: FastAPI, name: str, media_type: str) -> None:
    @app.get(f"{ASSETS}/{name}", include_in_schema=False)
    def asset() -> FileResponse:
        return FileResponse(HERE / name, media_type=media_type)
