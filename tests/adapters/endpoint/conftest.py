"""A scripted endpoint, generators that talk to it, and a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from endpoint_site import KEY, WAIT_SECONDS, Clock, Site
from endpoint_site import site as running_site

from spreadguide.adapters import endpoint_generator
from spreadguide.adapters.endpoint_generator import EndpointGenerator
from spreadguide.adapters.endpoint_settings import EndpointSettings


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as found:
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(site: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., EndpointGenerator]]:
    monkeypatch.setattr(endpoint_generator, "FIRST_LOOK_AGAIN_SECONDS", 0.05)
    made: list[EndpointGenerator] = []

    def start(**settings: object) -> EndpointGenerator:
        given = {"address": site.url, "model": "the-model", "key": KEY, "retry_wait": 0.01, **settings}
        generator = EndpointGenerator(EndpointSettings(**given), clock=clock)
        made.append(generator)
        generator.start()
        generator.wait(WAIT_SECONDS)
        return generator

    yield start
    for generator in made:
        generator.close()
        generator.close()
