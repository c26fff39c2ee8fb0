"""A bound on what a request may bring, before any of it is parsed."""

from __future__ import annotations

import json

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spreadguide.api.schemas import Problem

MAX_BODY_BYTES = 1024 * 1024
"""Largest request body: a question with forty long turns before it fits well."""


class BodyLimit:
    """Refuses a request body that is announced, or turns out, to be larger than `MAX_BODY_BYTES`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while its body stays within the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
            await _refuse(send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            # The rest of an unannounced flood is never handed on: the handler sees the client gone.
            return message if read <= MAX_BODY_BYTES else {"type": "http.disconnect"}

        await self._app(scope, counted, send)


async def _refuse(send: Send) -> None:
    body = Problem(
        title="RequestTooLarge",
        status=413,
        detail=f"The request is larger than {MAX_BODY_BYTES:,} bytes.",
        hint="Send a shorter question, or fewer earlier turns.",
    )
    headers = [(b"content-type", b"application/problem+json")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body.model_dump()).encode()})
