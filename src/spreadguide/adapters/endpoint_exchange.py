"""One exchange with an OpenAI-compatible endpoint: what is asked, and how much of the answer is read.

What comes back is untrusted: its size, its form and its pace have limits, and redirects are not followed.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Annotated, Any, Self

import httpx
from httpx_sse import EventSource
from pydantic import BaseModel, Field, ValidationError

from spreadguide.adapters.endpoint_failures import EndpointTrouble, broken, misunderstood, refused, too_much, too_slow
from spreadguide.adapters.endpoint_settings import EndpointSettings
from spreadguide.adapters.llama_process import chat_messages
from spreadguide.errors import ConfigError
from spreadguide.types import Draft, FinishReason, Prompt

MAX_REPLY_BYTES = 1024 * 1024
"""Most bytes read of one answer. Servers send about 300 bytes for each token, and 180 tokens are asked for."""

LOOK_SECONDS = 5.0
"""How long the endpoint may take to list its models."""

END = "[DONE]"
"""What a stream of chat completions ends with."""

NO_LIST = frozenset({403, 404, 405, 429, 501})
"""Answers of an endpoint that is there, and lists no models."""


class _Delta(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    delta: _Delta = Field(default_factory=_Delta)
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: Annotated[int, Field(ge=0)] = 0
    completion_tokens: Annotated[int, Field(ge=0)] = 0


class _Chunk(BaseModel):
    """What is read of one event of the stream."""

    choices: list[_Choice] = Field(default_factory=list)
    usage: _Usage | None = None
    error: Any = None


class _Listing(BaseModel):
    """What is read of the list of models: that it is one."""

    data: list[Any]


class _Reading:
    """Puts the events of one stream together."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.finish: str | None = None
        self._usage = _Usage()

    def take(self, data: str) -> str:
        """Return the text in one event; raises `EndpointTrouble` where it has another form, or tells of an error."""
        try:
            chunk = _Chunk.model_validate_json(data)
        except ValidationError as error:
            raise misunderstood() from error
        if chunk.error:
            raise EndpointTrouble("The model's endpoint stopped with an error of its own.", passing=True)
        self._usage = chunk.usage or self._usage
        if not chunk.choices:
            return ""
        self.finish = chunk.choices[0].finish_reason or self.finish
        text = chunk.choices[0].delta.content or ""
        if text:
            self.pieces.append(text)
        return text

    def draft(self) -> Draft:
        """Return what was written; all ends but a plain stop count as cut off."""
        finish = FinishReason.STOP if self.finish == "stop" else FinishReason.LENGTH
        return Draft("".join(self.pieces), finish, self._usage.prompt_tokens, self._usage.completion_tokens)


class _Bounded(httpx.AsyncByteStream):
    """The bytes of an answer, up to a limit: one endless line is thus no danger either."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for part in self._stream:
            read += len(part)
            if read > MAX_REPLY_BYTES:
                raise too_much()
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class _BoundedTransport(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _Bounded(response.stream)
        return response


class Exchange:
    """Talks to one endpoint, within one event loop; an asynchronous context manager."""

    def __init__(self, settings: EndpointSettings) -> None:
        """Prepare; nothing is sent. Raises `ConfigError` when this machine's certificates cannot be used."""
        self._settings = settings
        headers = {"Accept-Encoding": "identity", "User-Agent": "SpreadGuide"}
        if settings.key:
            headers["Authorization"] = f"Bearer {settings.key}"
        base = settings.base
        # Proxies and passwords of the environment are left out: questions go to this address and nowhere else.
        self._client = httpx.AsyncClient(
            base_url=base,
            headers=headers,
            timeout=httpx.Timeout(settings.whole, connect=settings.connect),
            transport=_BoundedTransport(verify=_trust() if base.scheme == "https" else False, trust_env=False),
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def look(self) -> None:
        """Ask for the list of models; raises `EndpointTrouble` when the endpoint is away or is something else."""
        try:
            async with asyncio.timeout(LOOK_SECONDS), self._client.stream("GET", "models") as response:
                if response.status_code in NO_LIST:
                    return
                _expect(response, "application/json")
                _Listing.model_validate_json(await response.aread())
        except TimeoutError as error:
            raise too_slow("the list of its models", LOOK_SECONDS) from error
        except httpx.HTTPError as error:
            raise broken(error) from error
        except ValidationError as error:
            raise misunderstood() from error

    async def write(self, body: dict[str, Any], put: Callable[[str], None]) -> Draft:
        """Send one request, give each piece of text to ``put``, and return the whole.

        Raises `EndpointTrouble`, which is never ``passing`` once there was text: it must not be written twice.
        """
        reading = _Reading()
        try:
            await self._stream(body, reading, put)
        except TimeoutError as error:
            if not reading.finish:
                trouble = self._late(reading)
                raise trouble from error
        except httpx.HTTPError as error:
            if not reading.finish:
                trouble = broken(error)
                trouble.passing = trouble.passing and not reading.pieces
                raise trouble from error
        except EndpointTrouble as trouble:
            trouble.passing = trouble.passing and not reading.pieces
            raise
        return reading.draft()

    async def _stream(self, body: dict[str, Any], reading: _Reading, put: Callable[[str], None]) -> None:
        now = asyncio.get_running_loop().time
        async with (
            asyncio.timeout(self._settings.first_text) as limit,
            self._client.stream("POST", "chat/completions", json=body) as response,
        ):
            _expect(response, "text/event-stream")
            response.encoding = "utf-8"
            async with aclosing(EventSource(response).aiter_sse()) as events:
                async for event in events:
                    if event.data == END:
                        return
                    # Signs of life without text, such as pings, do not count: somebody waits for text.
                    if event.data and (text := reading.take(event.data)):
                        limit.reschedule(now() + self._settings.between)
                        put(text)
        if not reading.finish:
            raise EndpointTrouble("The model's endpoint broke off.", passing=True)

    def _late(self, reading: _Reading) -> EndpointTrouble:
        if reading.pieces:
            return too_slow("the next words", self._settings.between)
        return too_slow("the first words", self._settings.first_text)


def request_body(prompt: Prompt, model: str, max_tokens: int, stop: Sequence[str]) -> dict[str, Any]:
    """Return the request for one streamed chat completion, as steady as the endpoint can make it."""
    return {
        "model": model,
        "messages": [{"role": role, "content": text} for role, text in chat_messages(prompt)],
        "max_tokens": max_tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        **({"stop": list(stop)} if stop else {}),
    }


def _expect(response: httpx.Response, kind: str) -> None:
    """Raise `EndpointTrouble` unless the answer is of the wanted kind and not packed: packing could hide its size."""
    if response.status_code != httpx.codes.OK:
        raise refused(response.status_code, response.headers)
    found = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found != kind or response.headers.get("content-encoding", "identity") != "identity":
        raise misunderstood()


def _trust() -> ssl.SSLContext:
    """Return which certificates are trusted: the usual ones, and those that this machine adds."""
    try:
        trust = httpx.create_ssl_context()
        trust.load_default_certs()  # organisations add their own authority here
    except (ImportError, ValueError, OSError) as error:
        raise ConfigError(
            "The certificate settings of this machine cannot be used.", hint="Check SSL_CERT_FILE and SSL_CERT_DIR."
        ) from error
    return trust
