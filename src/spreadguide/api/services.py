"""What routes need: the services of the running application, and its workers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from spreadguide.api.workers import Workers
from spreadguide.wiring import Services


def services(request: Request) -> Services:
    """Return the services that the application was created with."""
    found: Services = request.app.state.services
    return found


ServicesHere = Annotated[Services, Depends(services)]


def workers(request: Request) -> Workers:
    """Return the threads that work on the application's questions."""
    found: Workers = request.app.state.workers
    return found


WorkersHere = Annotated[Workers, Depends(workers)]
