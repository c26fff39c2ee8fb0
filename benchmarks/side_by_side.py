"""Asks SpreadGuide, LlamaIndex, Haystack and txtai the same questions, with the same model, embedder and reports.

    python benchmarks/side_by_side.py --set-up DIR                      install the peers, once
    python benchmarks/side_by_side.py --peers DIR --out FILE [--summary FILE] [--picture FILE.png]
    python benchmarks/side_by_side.py --from FILE [--summary FILE] [--picture FILE.png]

FILE of ``--out`` holds the texts of all answers: keep it outside the repository. ``--summary`` holds none.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import psutil
from answer import WARM_UP
from server_process import golden, index_here, surroundings
from side_by_side_figures import summary, table
from side_by_side_marks import RULE, Reply, chosen, marked
from side_by_side_picture import draw
from side_by_side_setup import set_up
from side_by_side_systems import OURS, PEERS, Starter, System, command_of, ours, peer, probe

from spreadguide.adapters.minilm import FULL_PACKAGE, verified_package
from spreadguide.evaluation.sets import QuestionRow
from spreadguide.models.catalogue import load_catalogue
from spreadguide.models.files import models_dir, resolve_generator
from spreadguide.settings import DEFAULT_MODEL

CONTEXT = 4096
"""Tokens of prompt and answer together, for every system: our own default."""

MAX_TOKENS = 256
"""Most tokens of a peer's answer: the default of LlamaIndex, and what its page names."""

EMBEDDER = "all-minilm-l6-v2"
EMBEDDER_FOLDER = "model"
"""Where a sentence-transformers folder lies in the package that carries the embedder."""

MEGABYTES_BESIDE_THE_MODEL = 2500
"""What a system may take beyond the model file (PyTorch, index, context), when it is decided if all fit together."""

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
NO_REPORT = "README.md"


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    found = Path("/proc/cpuinfo")
    lines = found.read_text(encoding="utf-8").splitlines() if found.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def copied_reports(target: Path) -> Path:
    """Copy the shipped briefs for the peers, without the catalogue and the page about the folder."""
    target.mkdir()
    for path in sorted(CORPUS.glob("*.md")):
        if path.name != NO_REPORT:
            shutil.copy(path, target)
    return target


def all_fit(model: Path, systems: int) -> bool:
    """Return whether so many systems with a copy of the model each fit into the memory that is free now."""
    each = model.stat().st_size / 1e6 + MEGABYTES_BESIDE_THE_MODEL
    return psutil.virtual_memory().available / 1e6 > systems * each


def warmed(system: System, row: QuestionRow) -> System:
    """Ask a system one question that does not count."""
    print(f"{system.name} is ready after {system.ready_seconds:.0f} s", flush=True)
    system.ask(row.model_copy(update={"id": "warm-up", "question": WARM_UP}))
    return system


def ended(system: System, replies: Sequence[Reply]) -> dict[str, Any]:
    """Return what is kept of a system at the end of its questions."""
    return {
        "versions": dict(system.versions),
        "ready_seconds": system.ready_seconds,
        "peak_megabytes": system.peak_megabytes(),
        "replies": [asdict(one) for one in replies],
    }


def together(starters: Mapping[str, Starter], rows: Sequence[QuestionRow]) -> dict[str, Any]:
    """Run all systems at once and ask them in turn, one at a time; another one begins at each question."""
    replies: dict[str, list[Reply]] = {name: [] for name in starters}
    with ExitStack() as stack:
        systems = [warmed(stack.enter_context(start()), rows[0]) for start in starters.values()]
        for number, row in enumerate(rows):
            turn = number % len(systems)
            for system in systems[turn:] + systems[:turn]:
                replies[system.name].append(system.ask(row))
                _tell(system, replies[system.name][-1], f"{number + 1}/{len(rows)}")
        return {system.name: ended(system, replies[system.name]) for system in systems}


def in_blocks(starters: Mapping[str, Starter], rows: Sequence[QuestionRow], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Run one system after the other, each behind a measurement of the raw engine."""
    found = {}
    for name, start in starters.items():
        speed = probe(raw)
        with start() as system:
            warmed(system, rows[0])
            replies = []
            for number, row in enumerate(rows):
                replies.append(system.ask(row))
                _tell(system, replies[-1], f"{number + 1}/{len(rows)}")
            found[name] = ended(system, replies) | {"raw_before": speed}
    return found


def _tell(system: System, reply: Reply, place: str) -> None:
    outcome = reply.failed or ("refused" if reply.refused else "answered")
    print(f"{place} {system.name}: {reply.id}, {outcome} in {reply.seconds:.1f} s", flush=True)


def run(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Ask all systems, and return everything that was seen, with the texts."""
    rows = chosen(golden(), given.questions)
    model = resolve_generator(given.model, models_dir(), load_catalogue()).path
    found: dict[str, Any] = surroundings()
    options = {
        "corpus": str(copied_reports(work / "reports")),
        "embedder": str(verified_package(FULL_PACKAGE, {}) / EMBEDDER_FOLDER),
        "model": str(model),
        "context": CONTEXT,
        "threads": found["cores"],
        "max_tokens": MAX_TOKENS,
    }
    index = index_here(given.index, work / "index")
    starters: dict[str, Starter] = {OURS: partial(ours, index, given.model)}
    starters |= {name: partial(peer, name, command_of(given.peers, name), options) for name in given.only}
    at_once = not given.blocks and all_fit(model, len(starters))
    raw = [probe(options)] if at_once else []
    systems = together(starters, rows) if at_once else in_blocks(starters, rows, options)
    raw += [probe(options)]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "spreadguide": found["spreadguide"],
        "machine": {
            "processor": processor(),
            "cores": found["cores"],
            "memory_gigabytes": round(psutil.virtual_memory().total / 1e9, 1),
            "busy_percent_before": found["busy_percent_before"],
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "model": {"file": model.name, "sha256": sha256(model)},
        "embedder": {"id": EMBEDDER, "sha256": load_catalogue().get(EMBEDDER).sha256},
        "settings": {"context": CONTEXT, "threads": found["cores"], "peers_max_tokens": MAX_TOKENS, "temperature": 0},
        "questions": {"rule": RULE, "ids": [row.id for row in rows]},
        "asked": "in turn, question by question" if at_once else "one system after the other",
        "raw": raw,
        "systems": systems,
    }


def marks_of(result: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Mark the replies of a result, again where it was read from a file."""

    @cache
    def text_of(file: str) -> str:
        path = CORPUS / file
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    rows = {row.id: row for row in golden()}
    return {
        name: [marked(rows[reply.id], reply, text_of) for reply in map(kept_reply, system["replies"])]
        for name, system in result["systems"].items()
    }


def kept_reply(found: Mapping[str, Any]) -> Reply:
    """Return a reply of a result, whose numbers are texts where it was read from a file."""
    files = {int(marker): file for marker, file in found["files"].items()}
    return Reply(**{**found, "files": files, "cited": tuple(found["cited"])})


def options() -> argparse.ArgumentParser:
    """Return the options of the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--set-up", type=Path, metavar="DIR", help="install the peers into this folder, and end")
    parser.add_argument("--from", type=Path, dest="kept", metavar="FILE", help="mark a result of --out again")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="the folder of --set-up")
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS), help="peers to ask; all by default")
    parser.add_argument("--index", type=Path, help="index to ask; one of the shipped briefs is built when left out")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="id or path of the generator")
    parser.add_argument("--questions", type=int, default=12, help="how many; a third are not covered by the briefs")
    parser.add_argument("--blocks", action="store_true", help="one system after the other, as where memory is short")
    parser.add_argument("--out", type=Path, help="file for the result with all texts, outside the repository")
    parser.add_argument("--summary", type=Path, help="file for the result without texts")
    parser.add_argument("--picture", type=Path, help="PNG file")
    return parser


def publish(result: Mapping[str, Any], given: argparse.Namespace) -> None:
    """Mark a result, print the table, and write the files that are named."""
    found = summary(result, marks_of(result))
    print(table(found))
    if given.summary is not None:
        given.summary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if given.picture is not None:
        draw(found, given.picture)


def _ended(*_: object) -> None:
    raise SystemExit("Stopped.")


def main() -> None:
    """Do what the options ask for; when it is told to end, the systems are ended with it."""
    signal.signal(signal.SIGTERM, _ended)
    parser = options()
    given = parser.parse_args()
    if given.set_up is not None:
        set_up(given.set_up)
        return
    if given.kept is not None:
        publish(json.loads(given.kept.read_text(encoding="utf-8")), given)
        return
    if given.peers is None or given.out is None:
        parser.error("--peers and --out must be named (or --set-up, or --from)")
    if given.out.resolve().is_relative_to(CORPUS.parent):
        parser.error("--out holds the texts of answers: name a file outside the repository")
    if given.questions < 2:
        parser.error("--questions must be 2 or more")
    with tempfile.TemporaryDirectory() as work:
        result = run(given, Path(work))
    given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    publish(result, given)


if __name__ == "__main__":
    main()
