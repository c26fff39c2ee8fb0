"""When a model that crashed is started again, and what people are told until then."""

from __future__ import annotations

import time
from collections.abc import Callable

from spreadguide.adapters.llama_settings import (
    MANY_CRASHES,
    Failure,
    GeneratorState,
    GeneratorStatus,
    LlamaSettings,
)

_AGAIN_SOON = "Ask again in a minute. Until then, answers are quotes."


class Restarts:
    """Counts crashes in a row; for one thread."""

    def __init__(self, settings: LlamaSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` tells the time in seconds."""
        self._settings = settings
        self._clock = clock
        self._in_a_row = 0
        self._wait = 0.0
        self._hint = ""
        self._ready_at: float | None = None

    def ready(self) -> None:
        """Note that the model has been loaded."""
        self._ready_at = self._clock()

    def crashed(self, failure: Failure) -> tuple[GeneratorState, float]:
        """Note the model's end; return the state to show, and the seconds until it shall be started again."""
        if self._ready_at is not None and self._clock() - self._ready_at >= self._settings.steady:
            self._in_a_row = 0
        self._ready_at = None
        self._in_a_row += 1
        if self._in_a_row == 1:
            self._wait = 0.0
        else:
            longer = max(2 * self._wait, self._settings.restart_wait)
            self._wait = min(longer, self._settings.longest_restart_wait)
        state = self._told(failure)
        self._hint = state.hint
        return state, self._wait

    def starting_again(self) -> GeneratorState:
        """Return the state to show while the model is loaded once more."""
        return GeneratorState(GeneratorStatus.LOADING, "The model stopped and is being started again.", self._hint)

    def _told(self, failure: Failure) -> GeneratorState:
        if self._in_a_row >= MANY_CRASHES:
            often = f"That was failure number {self._in_a_row} in a row."
            return failure.state(f"{failure.reason} {often} The model is started again in {self._wait:.0f} seconds.")
        hint = _AGAIN_SOON if failure.kind == "crash" else ""
        return failure.state(f"{failure.reason} The model is being started again.", hint)
