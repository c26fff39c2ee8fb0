"""Measures a large corpus: the first build, one that changes little, and one that changes nothing.

python benchmarks/corpus.py --papers ../shared/corpora/impl_papers_ccby.jsonl.gz --work scratch/papers
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from papers import write_papers

from spreadguide.adapters.index_files import IndexFiles
from spreadguide.building import make_embedder
from spreadguide.indexing.build import build_index
from spreadguide.ingest import scan_corpus
from spreadguide.settings import ingest_limits, load_settings
from spreadguide.text import normalise

REPOSITORY = Path(__file__).resolve().parents[1]
LOOK_SECONDS = 0.2
ADDED = "The pharmacy on the corner lent its back room to the falls clinic for eleven weeks."
"""What the changed paper says more: a sentence that no paper holds."""

LEAST_PAPERS = 3
"""One is changed, one removed and one renamed."""

RUN = re.compile(r"\b[A-Za-z](?:[A-Za-z]| (?! )){38}[A-Za-z]\b")
"""Forty characters of plain words: nothing that a reader would change, and short enough that SQLite, which splits long
texts over pages of 4 KB, rarely splits one of them."""

RUNS = 12
"""Runs of the removed paper that are searched for; each stands in no other paper."""

LEAST_RUNS = RUNS // 2
"""How many must be found before the paper is removed: else not finding them afterwards would prove nothing."""


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=Path, required=True, help="JSON lines, gzipped; see benchmarks/papers.py")
    parser.add_argument("--work", type=Path, required=True, help="new or empty folder to write reports and index into")
    parser.add_argument("--limit", type=int, help="only so many papers, at least 3")
    parser.add_argument(
        "--random-vectors", action="store_true", help="fill the first index with random vectors: only updates are real"
    )
    options = parser.parse_args()
    work = options.work.resolve()
    if work.is_dir() and any(work.iterdir()):
        parser.error(f"{options.work} is not empty: name a new folder")
    corpus, index = work / "reports", work / "index"
    files = write_papers(options.papers, corpus, options.limit)
    if len(files) < LEAST_PAPERS:
        parser.error(f"at least {LEAST_PAPERS} papers are needed")
    words = sum(len(file.read_text(encoding="utf-8").split()) for file in files)
    result: dict[str, Any] = {"papers": len(files), "words": words}
    result["first"] = _with_random_vectors(corpus, index) if options.random_vectors else _build(corpus, index)
    result["first"]["passages_per_second"] = round(result["first"]["passages"] / result["first"]["whole_seconds"], 1)
    result["index_megabytes"] = round(sum(f.stat().st_size for f in index.rglob("*") if f.is_file()) / 1e6, 1)
    changed, removed, renamed = files[len(files) // 4], files[len(files) // 2], files[3 * len(files) // 4]
    runs = _runs(removed, files)
    before = _found(runs, index)
    _insert(changed)
    removed.unlink()
    renamed.rename(renamed.with_name(f"moved-{renamed.name}"))
    result["one_changed_one_removed_one_renamed"] = _build(corpus, index)
    after = _found(runs, index)
    result["nothing_changed"] = _build(corpus, index)
    result["trace_of_the_removed_paper"] = {"runs": len(runs), "found_before": before, "found_after": after}
    print(json.dumps(result, indent=1))
    if before < LEAST_RUNS:
        sys.exit(f"FAILED: only {before} runs of the removed paper were found while it was in the index.")
    if after:
        sys.exit(f"FAILED: {after} runs of the removed paper are still in the index.")


def _with_random_vectors(corpus: Path, index: Path) -> dict[str, Any]:
    """Build an index that is the real one but for its vectors: an update does the same work on it."""
    settings = load_settings(corpus_dir=corpus, index_dir=index)
    dice = np.random.default_rng(1)

    class RandomVectors:
        embedder_id = make_embedder(settings).embedder_id
        dimension = make_embedder(settings).dimension

        def prepare(self) -> None:
            """Nothing to load."""

        def embed_documents(self, texts: list[str], *, progress: Any = None) -> Any:
            del progress
            rows = dice.standard_normal((len(texts), self.dimension), dtype=np.float32)
            return rows / np.linalg.norm(rows, axis=1, keepdims=True)

        embed_queries = embed_documents

    started = time.perf_counter()
    found = scan_corpus(corpus, limits=ingest_limits(settings))
    summary = build_index(
        found.files,
        warnings=found.warnings,
        embedder=RandomVectors(),
        writer=IndexFiles(),
        index_dir=index,
        progress=lambda *_: None,
    )
    return {"passages": summary.passages, "vectors": "random", "whole_seconds": round(time.perf_counter() - started, 2)}


def _insert(paper: Path) -> None:
    """Put a sentence before the last section's first paragraph."""
    head, mark, tail = paper.read_text(encoding="utf-8").rpartition("\n## ")
    title, _, rest = tail.partition("\n\n")
    paper.write_text(f"{head}{mark}{title}\n\n{ADDED}\n\n{rest}", encoding="utf-8")


def _runs(paper: Path, papers: list[Path]) -> list[bytes]:
    """Return `RUNS` runs of a paper, spread over it, that no other paper holds; normalised as the index keeps them."""
    others = "\n".join(normalise(file.read_text(encoding="utf-8")) for file in papers if file != paper)
    found = RUN.findall(normalise(paper.read_text(encoding="utf-8")))
    own = [run for run in dict.fromkeys(found) if run not in others]
    return [run.encode() for run in own[:: max(1, len(own) // RUNS)][:RUNS]]


def _found(runs: list[bytes], index: Path) -> int:
    """Count the runs that stand in any file below the index folder."""
    left = set(runs)
    for file in index.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            left = {run for run in left if run not in content}
    return len(set(runs)) - len(left)


def _build(corpus: Path, index: Path) -> dict[str, Any]:
    """Run the command as its user does; return its summary, the time of the whole process and its peak memory."""
    command = [sys.executable, "scripts/index.py", "--corpus", str(corpus), "--index", str(index), "--json"]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        peak = _Peak(process.pid)
        peak.start()
        output, _ = process.communicate()
        seconds = time.perf_counter() - started
        peak.stop.set()
        peak.join()
    summary = json.loads(output)
    kept = ("documents", "passages", "embedded", "reused", "removed", "seconds", "fingerprint")
    return {
        **{key: summary[key] for key in kept},
        "warnings": len(summary["warnings"]),
        "whole_seconds": round(seconds, 2),
        "peak_megabytes": round(peak.megabytes, 1),
    }


class _Peak(threading.Thread):
    """Looks at the memory of a process and its children, page cache of mapped files left out, until it is stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.stop = threading.Event()
        self.megabytes = 0.0
        self._process = psutil.Process(pid)

    def run(self) -> None:
        while not self.stop.wait(LOOK_SECONDS):
            try:
                family = [self._process, *self._process.children(recursive=True)]
                used = sum(process.memory_full_info().uss for process in family) / 1e6
            except psutil.Error:
                continue
            self.megabytes = max(self.megabytes, used)


if __name__ == "__main__":
    main()
