"""What becomes of questions under load, what is seen of the server meanwhile, and what of that must not be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MOST_GROWTH = 0.10
"""Of memory, from before the load to after it."""

UNFORESEEN, CLEAR = "error that nobody foresaw", "clear error"
"""How a stream can end in place of an answer. Only where the model is killed, a clear error is a good end."""

TOLD = 20
"""Most failures that are told one by one."""


@dataclass(slots=True)
class Tally:
    """What became of every question; ``retrieved`` and ``total`` in milliseconds."""

    accepted: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    retrieved: list[float] = field(default_factory=list)
    total: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def fail(self, kind: str, what: str) -> None:
        """Count a failure, and keep what is known of it."""
        self.outcomes[kind] += 1
        if len(self.told) < TOLD:
            self.told.append(f"{kind}: {what}")


@dataclass(slots=True)
class Watch:
    """What was seen of the server meanwhile; ``killed`` in seconds since the load began."""

    memory: list[dict[str, Any]] = field(default_factory=list)
    alive: list[float] = field(default_factory=list)
    not_alive: list[str] = field(default_factory=list)
    killed: list[float] = field(default_factory=list)


def growth(before: dict[str, float | None], after: dict[str, float | None]) -> dict[str, float | None]:
    """Return by which share memory grew, of the server and of the model's process; ``None`` where one was not read."""
    return {
        name: None if not (first := before[name]) or (last := after[name]) is None else round(last / first - 1, 3)
        for name in before
    }


def failures(tally: Tally, watch: Watch, after: dict[str, Any], kills: int) -> list[str]:
    """Return what is not as it must be, in plain words; empty when all is well."""
    counts = tally.outcomes
    found = {
        f"{counts['other error']} questions failed with something other than 429": counts["other error"],
        f"{counts['did not end']} accepted questions did not end": counts["did not end"],
        f"{counts[UNFORESEEN]} accepted questions ended with an error that nobody foresaw": counts[UNFORESEEN],
        f"{counts[CLEAR]} accepted questions ended with an error": not kills and counts[CLEAR],
        "the model wrote no answer, so it was not under load": not counts["written"],
        "the server ended": not after["alive"],
        f"the server did not say {len(watch.not_alive)} times that it is alive": watch.not_alive,
        f"the model was killed {len(watch.killed)} times only, not {kills}": len(watch.killed) < kills,
        "the model did not come back": after["model_ready_after_seconds"] is None,
    }
    grown = after["memory_growth"]
    # A process that was killed and started again says nothing about growth.
    for name in ("server",) if kills else ("server", "model"):
        share = grown[name]
        found[f"the memory of the {name} grew by {share or 0:.0%}"] = share is not None and share >= MOST_GROWTH
    return [what for what, wrong in found.items() if wrong]
