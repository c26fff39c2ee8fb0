"""What a running program needs of a generator beyond writing: to start it, to wait for it, to ask how it is."""

from __future__ import annotations

from typing import Protocol

from spreadguide.adapters.llama_settings import GeneratorState
from spreadguide.protocols import Generator


class ServedGenerator(Generator, Protocol):
    """A `Generator` that comes and goes in the background, on this machine or elsewhere."""

    @property
    def state(self) -> GeneratorState:
        """Where the generator stands, and why."""

    @property
    def pid(self) -> int | None:
        """The id of the process of this machine that owns the model, where there is one."""

    def start(self) -> None:
        """Begin to look for the model; returns at once."""

    def wait(self, seconds: float) -> bool:
        """Wait until the model is ready or cannot be used, at most ``seconds``; return whether it is ready."""

    def close(self) -> None:
        """Let go of the model for good; safe to call twice."""
