"""What the measurements of a running server share: the server, its memory, its events, and the golden questions."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

import httpx
import psutil

from spreadguide import __version__
from spreadguide.evaluation.sets import QuestionRow, rows

START_SECONDS = 300.0
"""Longest wait for a server, and for the model in it, to be ready."""

LOOK_SECONDS = 0.05
"""How often readiness is asked for: it is known to this much."""

STOP_SECONDS = 15.0
BUSY_SECONDS = 2.0
"""How long it is watched what else keeps the processor busy."""

TOLD_CHARACTERS = 2000
"""How much of what a server wrote is repeated when it ended too early."""

WORKER = "llama_worker"
"""Part of the command line of the process that owns the model."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers at ``address``; ``alive_seconds`` is the time from its start to its first answer."""

    address: str
    process: subprocess.Popen[bytes]
    started: float
    alive_seconds: float

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self.process.poll() is not None

    def wait_ready(self) -> float:
        """Wait for the model; return the seconds from the start of the process until then."""
        with httpx.Client(base_url=self.address, trust_env=False) as client:
            return _wait(client, "/readyz", self.process, self.started)

    def worker(self) -> psutil.Process | None:
        """Return the process that owns the model, while there is one."""
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if any(WORKER in word for word in child.cmdline()):
                        return child
        return None

    def worker_options(self) -> dict[str, Any]:
        """Return how the model's process was told to run it: model file, threads, context and the like."""
        worker = self.worker()
        words = [] if worker is None else worker.cmdline()
        found = next((word for word in reversed(words) if word.startswith("{")), None)
        if found is None:
            raise SystemExit("The server runs no process that owns the model, or it does not say how.")
        options: dict[str, Any] = json.loads(found)
        return options

    def memory_megabytes(self) -> dict[str, float | None]:
        """Return what the server and the model's process have to themselves (USS), ``None`` where one is gone."""
        worker = self.worker()
        return {
            "server": _own_megabytes(self.process.pid),
            "model": None if worker is None else _own_megabytes(worker.pid),
        }


def _own_megabytes(pid: int) -> float | None:
    try:
        return round(float(psutil.Process(pid).memory_full_info().uss) / 1e6, 1)
    except psutil.NoSuchProcess:
        return None


@contextmanager
def server(index: Path, *options: str) -> Iterator[Running]:
    """Run ``spreadguide serve`` on a free port of this machine, as its user does, and end it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "spreadguide", "serve", "--port", str(port), "--index", str(index), *options]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as told:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=told, stderr=told)
        try:
            with httpx.Client(base_url=address, trust_env=False) as client:
                alive = _wait(client, "/healthz", process, started, told)
            yield Running(address, process, started, alive)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(
    client: httpx.Client, path: str, process: subprocess.Popen[bytes], started: float, told: IO[bytes] | None = None
) -> float:
    """Wait until ``path`` answers 200; return the seconds since ``started``."""
    said = "nothing"
    while (seconds := time.perf_counter() - started) < START_SECONDS:
        if process.poll() is not None:
            raise SystemExit(f"The server ended before it was ready. It said: {_tail(told)}")
        with suppress(httpx.TransportError):
            response = client.get(path)
            if response.status_code == httpx.codes.OK:
                return time.perf_counter() - started
            said = response.text
            if response.json().get("generator") == "missing":
                break
        time.sleep(LOOK_SECONDS)
    raise SystemExit(f"The server was not ready after {seconds:.0f} seconds. It said: {said}")


def _tail(told: IO[bytes] | None) -> str:
    if told is None:
        return "see above"
    told.seek(0)
    return told.read().decode("utf-8", "replace")[-TOLD_CHARACTERS:].strip()


async def events(lines: AsyncIterator[str], began: float) -> AsyncIterator[tuple[str, str, float]]:
    """Yield each server-sent event: its name, its data as JSON text, and the milliseconds since ``began``.

    The time is that of the line with the name. Every event has one name and one line of data (see docs/api.md).
    """
    name, after = "", 0.0
    async for line in lines:
        if line.startswith("event: "):
            name, after = line.removeprefix("event: "), (time.perf_counter() - began) * 1000
        elif line.startswith("data: "):
            yield name, line.removeprefix("data: "), after


def golden() -> list[QuestionRow]:
    """Return the golden questions, in the order of their file."""
    return rows(Path(str(files("spreadguide.evaluation") / "golden")), "questions.jsonl", QuestionRow)


def request_body(row: QuestionRow, *, before: str = "") -> dict[str, Any]:
    """Return the body that asks ``row`` as a stream, with ``before`` in front of its words."""
    history = [turn.model_dump() for turn in row.history]
    return {"question": before + row.question, "history": history, "role": row.role, "stream": True}


def index_here(given: Path | None, work: Path) -> Path:
    """Return the index to ask: the given one, or one of the shipped briefs, built in the folder ``work``."""
    if given is not None:
        return given
    corpus = Path(__file__).resolve().parents[1] / "corpus"
    command = [sys.executable, "-m", "spreadguide", "index", "build", "--corpus", str(corpus), "--index", str(work)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The index could not be built. {done.stderr.strip()}")
    return work


def spread(values: Sequence[float], digits: int = 0) -> dict[str, float | int]:
    """Return how many values there are, and their median and 95th percentile; only the number where it is 0."""
    if not values:
        return {"n": 0}
    high = statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
    return {"n": len(values), "p50": round(statistics.median(values), digits), "p95": round(high, digits)}


def surroundings() -> dict[str, Any]:
    """Return the version, the cores, and how busy others keep them; call it before anything is measured."""
    return {
        "spreadguide": __version__,
        "cores": len(os.sched_getaffinity(0)),
        "busy_percent_before": round(psutil.cpu_percent(BUSY_SECONDS)),
    }


def publish(result: dict[str, Any], out: Path | None) -> None:
    """Print ``result`` as one JSON object, and write it to the file ``out``, too, where one is named."""
    text = json.dumps(result, indent=1)
    print(text)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
