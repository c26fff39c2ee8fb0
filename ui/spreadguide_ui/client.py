"""The chat page's only way out: HTTP to the SpreadGuide API, with server-sent events for an answer in progress."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from spreadguide.api.schemas import (
    AnswerOut,
    AskRequest,
    ClaimEvent,
    PassageOut,
    Problem,
    QueuedEvent,
    Readiness,
    RetrievedEvent,
    TokenEvent,
)

CONNECT_SECONDS = 5.0
"""The API is on this machine; if it does not accept a connection by then, it is not running."""

QUICK_SECONDS = 10.0
"""Longest wait for a passage or for readiness."""

SILENCE_SECONDS = 600.0
"""Longest silence within an answer: a queue of other people's questions and a cold model are slow, not broken."""

Shape = TypeVar("Shape", bound=BaseModel)

Event = RetrievedEvent | QueuedEvent | TokenEvent | ClaimEvent | AnswerOut

EVENT_MODELS: dict[str, type[RetrievedEvent | QueuedEvent | TokenEvent | ClaimEvent | AnswerOut]] = {
    "retrieved": RetrievedEvent,
    "queued": QueuedEvent,
    "token": TokenEvent,
    "claim": ClaimEvent,
    "final": AnswerOut,
}


class ApiProblem(Exception):
    """The API said no, or could not be understood or reached; ``problem`` says so in plain English."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


@dataclass(slots=True)
class EventParser:
    """Splits a byte stream into server-sent events (WHATWG HTML, section 9.2), fed piece by piece.

    Lines are split at line feeds only: Python's ``splitlines`` would also cut at characters that a report may hold.
    """

    _rest: bytes = b""
    _name: str = ""
    _data: list[str] = field(default_factory=list)

    def feed(self, piece: bytes) -> list[tuple[str, str]]:
        """Take the next bytes; return the events completed by them as pairs of name and data."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        events = []
        for line in lines:
            text = line.removesuffix(b"\r").decode("utf-8", errors="replace")
            if text:
                self._take(text)
            elif self._data:
                events.append((self._name or "message", "\n".join(self._data)))
                self._name, self._data = "", []
        return events

    def _take(self, line: str) -> None:
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "event":
            self._name = value
        elif key == "data":
            self._data.append(value)


class ApiClient:
    """Asks the API at ``api_url``. Every method raises `ApiProblem` when the API cannot do what is asked."""

    def __init__(self, api_url: str) -> None:
        self._api_url = api_url.rstrip("/")

    async def ask(self, request: AskRequest) -> AsyncGenerator[Event, None]:
        """Yield the events of one answer, ``AnswerOut`` last. Closing the generator closes the HTTP stream."""
        body = request.model_dump(mode="json", exclude_none=True) | {"stream": True}
        parser = EventParser()
        async with (
            self._session(SILENCE_SECONDS) as session,
            session.stream("POST", "/v1/ask", json=body) as response,
        ):
            if response.is_error:
                raise ApiProblem(_problem(response.status_code, await response.aread()))
            async for piece in response.aiter_bytes():
                for name, data in parser.feed(piece):
                    event = _event(name, data)
                    if event is not None:
                        yield event
                    if isinstance(event, AnswerOut):
                        return
        raise ApiProblem(
            Problem(
                title="Unfinished answer",
                status=502,
                detail="The answer stopped before it was finished.",
                hint="Ask the question again.",
            )
        )

    async def readiness(self) -> Readiness:
        """Return whether questions can be answered, and how."""
        async with self._session(QUICK_SECONDS) as session:
            response = await session.get("/readyz")
        try:
            return Readiness.model_validate_json(response.content)
        except ValidationError as error:
            raise ApiProblem(_problem(response.status_code, response.content)) from error

    async def passage(self, passage_id: str) -> PassageOut:
        """Return a passage with its neighbours."""
        async with self._session(QUICK_SECONDS) as session:
            response = await session.get(f"/v1/passages/{quote(passage_id, safe='')}")
        if response.is_error:
            raise ApiProblem(_problem(response.status_code, response.content))
        return _parse(PassageOut, response.content)

    @asynccontextmanager
    async def _session(self, read_seconds: float) -> AsyncIterator[httpx.AsyncClient]:
        # trust_env=False: a proxy named in the environment must never see the questions.
        timeout = httpx.Timeout(read_seconds, connect=CONNECT_SECONDS)
        try:
            async with httpx.AsyncClient(base_url=self._api_url, timeout=timeout, trust_env=False) as session:
                yield session
        except httpx.HTTPError as error:
            raise ApiProblem(
                Problem(
                    title="No connection",
                    status=503,
                    detail="The page cannot reach the SpreadGuide service.",
                    hint="Check that it is still running, then try again.",
                )
            ) from error


def _event(name: str, data: str) -> Event | None:
    """Read one event; ``None`` for a name that this version does not know."""
    if name == "error":
        raise ApiProblem(_parse(Problem, data.encode()))
    model = EVENT_MODELS.get(name)
    return None if model is None else _parse(model, data.encode())


def _parse(model: type[Shape], body: bytes) -> Shape:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise ApiProblem(
            Problem(
                title="Unexpected reply",
                status=502,
                detail="The SpreadGuide service sent a reply that this page does not understand.",
                hint="Restart the service, so that the page and the service have the same version.",
            )
        ) from error


def _problem(status: int, body: bytes) -> Problem:
    try:
        return Problem.model_validate_json(body)
    except ValidationError:
        return Problem(
            title="Error",
            status=status,
            detail=f"The SpreadGuide service could not answer (error {status}).",
            hint="Try again. If it happens again, look at the service's log.",
        )
