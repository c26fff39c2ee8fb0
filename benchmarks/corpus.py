"""Measures a large corpus: the first build, one that changes little, and one that changes nothing.

python benchmarks/corpus.py --papers ../shared/corpora/impl_papers_ccby.jsonl.gz --work scratch/papers
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from papers import write_papers

REPOSITORY = Path(__file__).resolve().parents[1]
LOOK_SECONDS = 0.2
ADDED = "The pharmacy on the corner lent its back room to the falls clinic for eleven weeks."
"""What the changed paper says more: a sentence that no paper holds."""


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=Path, required=True, help="JSON lines, gzipped; see benchmarks/papers.py")
    parser.add_argument("--work", type=Path, required=True, help="folder to write reports and index into")
    parser.add_argument("--limit", type=int, help="only so many papers")
    options = parser.parse_args()
    corpus, index = options.work / "reports", options.work / "index"
    files = write_papers(options.papers, corpus, options.limit)
    words = sum(len(file.read_text(encoding="utf-8").split()) for file in files)
    result: dict[str, Any] = {"papers": len(files), "words": words}
    result["first"] = _build(corpus, index)
    result["first"]["passages_per_second"] = round(result["first"]["passages"] / result["first"]["whole_seconds"], 1)
    result["index_megabytes"] = round(sum(f.stat().st_size for f in index.rglob("*") if f.is_file()) / 1e6, 1)
    changed, removed, renamed = files[len(files) // 4], files[len(files) // 2], files[3 * len(files) // 4]
    _insert(changed)
    gone = removed.read_text(encoding="utf-8")
    removed.unlink()
    renamed.rename(renamed.with_name(f"moved-{renamed.name}"))
    result["one_changed_one_removed_one_renamed"] = _build(corpus, index)
    result["nothing_changed"] = _build(corpus, index)
    result["trace_of_the_removed_paper"] = _trace(gone, index)
    print(json.dumps(result, indent=1))


def _insert(paper: Path) -> None:
    """Put a sentence before the last section's first paragraph."""
    head, mark, tail = paper.read_text(encoding="utf-8").rpartition("\n## ")
    title, _, rest = tail.partition("\n\n")
    paper.write_text(f"{head}{mark}{title}\n\n{ADDED}\n\n{rest}", encoding="utf-8")


def _trace(text: str, index: Path) -> bool:
    """Whether the longest line of a removed report is still in a file of the index."""
    line = max(text.splitlines(), key=len)[:200].encode()
    return any(line in file.read_bytes() for file in index.rglob("*") if file.is_file())


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
