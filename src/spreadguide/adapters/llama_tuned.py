"""How the model runs best on this machine, as `llama_calibration` measured it once: kept, found again, forgotten."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import os
import platform
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spreadguide.adapters.llama_kept import file_stamp
from spreadguide.adapters.llama_settings import LlamaSettings, usable_cores
from spreadguide.durable import put_in_place

log = logging.getLogger(__name__)

RULES = 2
"""To be raised when the calibration measures or chooses differently: what was chosen before is then forgotten."""

MOST_THREADS = 256
"""As in the settings."""

MOST_BATCH = 4096
"""Far above what is ever tried."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tuned(_Strict):
    """The settings that are chosen; fields as in `LlamaSettings`."""

    threads: int = Field(ge=1, le=MOST_THREADS)
    threads_batch: int = Field(ge=1, le=MOST_THREADS)
    batch: int = Field(ge=8, le=MOST_BATCH)
    flash: Literal["auto", "off", "on"]
    cache_type: Literal["f16", "q8_0"]
    waiting: Literal["sleep", "brief"]


class Trial(_Strict):
    """What became of one change.

    ``gain`` is the share of an answer's time that it saves: the median of ``pairs`` measured in turn. ``busy`` is the
    same with another process keeping a core busy, where that was looked at. Without pairs, time ran out or it does not
    run.
    """

    change: str
    gain: float | None
    busy: float | None
    pairs: int
    taken: bool
    why: str


class Calibration(_Strict):
    """All of one calibration; rates in tokens a second with the settings chosen."""

    chosen: Tuned
    trials: tuple[Trial, ...]
    prompt_rate: float
    writing_rate: float
    seconds: float


def start_settings() -> Tuned:
    """Return what is used where nothing was calibrated."""
    plain, cores = LlamaSettings(), usable_cores()
    return Tuned(threads=cores, threads_batch=cores, batch=plain.batch, flash="auto", cache_type="f16", waiting="brief")


def tuned(settings: LlamaSettings, model: Path) -> LlamaSettings:
    """Return ``settings`` with what was chosen for ``model`` on this machine; threads that they name stay."""
    found = kept_calibration(settings.kept, model) if settings.kept else None
    if found is None:
        return settings
    chosen = found.chosen.model_dump()
    if settings.threads:
        chosen |= {"threads": settings.threads, "threads_batch": settings.threads}
    return replace(settings, **chosen)


def kept_calibration(folder: Path, model: Path) -> Calibration | None:
    """Return the calibration of ``model`` on this machine as it is now, or ``None``."""
    try:
        content = json.loads(_place(folder, model).read_bytes())
        return Calibration.model_validate_json(json.dumps(content["calibration"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        log.warning("the calibration cannot be read, and is left out: %s", type(error).__name__)
        return None


def keep_calibration(folder: Path, model: Path, found: Calibration) -> Path:
    """Keep ``found`` in ``folder``, in place of an earlier one; return its file. Raises `OSError`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = _place(folder, model)
    descriptor, half = tempfile.mkstemp(".half", dir=folder)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"for": _conditions(model), "calibration": found.model_dump()}, file, indent=1)
    put_in_place(Path(half), place)
    return place


def forget_calibration(folder: Path, model: Path) -> bool:
    """Remove the calibration of ``model`` on this machine; return whether there was one. Raises `OSError`."""
    try:
        _place(folder, model).unlink()
    except FileNotFoundError:
        return False
    return True


def _place(folder: Path, model: Path) -> Path:
    name = hashlib.sha256(json.dumps(_conditions(model)).encode()).hexdigest()[:32]
    return folder / f"{name}.tuned.json"


def _conditions(model: Path) -> list[str | int]:
    """Return all that a calibration is for; after a change of it, another one is needed."""
    return [RULES, file_stamp(model), processor(), usable_cores(), _engine_version()]


def processor() -> str:
    """Return the processor's model name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _engine_version() -> str:
    try:
        return importlib.metadata.version("llama-cpp-python")
    except importlib.metadata.PackageNotFoundError:
        return "none"
