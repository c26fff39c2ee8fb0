"""Bounds on what a request may bring, and under which name it may come, before any of it is parsed."""

from __future__ import annotations

import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spreadguide.api.problems import respond
from spreadguide.api.schemas import Problem

MAX_BODY_BYTES = 1024 * 1024
"""Largest request body: a question with forty long turns before it fits well."""

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::\d+)?", re.IGNORECASE)
"""A name, or an IPv6 address in brackets, and perhaps a port."""

_TOO_LARGE = Problem(
    title="RequestTooLarge",
    status=413,
    detail=f"The request is larger than {MAX_BODY_BYTES:,} bytes.",
    hint="Send a shorter question, or fewer earlier turns.",
)


class BodyLimit:
    """Refuses a request body that is announced, or turns out, to be larger than `MAX_BODY_BYTES`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while its body stays within the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
            await respond(_TOO_LARGE)(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            # The rest of an unannounced flood is never handed on: the application sees the client gone.
            return message if read <= MAX_BODY_BYTES else {"type": "http.disconnect"}

        async def answer(message: Message) -> None:
            if read <= MAX_BODY_BYTES:
                await send(message)
            elif message["type"] == "http.response.start":
                # Whatever the application makes of half a body is not what went wrong.
                await respond(_TOO_LARGE)(scope, receive, send)

        await self._app(scope, counted, answer)


class KnownHosts:
    """Refuses a request that names the server by another name than ``hosts``.

    A page elsewhere could make a browser call a loopback server under a name of its own (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when its ``Host`` is one of ours."""
        if scope["type"] == "lifespan" or self._is_known(Headers(scope=scope).get("host", "")):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._refusal()(scope, receive, send)
        else:
            await send({"type": "websocket.close"})

    def _is_known(self, header: str) -> bool:
        found = _HOST.fullmatch(header)
        return found is not None and found[1].lower() in self._hosts

    def _refusal(self) -> Response:
        names = ", ".join(sorted(self._hosts))
        hint = f"Call it by one of these names: {names}. To serve other machines, start it with --host."
        return respond(Problem(title="UnknownHost", status=400, detail="The server has another name.", hint=hint))
