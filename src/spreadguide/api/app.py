"""The application factory: routes, errors as problem details, and the limits on what may come in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from spreadguide import __version__, errors
from spreadguide.api import ask, health, library
from spreadguide.api.limits import BodyLimit
from spreadguide.api.schemas import Problem
from spreadguide.wiring import Services

DESCRIPTION = (
    "Cited answers about adopting and spreading innovation in health care, from your own reports only. "
    "Every sentence is checked against the passage it cites. It gives no advice about an individual patient."
)

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")

STATUS: tuple[tuple[type[errors.SpreadGuideError], int], ...] = (
    (errors.QuestionError, 422),
    (errors.NotFound, 404),
    (errors.GeneratorUnavailable, 503),
    (errors.IndexingError, 503),
    (errors.SpreadGuideError, 500),
)
"""HTTP status of each of our errors; the first that fits counts."""


def create_app(services: Services) -> FastAPI:
    """Build the API over ``services``, which it closes when it shuts down."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        services.close()

    # The documentation pages of FastAPI itself load their scripts from elsewhere; nothing here may.
    app: FastAPI = FastAPIOffline(
        title="SpreadGuide",
        version=__version__,
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        responses={"default": {"model": Problem, "description": "What went wrong, and what to do."}},
    )
    app.state.services = services
    for router in (ask.router, library.router, health.router):
        app.include_router(router)
    app.add_exception_handler(errors.SpreadGuideError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(BodyLimit)
    if services.settings.host in LOOPBACK:
        # A page elsewhere could make a browser call a loopback server under a name of its own (DNS rebinding).
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK))
    return app


def problem(status: int, title: str, detail: str, hint: str = "") -> JSONResponse:
    """Render an error as RFC 9457 problem details."""
    body = Problem(title=title, status=status, detail=detail, hint=hint)
    return JSONResponse(body.model_dump(), status_code=status, media_type="application/problem+json")


async def _ours(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, errors.SpreadGuideError):
        raise error
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    return problem(status, type(error).__name__, error.message, error.hint)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    found = [f"{'.'.join(map(str, entry['loc'][1:])) or 'body'}: {entry['msg']}" for entry in error.errors()]
    return problem(422, "InvalidRequest", "; ".join(found), "See /docs for what this address takes.")


async def _http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return problem(error.status_code, "HttpError", str(error.detail), "See /docs for the addresses there are.")
