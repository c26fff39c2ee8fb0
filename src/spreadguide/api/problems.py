"""Every error as RFC 9457 problem details: what went wrong, and what to do next."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from spreadguide import errors
from spreadguide.api.schemas import Problem

MEDIA_TYPE = "application/problem+json"

STATUS: tuple[tuple[type[errors.SpreadGuideError], int], ...] = (
    (errors.QuestionError, 422),
    (errors.NotFound, 404),
    (errors.GeneratorUnavailable, 503),
    (errors.IndexingError, 503),
    (errors.SpreadGuideError, 500),
)
"""HTTP status of each of our errors; the first that fits counts."""

IN_PLAIN_WORDS = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take this method.",
}
"""What the short phrases of HTTP mean."""

UNEXPECTED = Problem(
    title="InternalError",
    status=500,
    detail="Something went wrong on the server.",
    hint="Try again. If it happens again, run `spreadguide doctor`.",
)
"""All that is said about an error that nobody foresaw; the server's log has the rest."""


def describe(error: Exception) -> Problem:
    """Describe any error that ends a question; one that we did not raise on purpose tells nothing of its cause."""
    if not isinstance(error, errors.SpreadGuideError):
        return UNEXPECTED
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    return Problem(title=type(error).__name__, status=status, detail=error.message, hint=error.hint)


def add_error_handlers(app: FastAPI) -> None:
    """Make ``app`` answer every error with problem details."""
    app.add_exception_handler(errors.SpreadGuideError, _described)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _described)  # logged with its traceback, of which the client sees nothing


def respond(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """Render problem details as a response."""
    return JSONResponse(problem.model_dump(), problem.status, headers, MEDIA_TYPE)


async def _described(_request: Request, error: Exception) -> JSONResponse:
    return respond(describe(error))


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    found = [_invalid_field(entry["type"], entry["loc"][1:], entry["msg"]) for entry in error.errors()]
    hint = "Send JSON, with the header Content-Type: application/json. See /docs for what this address takes."
    return respond(Problem(title="InvalidRequest", status=422, detail="; ".join(found), hint=hint))


def _invalid_field(kind: str, place: tuple[str | int, ...], message: str) -> str:
    if kind == "json_invalid":
        return "The body is not valid JSON"
    return f"{'.'.join(map(str, place)) or 'body'}: {message}"


async def _http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    detail = IN_PLAIN_WORDS.get(HTTPStatus(error.status_code), str(error.detail))
    hint = "See /docs for the addresses there are, and what they take."
    problem = Problem(title="HttpError", status=error.status_code, detail=detail, hint=hint)
    return respond(problem, dict(error.headers or {}))
