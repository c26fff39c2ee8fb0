"""Kills index builds with SIGKILL, and checks after each kill that the live index is whole.

python benchmarks/killed_builds.py --papers ../shared/corpora/impl_papers_ccby.jsonl.gz --work scratch/killed

The first builds start from nothing; as builds get to their end, a few reports change and the next builds update the
index. Every second kill waits for the moment of publishing, the others come at random. At the end the index is
compared, row by row, with one that was built in one go. One report is a PDF that nobody can read.
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
import time
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from papers import write_papers

from spreadguide.adapters.earlier_builds import (
    LEXICAL,
    PASSAGE_KEYS,
    PASSAGE_VECTORS,
    SKETCHED,
    SKETCHES,
    STORE,
    TERM_STARTS,
    TERMS,
    UNIT_KEYS,
    UNIT_VECTORS,
    VOCABULARY,
)
from spreadguide.adapters.faiss_index import FaissIndex
from spreadguide.adapters.index_files import open_index
from spreadguide.adapters.minilm import EMBEDDER_ID
from spreadguide.adapters.row_file import read_rows
from spreadguide.adapters.sqlite_store import UNIT_TYPE
from spreadguide.adapters.vector_pool import KEY_BYTES
from spreadguide.errors import IndexMissing, SpreadGuideError
from spreadguide.indexing.build import EMBEDDING, READING
from spreadguide.indexing.manifest import MANIFEST, read_manifest
from spreadguide.indexing.publish import live_folder
from spreadguide.ingest import scan_corpus
from spreadguide.settings import ingest_limits, load_settings

REPOSITORY = Path(__file__).resolve().parents[1]
CHANGED = 3
"""Reports that change at a time."""

BROKEN = "broken.pdf"
BROKEN_BYTES = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\nthis file was cut off"
"""A report that cannot be read, in every build."""

LOOK_SECONDS = 0.001
"""Time between two looks for the manifest: publishing a small index takes tens of milliseconds."""

LATEST_SECONDS = 0.05
"""A kill at publishing comes at once, or at most so long after the manifest appeared."""

LEAST_COSINE = 0.9995
"""Of two vectors of one text: how texts are put into batches moves a vector a little, half precision too."""

SAME_BYTES = (PASSAGE_KEYS, UNIT_KEYS, TERMS, TERM_STARTS, f"{LEXICAL}/{VOCABULARY}", SKETCHES, SKETCHED)
"""Files that hold the same bytes however an index came about."""


class Failure(Exception):
    """An index was not as it must be; the message says in what."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: ``live`` is the index after it, ``old`` whether that was live before; ``left`` the folders then."""

    phase: str
    at_publishing: bool
    seconds: float
    live: str | None
    old: bool
    left: list[str]


@dataclass(slots=True)
class Trial:
    """Builds of one folder of reports, most of which are killed."""

    corpus: Path
    index: Path
    messages: Path
    dice: random.Random
    live: str | None = None
    seen: set[str] = field(default_factory=set)
    kills: list[Kill] = field(default_factory=list)
    ended: int = 0

    def step(self, files: list[Path], latest: float) -> None:
        """Start a build and try to kill it; raises `Failure` when the live index is not whole afterwards.

        The build is killed within ``latest`` seconds, or at publishing. After every second build that got to its
        end, some of ``files`` change; after the others the next build finds nothing new but the broken report.
        """
        at_publishing = len(self.kills) % 2 == 1
        folders = set(_building(self.index))
        started = time.perf_counter()
        process = _start(self.corpus, self.index, self.messages)
        killed = self._kill_at_publishing(process, folders) if at_publishing else self._kill_within(process, latest)
        seconds = time.perf_counter() - started
        if not killed and process.returncode:
            raise Failure(f"A build failed: {self.messages.read_text(encoding='utf-8')}")
        phase = self._phase(folders)
        before, self.live = self.live, _checked(self.index, self.live, self.seen, self.corpus)
        if killed:
            left = sorted(path.name for path in self.index.iterdir() if path.is_dir()) if self.index.is_dir() else []
            old = self.live == before
            self.kills.append(Kill(phase, at_publishing, round(seconds, 2), self.live, old, left))
            return
        self.ended += 1
        if self.ended % 2 == 0:
            _change(self.dice.sample(files, min(CHANGED, len(files))), self.ended)

    def _kill_within(self, process: subprocess.Popen[bytes], latest: float) -> bool:
        """Kill at a random moment; return whether the build was still running then."""
        try:
            process.wait(timeout=self.dice.uniform(0, latest))
        except subprocess.TimeoutExpired:
            return _kill(process)
        return False

    def _kill_at_publishing(self, process: subprocess.Popen[bytes], folders: set[Path]) -> bool:
        """Kill when the build's manifest is there, or soon after; return whether the build was still running."""
        wait = self.dice.choice((0.0, self.dice.uniform(0, LATEST_SECONDS)))
        while process.poll() is None:
            if any((folder / MANIFEST).exists() for folder in _building(self.index) if folder not in folders):
                time.sleep(wait)
                return process.poll() is None and _kill(process)
            time.sleep(LOOK_SECONDS)
        return False

    def _phase(self, folders: set[Path]) -> str:
        """Say how far the last build came, by what it left in the index folder and by the steps that it named."""
        mine = [folder for folder in _building(self.index) if folder not in folders]
        said = self.messages.read_text(encoding="utf-8")
        if any((folder / MANIFEST).exists() for folder in mine):
            return "publishing: manifest written"
        if any((folder / TERMS).exists() for folder in mine):
            return "writing"
        if mine:
            return "embedding" if EMBEDDING in said else "reading"
        if READING not in said:
            return "starting"
        return "publishing: folder moved" if _name_in_current(self.index) == self.live else "publishing: switched"


def main() -> None:
    """Kill, check, compare, and print one JSON object; exit 1 when an index was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=Path, required=True, help="JSON lines, gzipped; see benchmarks/papers.py")
    parser.add_argument(
        "--work", type=Path, required=True, help="new or empty folder to write reports and indexes into"
    )
    parser.add_argument("--limit", type=int, help="only so many papers")
    parser.add_argument("--kills", type=int, default=20, help="how many builds are killed")
    parser.add_argument("--seconds", type=float, default=30, help="the latest moment of a random kill")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random")
    parser.add_argument(
        "--vectors", type=Path, help="index folder of the same papers; its vectors are there as of a stopped build"
    )
    options = parser.parse_args()
    work = options.work.resolve()
    if work.is_dir() and any(work.iterdir()):
        parser.error(f"{options.work} is not empty: name a new folder")
    files = write_papers(options.papers, work / "reports", options.limit)
    (work / "reports" / BROKEN).write_bytes(BROKEN_BYTES)
    dice = random.Random(options.seed)  # noqa: S311 - no secret
    trial = Trial(work / "reports", work / "index", work / "messages.txt", dice)
    if options.vectors:
        for index in (trial.index, work / "anew"):
            _leave_vectors(live_folder(options.vectors), index)
    compared: dict[str, Any] = {}
    failure = None
    try:
        while len(trial.kills) < options.kills:
            trial.step(files, options.seconds)
        compared = _compare_with_one_go(trial, work / "anew")
    except Failure as error:
        failure = str(error)
    phases = Counter(kill.phase for kill in trial.kills)
    result = {"kills": [asdict(kill) for kill in trial.kills], "phases": phases, "builds_that_ended": trial.ended}
    print(json.dumps({**result, **compared, "failure": failure}, indent=1))
    if failure:
        sys.exit(f"FAILED after {len(trial.kills)} kills: {failure}")


def _leave_vectors(finished: Path, index: Path) -> None:
    """Put a finished index where a build that was stopped before it could point to it would have left it."""
    shutil.copytree(finished, index / finished.name)


def _change(files: list[Path], turn: int) -> None:
    for file in files:
        file.write_text(f"{file.read_text(encoding='utf-8')}\nRound {turn} was added here.\n", encoding="utf-8")


def _start(corpus: Path, index: Path, messages: Path, summary: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a build as its user does; what it says goes to the file ``messages``."""
    command = [sys.executable, "scripts/index.py", "--corpus", str(corpus), "--index", str(index), "--json"]
    with messages.open("wb") as told:
        return subprocess.Popen(command, cwd=REPOSITORY, stdout=summary, stderr=told)


def _build(corpus: Path, index: Path, messages: Path) -> None:
    """Build to the end; raises `Failure` unless it says that the broken report could not be read."""
    with _start(corpus, index, messages, subprocess.PIPE) as process:
        output, _ = process.communicate()
    if process.returncode:
        raise Failure(f"A build failed: {messages.read_text(encoding='utf-8')}")
    if not any(BROKEN in warning for warning in json.loads(output)["warnings"]):
        raise Failure(f"A build did not say that {BROKEN} could not be read.")


def _kill(process: subprocess.Popen[bytes]) -> bool:
    """Kill the build; return whether it really died of that, and had not ended just before."""
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def _building(index: Path) -> list[Path]:
    return list(index.glob("building-*"))


def _name_in_current(index: Path) -> str | None:
    try:
        return live_folder(index).name
    except SpreadGuideError:
        return None


def _checked(index: Path, before: str | None, seen: set[str], corpus: Path) -> str | None:
    """Open the live index, which checks every file's hash, and search it; return its fingerprint.

    It must be the one before, or one that was never live before and holds the reports as they are now. ``None``, for
    no index, is right only as long as there was none. Raises `Failure`; adds the fingerprint to ``seen``.
    """
    try:
        opened = open_index(index, embedder_id=EMBEDDER_ID)
    except IndexMissing as error:
        if before is None:
            return None
        raise Failure(f"The index {before} was live, and now there is none.") from error
    except SpreadGuideError as error:
        raise Failure(f"The live index cannot be opened (before: {before}). {error.message}") from error
    with closing(opened):
        vector = opened.dense.vectors()[0]
        if not opened.dense.search(vector, 3) or not opened.store.passages_of(opened.store.sources()[0].source_id):
            raise Failure(f"The index {opened.fingerprint} opened, and nothing was found in it.")
    found = opened.fingerprint
    if found != before and found in seen:
        raise Failure(f"The index {found} is live again; {before} was live before.")
    if found != before and _held(index) != _wanted(corpus):
        raise Failure(f"The new index {found} does not hold the reports as they are now.")
    seen.add(found)
    return found


def _held(index: Path) -> dict[str, str]:
    """Return the key of each report in the live index, by path."""
    documents = read_manifest(live_folder(index)).documents
    return {path: entry.key for path, entry in documents.items() if path != BROKEN}


def _wanted(corpus: Path) -> dict[str, str]:
    """Return the key of each report that can be read, by path."""
    scan = scan_corpus(corpus, limits=ingest_limits(load_settings()))
    return {file.path: file.key for file in scan.files if file.path != BROKEN}


def _compare_with_one_go(trial: Trial, anew: Path) -> dict[str, Any]:
    """Finish the index, build another in one go, and compare; raises `Failure` where they are not the same."""
    _build(trial.corpus, trial.index, trial.messages)
    _checked(trial.index, trial.live, trial.seen, trial.corpus)
    _build(trial.corpus, anew, trial.messages)
    ours, other = live_folder(trial.index), live_folder(anew)
    different = [] if ours.name == other.name else ["fingerprint"]
    different += [name for name in SAME_BYTES if (ours / name).read_bytes() != (other / name).read_bytes()]
    counts = {}
    for table, order in (("passages", "row"), ("documents", "source_id")):
        mine, theirs = (_table(folder, table, order) for folder in (ours, other))
        counts[f"{table}_compared"] = len(theirs)
        different += [] if mine == theirs else [f"table {table}"]
    if different:
        raise Failure(f"Not the same as an index built in one go: {', '.join(different)}.")
    lowest = {}
    for name, keys in ((PASSAGE_VECTORS, PASSAGE_KEYS), (UNIT_VECTORS, UNIT_KEYS)):
        lowest[name] = round(_lowest_cosine(_vectors(ours, name), _vectors(other, name), ours / keys, name), 6)
    return {**counts, "lowest_cosine": lowest, "same_as_built_in_one_go": True}


def _table(folder: Path, table: str, order: str) -> list[Any]:
    with closing(sqlite3.connect(folder / STORE)) as connection:
        query = f"SELECT * FROM {table} ORDER BY {order}"  # noqa: S608 - the names are this file's own
        return connection.execute(query).fetchall()


def _vectors(folder: Path, name: str) -> NDArray[np.float32]:
    dense = FaissIndex.read(folder / PASSAGE_VECTORS)
    found = dense.vectors() if name == PASSAGE_VECTORS else read_rows(folder / name, UNIT_TYPE, dense.dimension)
    return np.asarray(found, dtype=np.float32)


def _lowest_cosine(ours: NDArray[np.float32], other: NDArray[np.float32], keys: Path, name: str) -> float:
    """Return the lowest cosine of two vectors of one row; raises `Failure` where they are not of the same text.

    A row without a key has no text, and its vector is all zeros.
    """
    has_text: NDArray[np.bool_] = np.any(read_rows(keys, "u1", KEY_BYTES), axis=1)
    if not ours.shape == other.shape == (len(has_text), ours.shape[1]):
        raise Failure(f"{name} has {len(ours)} rows; built in one go {len(other)}, and {len(has_text)} keys.")
    if ours[~has_text].any() or other[~has_text].any():
        raise Failure(f"{name} has a vector in a row without a text.")
    ours, other = ours[has_text], other[has_text]
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(other, axis=1)
    cosines = np.sum(ours * other, axis=1) / np.where(lengths > 0, lengths, 1)
    if (bad := int((cosines < LEAST_COSINE).sum())) or not np.isfinite(cosines).all():
        raise Failure(f"{name}: {bad} of {len(cosines)} vectors are not those of an index built in one go.")
    return float(cosines.min())


if __name__ == "__main__":
    main()
