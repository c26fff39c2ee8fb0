"""Is the server alive, and is it ready: for people, load balancers and the chat page."""

from __future__ import annotations

from fastapi import APIRouter, Response

from spreadguide.api import schemas
from spreadguide.api.services import ServicesHere

router = APIRouter(tags=["health"])

QUOTES_UNTIL = "Until then, answers are quotes from the reports."


@router.get("/healthz", summary="Alive")
def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "alive"}


@router.get("/readyz", summary="Ready", responses={503: {"model": schemas.Readiness}})
def readyz(response: Response, services: ServicesHere) -> schemas.Readiness:
    """Say whether index and model are loaded: 200 when both are, 503 while the model is not.

    Questions are answered in both cases; while the model is away the answers are verbatim quotes.
    """
    generator = services.generator
    if generator is None:
        return schemas.Readiness(ready=True, index="ready", generator="off", detail="Answers are quotes, as set.")
    state = generator.state
    if generator.ready:
        return schemas.Readiness(ready=True, index="ready", generator="ready", detail="Ready.")
    response.status_code = 503
    said = [part if part.endswith(".") else f"{part}." for part in (state.reason, state.hint) if part]
    if "quotes" not in state.hint:
        said.append(QUOTES_UNTIL)
    detail = " ".join(said)
    return schemas.Readiness(ready=False, index="ready", generator=state.status.value, detail=detail)
