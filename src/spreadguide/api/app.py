"""The application factory: routes, errors as problem details, and the limits on what may come in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from spreadguide import __version__
from spreadguide.api import ask, health, library
from spreadguide.api.limits import BodyLimit, KnownHosts
from spreadguide.api.problems import add_error_handlers
from spreadguide.api.schemas import Problem
from spreadguide.api.workers import Workers
from spreadguide.wiring import Services

DESCRIPTION = (
    "Cited answers about adopting and spreading innovation in health care, from your own reports only. "
    "Every sentence is checked against the passage it cites. It gives no advice about an individual patient."
)

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})
"""Names of this machine, as a setting or as the `Host` of a request; a server there answers to no other name."""


def create_app(services: Services) -> FastAPI:
    """Build the API over ``services``, which it closes when it shuts down."""
    workers = Workers()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            workers.close()
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
    app.state.workers = workers
    for router in (ask.router, library.router, health.router):
        app.include_router(router)
    add_error_handlers(app)
    app.add_middleware(BodyLimit)
    if services.settings.host in LOOPBACK:
        app.add_middleware(KnownHosts, hosts=LOOPBACK)
    return app
