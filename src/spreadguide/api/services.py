"""What every route needs: the services of the running application."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from spreadguide.wiring import Services


def services(request: Request) -> Services:
    """Return the services that the application was created with."""
    found: Services = request.app.state.services
    return found


ServicesHere = Annotated[Services, Depends(services)]
