"""What a measurement gives, and how it is kept: one JSON file per run, with all that is needed to do it again."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from spreadguide import __version__
from spreadguide.assistant import Assistant
from spreadguide.errors import EvaluationError
from spreadguide.evaluation.metrics import DIGITS, interval
from spreadguide.evaluation.sets import EvaluationSet
from spreadguide.protocols import Embedder, PairJudge, ReportFile

Done = Callable[[str, int, int], None]
"""Told of a step's name, its size, and how much more of it is done."""


class Workbench(Protocol):
    """Gives an assistant with the settings that answer users, on reports or texts of a set."""

    @property
    def embedder(self) -> Embedder:
        """The embedder that questions and claims go through."""

    @property
    def reader(self) -> PairJudge:
        """The cross-encoder that reads questions with passages, and claims with evidence."""

    def on_reports(self, folder: Path | None, name: str) -> AbstractContextManager[Assistant]:
        """Build the index of the reports in ``folder``, keep it under ``name``, and lend an assistant on it.

        Without a folder, the reports are the briefs that come with SpreadGuide.
        """

    def on_texts(self, texts: Sequence[ReportFile], name: str) -> AbstractContextManager[Assistant]:
        """Build the index of ``texts``, keep it under ``name`` for the next run, and lend an assistant on it."""


@dataclass(slots=True)
class Measured:
    """Metrics of one run: ``rows`` hold one value per metric that is a mean, so that two runs can be compared."""

    n: int
    metrics: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    fingerprint: str | None = None
    model: str | None = None

    def add(self, name: str, statistic: Callable[[NDArray[np.intp]], float], count: int | None = None) -> None:
        """Add a metric with its interval; ``statistic`` is given the numbers of rows to look at.

        ``count`` is how many rows there are, where the metric looks at fewer than all.
        """
        rows = self.n if count is None else count
        value = statistic(np.arange(rows)) if rows else math.nan
        if not math.isfinite(value):
            return
        self.metrics[name] = round(value, DIGITS)
        bounds = interval(rows, statistic)
        if bounds is not None:
            self.intervals[name] = bounds

    def add_mean(self, name: str, values: Sequence[float]) -> None:
        """Add the mean of ``values``, one per row."""
        numbers = np.array(values, dtype=np.float64)
        self.add(name, lambda rows: float(numbers[rows].mean()), len(numbers))


def as_json(measured: Measured, of: EvaluationSet, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run as it is printed and kept: metrics and their intervals on top, then what it was made with."""
    return {
        "set": of.name,
        "kind": str(of.kind),
        "n": measured.n,
        **measured.metrics,
        **{f"{name}_ci": list(bounds) for name, bounds in measured.intervals.items()},
        **measured.more,
        "index_fingerprint": measured.fingerprint,
        "model": measured.model,
        **about,
        "version": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()},
        "rows": measured.rows,
    }


def keep(run: Mapping[str, Any], folder: Path) -> Path:
    """Write ``run`` into ``folder`` under the name of its set and its date, and return the file."""
    stamp = str(run["date"]).replace(":", "").replace("+0000", "Z")
    path = folder / f"{run['set']}-{stamp}-{uuid4().hex[:4]}.json"  # two runs may end in one second
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(run, ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError as error:
        message = f"The run cannot be written to {path}: {error.strerror}."
        raise EvaluationError(message, hint="Name another folder with --runs.") from error
    return path


def read(path: Path) -> dict[str, Any]:
    """Read a kept run; raises `EvaluationError`."""
    hint = "Name a file that `spreadguide eval` wrote."
    try:
        run = json.loads(path.read_bytes())
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}.", hint=hint) from error
    except ValueError as error:
        raise EvaluationError(f"{path} is no JSON file.", hint=hint) from error
    if not isinstance(run, dict) or not _is_run(run):
        raise EvaluationError(f"{path} is no kept run.", hint=hint)
    return run


def _is_run(found: Mapping[str, Any]) -> bool:
    if not all(name in found for name in ("set", "kind", "date", "machine", "n")):
        return False
    rows = found.get("rows")
    return isinstance(rows, list) and all(isinstance(row, dict) and "id" in row for row in rows)


@dataclass(frozen=True, slots=True)
class Difference:
    """How a metric changed from one run to another: the mean over the rows that both have, with its interval."""

    name: str
    before: float
    after: float
    change: float
    bounds: tuple[float, float] | None
    rows: int


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return how each metric differs, paired by row.

    Raises `EvaluationError` when the runs are on two sets, or have no row in common.
    """
    if (before["set"], before["kind"]) != (after["set"], after["kind"]):
        message = f"One run is on {before['set']}, the other on {after['set']}."
        raise EvaluationError(message, hint="Compare two runs on one set.")
    olds = {row["id"]: row for row in before["rows"]}
    pairs = [(olds[row["id"]], row) for row in after["rows"] if row["id"] in olds]
    if not pairs:
        raise EvaluationError("The two runs have no row in common.", hint="Compare two runs on one set.")
    names = dict.fromkeys(name for pair in pairs for row in pair for name in row.get("values", {}))
    return [_difference(name, pairs) for name in names]


def _difference(name: str, pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> Difference:
    found = [
        (float(old[name]), float(new[name]))
        for old, new in ((old.get("values", {}), new.get("values", {})) for old, new in pairs)
        if name in old and name in new
    ]
    old = np.array([one for one, _ in found])
    new = np.array([other for _, other in found])
    change = new - old
    bounds = interval(len(change), lambda rows: float(change[rows].mean()))
    means = [round(float(values.mean()), DIGITS) if values.size else math.nan for values in (old, new, change)]
    return Difference(name, means[0], means[1], means[2], bounds, len(found))
