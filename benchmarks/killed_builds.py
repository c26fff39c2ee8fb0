"""Kills index builds with SIGKILL at random moments, and checks after each that the live index is whole.

python benchmarks/killed_builds.py --papers ../shared/corpora/impl_papers_ccby.jsonl.gz --work scratch/killed

The first builds start from nothing; whenever one gets to its end, a few reports change and the next ones update the
index. At the end the index is compared, row by row, with one that was built in one go.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from papers import write_papers

from spreadguide.adapters.index_files import open_index
from spreadguide.adapters.minilm import EMBEDDER_ID
from spreadguide.errors import IndexMissing

REPOSITORY = Path(__file__).resolve().parents[1]
CHANGED = 3
"""Reports that change whenever a build got to its end."""


def main() -> None:
    """Kill, check, compare, and print one JSON object; exit 1 when an index was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="only so many papers")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30, help="the latest moment of a kill after the start")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    dice = random.Random(options.seed)  # noqa: S311 - no secret
    corpus, index, anew = (options.work / name for name in ("reports", "index", "anew"))
    shutil.rmtree(options.work, ignore_errors=True)
    files = write_papers(options.papers, corpus, options.limit)
    before: str | None = None
    kills: list[dict[str, Any]] = []
    ended = 0
    while len(kills) < options.kills:
        moment = dice.uniform(0, options.seconds)
        if _killed(corpus, index, moment):
            live = _check(index)
            kills.append({"seconds": round(moment, 2), "left": _left(index), "live": live, "old": live == before})
        else:
            ended += 1
            for file in dice.sample(files, CHANGED):
                longer = f"{file.read_text(encoding='utf-8')}\nRound {ended} was added here.\n"
                file.write_text(longer, encoding="utf-8")
        before = _check(index)
    _build(corpus, index)
    _build(corpus, anew)
    same = _rows(index) == _rows(anew)
    print(json.dumps({"kills": kills, "builds_that_ended": ended, "same_as_built_in_one_go": same}, indent=1))
    sys.exit(0 if same else 1)


def _start(corpus: Path, index: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "scripts/index.py", "--corpus", str(corpus), "--index", str(index), "--json"]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL)


def _build(corpus: Path, index: Path) -> None:
    if _start(corpus, index).wait():
        sys.exit("A build failed.")


def _killed(corpus: Path, index: Path, moment: float) -> bool:
    """Start a build and kill it after ``moment`` seconds; return whether it was still running then."""
    process = _start(corpus, index)
    try:
        if process.wait(timeout=moment):
            sys.exit("A build failed.")
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def _check(index: Path) -> str | None:
    """Open the live index, which checks every file, and search it; return its fingerprint, or ``None`` for none."""
    try:
        opened = open_index(index, embedder_id=EMBEDDER_ID)
    except IndexMissing:
        return None
    vector = opened.dense.vectors()[0]
    if not opened.dense.search(vector, 3) or not opened.store.passages_of(opened.store.sources()[0].source_id):
        sys.exit("The index opened, and nothing was found in it.")
    opened.close()
    return opened.fingerprint


def _left(index: Path) -> list[str]:
    return sorted(path.name for path in index.iterdir() if path.is_dir()) if index.is_dir() else []


def _rows(index: Path) -> list[Any]:
    """Return all passages, and the bytes of the lexical index, of the live index."""
    live = index / (index / "CURRENT").read_text(encoding="ascii").strip()
    with closing(sqlite3.connect(live / "store.sqlite")) as connection:
        passages = connection.execute("SELECT * FROM passages ORDER BY row").fetchall()
    return [live.name, passages, *((live / name).read_bytes() for name in ("terms.i32", "unit_keys.bin"))]


if __name__ == "__main__":
    main()
