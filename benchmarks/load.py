"""Puts a small machine under load: many clients ask at once, some leave early, and the model's process may be killed.

python benchmarks/load.py [--index DIR] [--clients 60] [--seconds 300] [--kills 10] [--out FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
from load_figures import CLEAR, TOLD, UNFORESEEN, Tally, Watch, failures, growth
from server_process import Running, events, golden, index_here, publish, request_body, server, spread, surroundings

from spreadguide.api.problems import UNEXPECTED
from spreadguide.evaluation.sets import QuestionRow
from spreadguide.settings import DEFAULT_MODEL

OPENINGS = ("", "Quick question: ", "Please tell me: ", "A colleague asks: ", "For a slide: ")
"""Put in front of a question: a server that keeps answers must not live on a few hundred of them."""

WARM_UP_QUESTIONS = 4
"""Asked one after another before memory is first read: it grows while things are loaded for the first time."""

LEAVES = 0.1
"""Share of questions whose client closes the connection before the end."""

LEAVES_WITHIN_SECONDS = 8.0
SILENCE_SECONDS = 180.0
"""An accepted question that sends nothing for so long counts as one that did not end."""

CONNECT_SECONDS = 30.0
MOST_WAIT_SECONDS = 30.0
"""A client that is told to come back later does so, but at the latest then."""

MEMORY_SECONDS = 10.0
LOOK_SECONDS = 1.0
"""How often it is asked whether the server is alive, and for how long it may take to say so: ten times as long."""

KILL_LOOK_SECONDS = 0.2
BACK_SECONDS = 120.0
"""How long the model may take to come back after the load."""


async def ask(client: httpx.AsyncClient, body: dict[str, Any], leave_after: float | None, tally: Tally) -> float:
    """Ask once and count what becomes of it; return how many seconds to wait before the next question."""
    accepted = False
    try:
        async with asyncio.timeout(leave_after), client.stream("POST", "/v1/ask", json=body) as response:
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                return _told_to_wait(response, tally)
            if response.status_code != httpx.codes.OK:
                tally.fail("other error", f"{response.status_code} {(await response.aread()).decode()[:300]}")
                return LOOK_SECONDS
            accepted = True
            tally.accepted += 1
            await _until_the_end(response, tally)
    except TimeoutError:
        tally.outcomes["closed early" if accepted else "closed before it was accepted"] += 1
    except httpx.HTTPError as error:
        tally.fail("did not end" if accepted else "other error", repr(error))
        return LOOK_SECONDS
    return 0.0


async def _until_the_end(response: httpx.Response, tally: Tally) -> None:
    """Read the events of one accepted question; events of names that are not known are passed over."""
    last, said, after = "", "", 0.0
    began = time.perf_counter()
    async for name, data, after in events(response.aiter_lines(), began):
        last = name
        if name == "retrieved":
            tally.retrieved.append(after)
        elif name in {"final", "error"}:
            said = data
    if last == "final":
        tally.total.append(after)
        tally.outcomes[_outcome(json.loads(said))] += 1
    elif last == "error":
        unforeseen = json.loads(said)["title"] == UNEXPECTED.title
        tally.fail(UNFORESEEN if unforeseen else CLEAR, said)
    else:
        tally.fail("did not end", f"the last event was {last or 'none'}")


def _outcome(answer: dict[str, Any]) -> str:
    if answer["trace"].get("cached"):
        return "given again"
    if answer["status"] in {"not_covered", "declined"}:
        return str(answer["status"])
    return "quotes" if answer["trace"]["model"] is None else "written"


def _told_to_wait(response: httpx.Response, tally: Tally) -> float:
    said = response.headers.get("Retry-After", "")
    if not said.isdigit():
        tally.fail("other error", f"429 whose Retry-After is {said!r}")
        return LOOK_SECONDS
    tally.outcomes["told to wait"] += 1
    tally.waits.append(float(said))
    return min(float(said), MOST_WAIT_SECONDS)


async def keep_asking(
    client: httpx.AsyncClient, rows: Sequence[QuestionRow], seed: int, end: float, tally: Tally
) -> None:
    """Be one client until ``end`` (of the monotonic clock): ask, read, ask again; finish what was begun before."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    while time.monotonic() < end:
        body = request_body(dice.choice(rows), before=dice.choice(OPENINGS))
        leave_after = dice.uniform(0, LEAVES_WITHIN_SECONDS) if dice.random() < LEAVES else None
        wait = await ask(client, body, leave_after, tally)
        await asyncio.sleep(max(0.0, min(wait, end - time.monotonic())))


async def watch_memory(running: Running, began: float, watch: Watch) -> None:
    """Read memory again and again."""
    while True:
        found = await asyncio.to_thread(running.memory_megabytes)
        watch.memory.append({"second": round(time.monotonic() - began), **found})
        await asyncio.sleep(MEMORY_SECONDS)


async def watch_life(running: Running, watch: Watch) -> None:
    """Ask again and again whether the server is alive."""
    async with httpx.AsyncClient(base_url=running.address, timeout=10 * LOOK_SECONDS, trust_env=False) as client:
        while True:
            asked = time.perf_counter()
            try:
                (await client.get("/healthz")).raise_for_status()
                watch.alive.append((time.perf_counter() - asked) * 1000)
            except httpx.HTTPError as error:
                watch.not_alive.append(repr(error))
            await asyncio.sleep(LOOK_SECONDS)


async def kill_now_and_then(running: Running, kills: int, began: float, seconds: float, watch: Watch) -> None:
    """Kill the model's process ``kills`` times, spread over the run, each time once it is ready."""
    async with httpx.AsyncClient(base_url=running.address, timeout=SILENCE_SECONDS, trust_env=False) as client:
        for number in range(1, kills + 1):
            await asyncio.sleep(max(0.0, began + seconds * number / (kills + 1) - time.monotonic()))
            while not await _killed(client, running):
                await asyncio.sleep(KILL_LOOK_SECONDS)
            watch.killed.append(round(time.monotonic() - began, 1))


async def _killed(client: httpx.AsyncClient, running: Running) -> bool:
    """Kill the model's process if it is ready; return whether it was, once it is gone."""
    if not await _ready(client) or (worker := await asyncio.to_thread(running.worker)) is None:
        return False
    try:
        worker.kill()
    except psutil.NoSuchProcess:
        return False
    # The server takes note of its end first: it must not be found ready, and killed, a second time.
    await asyncio.to_thread(worker.wait)
    return True


async def _ready(client: httpx.AsyncClient) -> bool:
    with suppress(httpx.HTTPError):
        return (await client.get("/readyz")).status_code == httpx.codes.OK
    return False


async def load(running: Running, given: argparse.Namespace) -> tuple[Tally, Watch, dict[str, Any]]:
    """Let the clients ask; return what became of it, what was seen, and memory before and after."""
    rows, tally, watch = golden(), Tally(), Watch()
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS, pool=None)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=given.clients)
    async with httpx.AsyncClient(base_url=running.address, timeout=timeout, limits=limits, trust_env=False) as client:
        for row in [row for row in rows if row.covered][:WARM_UP_QUESTIONS]:
            await ask(client, request_body(row), None, Tally())
        before = running.memory_megabytes()
        began = time.monotonic()
        end = began + given.seconds
        beside = [asyncio.create_task(watch_memory(running, began, watch))]
        beside += [asyncio.create_task(watch_life(running, watch))]
        killing = asyncio.create_task(kill_now_and_then(running, given.kills, began, given.seconds, watch))
        clients = [keep_asking(client, rows, given.seed + number, end, tally) for number in range(given.clients)]
        await asyncio.gather(*clients)
        took = time.monotonic() - began
        for task in (killing, *beside):
            task.cancel()
        ended = await asyncio.gather(killing, *beside, return_exceptions=True)
    failed = [repr(one) for one in ended if isinstance(one, Exception)]
    if failed:
        raise SystemExit(f"Watching the server failed: {', '.join(failed)}")
    return tally, watch, {"seconds": round(took, 1), "before": before}


async def back_again(running: Running) -> tuple[bool, float | None]:
    """Return whether the server is alive after the load, and in how many seconds the model was ready (or not)."""
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=running.address, timeout=SILENCE_SECONDS, trust_env=False) as client:
        try:
            alive = (await client.get("/healthz")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False, None
        while (seconds := time.monotonic() - began) < BACK_SECONDS:
            if await _ready(client):
                return alive, round(seconds, 1)
            await asyncio.sleep(KILL_LOOK_SECONDS)
    return alive, None


def run(given: argparse.Namespace, index: Path) -> dict[str, Any]:
    """Start the server, load it, and tell what became of it."""
    result: dict[str, Any] = {**surroundings(), "clients": given.clients, "kills": given.kills, "seed": given.seed}
    with server(index, "--model", given.model) as running:
        running.wait_ready()
        model = Path(running.worker_options()["model_path"]).name
        tally, watch, found = asyncio.run(load(running, given))
        alive, ready = asyncio.run(back_again(running))
        memory = running.memory_megabytes()
    before = found.pop("before")
    after = {"alive": alive, "model_ready_after_seconds": ready, "memory_growth": growth(before, memory)}
    result |= {
        "model": model,
        **found,
        "accepted": tally.accepted,
        "outcomes": dict(sorted(tally.outcomes.items())),
        "retry_after_seconds": spread(tally.waits),
        "retrieved_ms": spread(tally.retrieved),
        "whole_answer_ms": spread(tally.total),
        "alive_ms": spread(watch.alive),
        "killed_at_seconds": watch.killed,
        "memory_megabytes": {"before": before, "after": memory, "meanwhile": watch.memory},
        **after,
        "told": tally.told + watch.not_alive[:TOLD],
        "failures": failures(tally, watch, after, given.kills),
    }
    return result


def main() -> int:
    """Load the server, and print the result; 1 when something was not as it must be."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--index", type=Path, help="index to ask; one of the shipped briefs is built when left out")
    options.add_argument("--model", default=DEFAULT_MODEL, help="id or path of the generator")
    options.add_argument("--clients", type=int, default=60, help="how many ask at once")
    options.add_argument("--seconds", type=float, default=300, help="how long they ask")
    options.add_argument("--kills", type=int, default=0, help="how often the model's process is killed meanwhile")
    options.add_argument("--seed", type=int, default=1, help="of the order of questions")
    options.add_argument("--out", type=Path, help="file for the result, beside the standard output")
    given = options.parse_args()
    if given.clients < 1 or given.seconds <= 0 or given.kills < 0:
        options.error("--clients and --seconds must be above 0, and --kills not below")
    with tempfile.TemporaryDirectory() as work:
        result = run(given, index_here(given.index, Path(work)))
    publish(result, given.out)
    if result["failures"]:
        print(f"FAILED: {'; '.join(result['failures'])}.", file=sys.stderr)
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
