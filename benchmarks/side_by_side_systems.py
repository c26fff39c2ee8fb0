"""The systems that are asked side by side: SpreadGuide through its server, and each peer in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import IO, Any, Protocol

import httpx
import psutil
from server_process import Running, events, request_body, server
from side_by_side_marks import Reply, our_reply, peer_reply

from spreadguide import __version__
from spreadguide.evaluation.sets import QuestionRow

SCRIPTS = Path(__file__).parent / "side_by_side_peers"

OURS = "SpreadGuide"
PEERS = {"LlamaIndex": "llamaindex", "Haystack": "haystack", "txtai": "txtai"}
"""Each peer's name, and how its script and its environment are called."""

READY_SECONDS = 3600.0
"""Longest wait for a peer to embed the reports and load the model."""

ANSWER_SECONDS = 900.0
"""Longest wait for one answer of a peer."""

SILENCE_SECONDS = 300.0
STOP_SECONDS = 15.0

TOLD_CHARACTERS = 3000
"""How much of what a peer wrote is repeated when it ends too early."""

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HAYSTACK_TELEMETRY_ENABLED": "False"}
"""Every file is on this machine; nothing is fetched, and nothing is told to anybody."""


class System(Protocol):
    """What is asked."""

    name: str
    ready_seconds: float
    versions: Mapping[str, str]

    def ask(self, row: QuestionRow) -> Reply:
        """Ask one question and wait for its end."""

    def peak_megabytes(self) -> float:
        """Return the most memory that its processes had at once; see `peak_of`."""


def peak_of(pid: int) -> float:
    """Return the sum of the largest resident sets (VmHWM) of a process and those it started, in megabytes.

    Pages that two of them share, and those of the model file, count in each. Linux only.
    """
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    total = 0
    for process in processes:
        with suppress(OSError):
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
            total += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)
    return round(total * 1024 / 1e6, 1)


@dataclass
class Ours:
    """SpreadGuide as its user runs it, asked over HTTP as a stream."""

    running: Running
    ready_seconds: float
    name: str = OURS
    versions: Mapping[str, str] = field(default_factory=lambda: {"spreadguide": __version__})

    def ask(self, row: QuestionRow) -> Reply:
        """Ask one question; its first words are the first statement that was checked, or the first of the draft."""
        return asyncio.run(self._ask(row))

    async def _ask(self, row: QuestionRow) -> Reply:
        first, last, said, after = None, "nothing", "", 0.0
        timeout = httpx.Timeout(SILENCE_SECONDS)
        async with httpx.AsyncClient(base_url=self.running.address, timeout=timeout, trust_env=False) as client:
            began = time.perf_counter()
            async with client.stream("POST", "/v1/ask", json=request_body(row)) as response:
                response.raise_for_status()
                async for last, said, after in events(response.aiter_lines(), began):  # noqa: B007 - the last counts
                    if first is None and last in {"claim", "token", "final"}:
                        first = after
        if last != "final":
            raise SystemExit(f"The question {row.id} ended with {last}: {said}")
        answer = json.loads(said)
        if answer["trace"].get("cached"):
            raise SystemExit(f"The answer to {row.id} was given again, not worked out: nothing was measured.")
        return our_reply(row.id, answer, (after if first is None else first) / 1000, after / 1000)

    def peak_megabytes(self) -> float:
        """Return the peak of the server with the process that owns the model."""
        return peak_of(self.running.process.pid)


@contextmanager
def ours(index: Path, model: str) -> Iterator[Ours]:
    """Run SpreadGuide's server on an index, with its model ready."""
    with server(index, "--model", model) as running:
        yield Ours(running, round(running.wait_ready(), 1))


@dataclass
class Peer:
    """A peer's process, asked by lines of JSON; see `side_by_side_peers/line_protocol.py`."""

    name: str
    process: subprocess.Popen[str]
    log: IO[bytes]
    ready_seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)

    def wait_ready(self) -> None:
        """Wait until its index is built and its model is loaded."""
        began = time.perf_counter()
        self.versions = self._until({"ready"}, READY_SECONDS)[0]["versions"]
        self.ready_seconds = round(time.perf_counter() - began, 1)

    def ask(self, row: QuestionRow) -> Reply:
        """Ask one question; whatever its library raises is a reply that failed."""
        if self.process.stdin is None:
            raise SystemExit(f"{self.name} cannot be asked: it has no input.")
        began = time.perf_counter()
        print(json.dumps({"question": row.question}), file=self.process.stdin, flush=True)
        said, first, end = self._until({"answer", "error"}, ANSWER_SECONDS)
        return peer_reply(row.id, said, (end if first is None else first) - began, end - began)

    def _until(self, wanted: set[str], seconds: float) -> tuple[dict[str, Any], float | None, float]:
        """Read lines up to a wanted event; return it, when the event `first` came, and when it came itself."""
        first = None
        late = Timer(seconds, self.process.kill)
        late.start()
        try:
            for line in self.process.stdout or ():
                now = time.perf_counter()
                said: dict[str, Any] = json.loads(line)
                if said["event"] in wanted:
                    return said, first, now
                first = first or now
        finally:
            late.cancel()
        self.log.seek(0)
        told = self.log.read().decode("utf-8", "replace")[-TOLD_CHARACTERS:].strip()
        raise SystemExit(f"{self.name} ended, or said nothing for {seconds:.0f} seconds. It wrote: {told or 'nothing'}")

    def peak_megabytes(self) -> float:
        """Return the peak of its process."""
        return peak_of(self.process.pid)


@contextmanager
def peer(name: str, command: Sequence[str], options: Mapping[str, Any]) -> Iterator[Peer]:
    """Run a peer's script, ``command``, with its options, and end it afterwards."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | OFFLINE
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, json.dumps(dict(options))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            env=environment,
        )
        with process:
            try:
                found = Peer(name, process, log)
                found.wait_ready()
                yield found
            finally:
                process.terminate()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()


def python_of(environments: Path, name: str) -> Path:
    """Return the interpreter of a peer's virtual environment."""
    return environments / PEERS[name] / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def command_of(environments: Path, name: str) -> list[str]:
    """Return the command that starts a peer; ends the program when its environment is not there."""
    python = python_of(environments, name)
    if not python.exists():
        raise SystemExit(
            f"{name} is not installed in {environments}.\n"
            f"What to do: python benchmarks/side_by_side.py --set-up {environments}"
        )
    return [str(python), str(SCRIPTS / f"with_{PEERS[name]}.py")]


def probe(options: Mapping[str, Any]) -> dict[str, float]:
    """Return what the raw engine does now, in a process of its own: see `side_by_side_probe.py`."""
    script = Path(__file__).with_name("side_by_side_probe.py")
    command = [sys.executable, str(script), json.dumps(dict(options))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit("The raw engine could not be measured. The lines above say why.")
    found: dict[str, float] = json.loads(done.stdout)
    return found


Starter = Callable[[], Any]
"""Makes a context manager that lends a running `System`."""
