"""What stands between the browser and Gradio: few paths, a strict content policy, and no inline script but Gradio's."""

from __future__ import annotations

import re
import secrets

from starlette.datastructures import MutableHeaders, QueryParams
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spreadguide_ui.presence import Presence

RESULTS_PATH = "/gradio_api/queue/data"
"""Where a tab of the browser listens for as long as it waits for results."""

ASSETS = "/spreadguide-ui"
"""Where the page's own style sheet and script are served."""

GRADIO_PATHS = re.compile(
    r"""/(
    $ | assets/ | static/ | svelte/ | theme\.css$ | favicon\.ico$ | manifest\.json$ | pwa_icon | robots\.txt$
    | gradio_api/(queue/(join|data)$ | cancel$ | reset/?$ | heartbeat/[\w-]+$ | startup-events$ | theme\.css$ | app_id$)
    )""",
    re.VERBOSE,
)
"""The paths of Gradio that the chat needs. Uploads, file and proxy routes and the public API are left out."""

PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; object-src 'none'; frame-ancestors 'self'; base-uri 'self'; "
    "form-action 'self'"
)
"""The chat page's policy. Gradio sets style attributes, so inline styles stay allowed; inline scripts need a nonce."""

PLAIN_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
"""The policy of pages without any script."""

SOCIAL_CARD = re.compile(r'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')
"""Gradio's preview card for social media, which names outside addresses."""

HEAD_LINKS = (
    f'<link rel="stylesheet" href="{ASSETS}/style.css">'
    f'<link rel="icon" type="image/svg+xml" href="{ASSETS}/icon.svg">'
    f'<script src="{ASSETS}/chat.js" defer></script></head>'
)


class OutboundHeaders:
    """Adds the security headers that every response should carry."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the response's headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class PageGuard:
    """Wraps the Gradio application: lets only the chat's own paths through and rewrites its one HTML page."""

    def __init__(self, gradio_app: ASGIApp, presence: Presence) -> None:
        self._gradio_app = gradio_app
        self._presence = presence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 404 to a path that the chat does not use; otherwise pass the request on to Gradio."""
        path = _path(scope)
        if scope["type"] != "http" or not GRADIO_PATHS.match(path):
            await PlainTextResponse("There is nothing at this address.\n", status_code=404)(scope, receive, send)
        elif path == "/":
            await self._send_page(scope, receive, send)
        elif path == RESULTS_PATH:
            await self._send_results(scope, receive, send)
        else:
            await self._gradio_app(scope, receive, send)

    async def _send_results(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on the stream of results to a tab; when it breaks off, the tab has gone."""
        finished = False

        async def watch_end(message: Message) -> None:
            nonlocal finished
            await send(message)
            finished = finished or (message["type"] == "http.response.body" and not message.get("more_body", False))

        try:
            await self._gradio_app(scope, receive, watch_end)
        finally:
            if not finished:
                for session in QueryParams(scope["query_string"]).getlist("session_hash"):
                    self._presence.left(session)

    async def _send_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Without an Accept-Encoding header Gradio sends the page uncompressed, so that it can be rewritten.
        headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        status, body = [500], bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))

        await self._gradio_app({**scope, "headers": headers}, receive, collect)
        nonce = secrets.token_urlsafe(16)
        page = HTMLResponse(
            rewrite_page(body.decode("utf-8"), nonce),
            status_code=status[0],
            headers={"Content-Security-Policy": PAGE_POLICY.format(nonce=nonce), "Cache-Control": "no-store"},
        )
        await page(scope, receive, send)


def rewrite_page(html: str, nonce: str) -> str:
    """Give every script of Gradio's page the nonce, drop the social card, add our style sheet and script."""
    html = SOCIAL_CARD.sub("", html)
    html = html.replace("</head>", HEAD_LINKS, 1)
    return html.replace("<script", f'<script nonce="{nonce}"')


def _path(scope: Scope) -> str:
    """Return the request's path below the place where the page is mounted."""
    path: str = scope.get("path", "")
    return path.removeprefix(scope.get("root_path", "")) or "/"
