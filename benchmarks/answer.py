"""Measures how long a user waits for an answer, beside what the model can do at all on this machine at this time.

python benchmarks/answer.py [--index DIR] [--model ID_OR_PATH] [--out FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
from answer_figures import Asked, best_rates, figures_of, must_show
from server_process import Running, events, golden, index_here, publish, request_body, server, spread, surroundings

from spreadguide.adapters.llama_calibration import one_core_busy
from spreadguide.adapters.llama_settings import POLITE_THREADS
from spreadguide.evaluation.sets import QuestionRow
from spreadguide.settings import DEFAULT_MODEL, load_settings

LEAST_TOKENS = 8
"""Answers with fewer tokens tell nothing of the rate of writing."""

WARM_UP = "How do people who use a service help to change it?"
"""Asked first and not counted; no golden question, as answers may be kept for those who ask the same again."""

SILENCE_SECONDS = 300.0
"""Longest wait for the next byte of an answer."""

SEARCH_PAUSE_SECONDS = 0.25
"""Between two searches, so that they do not become a load of their own."""

LONE_SEARCHES = 30
"""Searches while the server does nothing else."""

WAITING = {"spinning": {}, "sleeping": POLITE_THREADS}
"""How the raw engine's threads wait: as the library starts them, and as ours do. The faster of the two counts."""


async def ask(client: httpx.AsyncClient, row: QuestionRow, writing: asyncio.Event) -> Asked:
    """Ask one question as a stream; ``writing`` is set from the moment its passages are found until its answer ends."""
    first: dict[str, float] = {}
    pieces, last_piece = 0, 0.0
    last, said = "nothing", ""
    began = time.perf_counter()
    try:
        async with client.stream("POST", "/v1/ask", json=request_body(row)) as response:
            response.raise_for_status()
            async for name, data, after in events(response.aiter_lines(), began):
                first.setdefault(name, after)
                if name == "retrieved":
                    writing.set()
                elif name == "token":
                    pieces, last_piece = pieces + 1, after
                elif name == "claim" and "token" in first and json.loads(data)["claim"]["support"] == "supported":
                    first.setdefault("written", after)
                elif name in {"final", "error"}:
                    last, said = name, data
    finally:
        writing.clear()
    if last != "final":
        raise SystemExit(f"The question {row.id} ended with {last}: {said}")
    answer = json.loads(said)
    trace = answer["trace"]
    if trace.get("cached"):
        raise SystemExit(f"The answer to {row.id} was not worked out but given again: nothing was measured.")
    tokens = trace["completion_tokens"] or pieces
    writes = tokens >= LEAST_TOKENS and last_piece > first["token"]
    return Asked(
        id=row.id,
        status=answer["status"],
        model=trace["model"],
        retrieved=first.get("retrieved"),
        checked=first.get("claim", first["final"]),
        token=first.get("token"),
        written=first.get("written"),
        total=first["final"],
        prompt_tokens=trace["prompt_tokens"],
        reused_tokens=trace.get("reused_tokens"),
        completion_tokens=trace["completion_tokens"],
        tokens_per_second=(tokens - 1) * 1000 / (last_piece - first["token"]) if writes else None,
    )


async def search(client: httpx.AsyncClient, query: str) -> float:
    """Search once; return the milliseconds."""
    began = time.perf_counter()
    (await client.post("/v1/search", json={"query": query})).raise_for_status()
    return (time.perf_counter() - began) * 1000


async def searches_alone(client: httpx.AsyncClient, queries: Sequence[str]) -> list[float]:
    """Search one after another while nothing is answered."""
    found = []
    for number in range(LONE_SEARCHES):
        found.append(await search(client, queries[number % len(queries)]))
        await asyncio.sleep(SEARCH_PAUSE_SECONDS)
    return found


async def searches_beside(
    client: httpx.AsyncClient, rows: Sequence[QuestionRow], queries: Sequence[str]
) -> tuple[list[Asked], list[float]]:
    """Ask ``rows`` one after another, and search again and again while each is being answered."""
    writing = asyncio.Event()
    found: list[float] = []

    async def keep_searching() -> None:
        while True:
            await writing.wait()
            found.append(await search(client, queries[len(found) % len(queries)]))
            await asyncio.sleep(SEARCH_PAUSE_SECONDS)

    searching = asyncio.create_task(keep_searching())
    try:
        answers = [await ask(client, row, writing) for row in rows]
    finally:
        searching.cancel()
        await asyncio.gather(searching, return_exceptions=True)
    if searching.done() and not searching.cancelled() and searching.exception():
        raise SystemExit(f"A search beside an answer failed: {searching.exception()!r}")
    return answers, found


@asynccontextmanager
async def client_of(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client for the server, with patience for slow answers."""
    timeout = httpx.Timeout(SILENCE_SECONDS)
    async with httpx.AsyncClient(base_url=running.address, timeout=timeout, trust_env=False) as client:
        yield client


async def measure(running: Running, sample: Sequence[QuestionRow], few: int, *, hog: bool) -> dict[str, Any]:
    """Ask ``sample``: most of it alone, then ``few`` beside searches and, with ``hog``, ``few`` beside a busy core."""
    parts = few * (2 if hog else 1)
    main, beside, hogged = sample[:-parts], sample[-parts:][:few], sample[-parts:][few:]
    queries = [row.question for row in sample]
    async with client_of(running) as client:
        warm_up = sample[0].model_copy(update={"id": "warm-up", "question": WARM_UP, "history": ()})
        await ask(client, warm_up, asyncio.Event())
        await search(client, WARM_UP)
        library = (await client.get("/v1/sources")).raise_for_status().json()["sources"]
        answers = [await ask(client, row, asyncio.Event()) for row in main]
        alone = await searches_alone(client, queries)
        others, with_answers = await searches_beside(client, beside, queries)
        result: dict[str, Any] = {
            "passages": sum(source["passages"] for source in library),
            "answers": answers,
            "search_alone_ms": spread(alone, 1),
            "search_while_an_answer_is_written_ms": spread(with_answers, 1),
            "answers_beside_searches": figures_of(others),
        }
        if hog:
            with one_core_busy():
                lone = spread(await searches_alone(client, queries), 1)
                slowed = [await ask(client, row, asyncio.Event()) for row in hogged]
            result["one_core_busy"] = {"search_ms": lone, **figures_of(slowed)}
    return result


def raw(options: dict[str, Any], sample: Sequence[QuestionRow], waiting: str) -> dict[str, Any]:
    """Measure llama-cpp-python by itself in a process of its own (see `raw_engine.py`)."""
    script = Path(__file__).with_name("raw_engine.py")
    questions = [{"question": row.question, "history": [turn.model_dump() for turn in row.history]} for row in sample]
    done = subprocess.run(
        [sys.executable, str(script), json.dumps(options)],
        input=json.dumps(questions),
        env={**os.environ, **WAITING[waiting]},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit("The raw engine could not be measured. The lines above say why.")
    return {"waiting": waiting, **json.loads(done.stdout)}


def run(given: argparse.Namespace, index: Path) -> dict[str, Any]:
    """Start the server twice, with the raw engine before, between and after: the machine's speed goes up and down."""
    covered = [row for row in golden() if row.covered]
    few = given.few
    wanted = min(len(covered), given.questions + few * (2 if given.hog else 1))
    sample = random.Random(given.seed).sample(covered, wanted)  # noqa: S311 - no secret
    result: dict[str, Any] = {**surroundings(), "seed": given.seed, "open_questions": load_settings().open_questions}
    with server(index, "--model", given.model) as running:
        ready = {"first_start": round(running.wait_ready(), 2)}
        engine = running.worker_options()
    options = {"model_path": engine["model_path"], "context": engine["context"], "threads": engine["threads"]}
    options |= {"index": str(index), "prompts": given.raw_prompts, "tokens": given.raw_tokens}
    runs = [raw(options, sample, waiting) for waiting in WAITING]
    with server(index, "--model", given.model) as running:
        ready["second_start"] = round(running.wait_ready(), 2)
        found = asyncio.run(measure(running, sample, few, hog=given.hog))
        memory = running.memory_megabytes()
    runs += [raw(options, sample, waiting) for waiting in reversed(WAITING)]
    answers = found.pop("answers")
    rates = best_rates(runs)
    result |= {
        "model": Path(engine["model_path"]).name,
        "worker": {name: value for name, value in engine.items() if name != "model_path"},
        "ready_seconds": ready,
        "memory_megabytes": memory,
        "figures": figures_of(answers),
        **found,
        "raw": {**rates, "fixed_tokens": runs[0]["fixed_tokens"], "runs": runs},
    }
    result["must_show"] = must_show(result, answers, runs[0]["fixed_tokens"], rates)
    result["answers"] = [asdict(one) for one in answers]
    return result


def main() -> int:
    """Measure, and print the result."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--index", type=Path, help="index to ask; one of the shipped briefs is built when left out")
    options.add_argument("--model", default=DEFAULT_MODEL, help="id or path of the generator")
    options.add_argument("--questions", type=int, default=30, help="golden questions that the figures are made of")
    options.add_argument("--few", type=int, default=6, help="more of them, to search beside, and for --hog")
    options.add_argument("--hog", action="store_true", help="measure again while another process keeps a core busy")
    options.add_argument("--raw-prompts", type=int, default=4, help="prompts for each run of the raw engine")
    options.add_argument("--raw-tokens", type=int, default=48, help="tokens that the raw engine writes after each")
    options.add_argument("--seed", type=int, default=1, help="of the sample of questions")
    options.add_argument("--out", type=Path, help="file for the result, beside the standard output")
    given = options.parse_args()
    if min(given.questions, given.few, given.raw_prompts) < 1 or given.raw_tokens < 2:
        options.error("--questions, --few and --raw-prompts must be 1 or more, and --raw-tokens 2 or more")
    with tempfile.TemporaryDirectory() as work:
        publish(run(given, index_here(given.index, Path(work))), given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
