"""Writes a file of papers (JSON lines, gzipped) out as Markdown reports, one file each."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def write_papers(source: Path, folder: Path, limit: int | None = None) -> list[Path]:
    """Write each paper of ``source`` into ``folder`` and return the files.

    A paper is ``{"_id", "title", "year", "doi", "licence", "abstract", "sections": [{"head", "text"}]}``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for paper in _papers(source, limit):
        file = folder / f"{paper['_id']}.md"
        file.write_text(_markdown(paper), encoding="utf-8")
        written.append(file)
    return sorted(written)


def _papers(source: Path, limit: int | None) -> Iterator[dict[str, Any]]:
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if limit is not None and number >= limit:
                return
            yield json.loads(line)


def _markdown(paper: dict[str, Any]) -> str:
    front = {"title": paper["title"], "year": paper.get("year"), "licence": paper.get("licence")}
    if paper.get("doi"):
        front["url"] = f"https://doi.org/{paper['doi']}"
    lines = ["---", *(f"{key}: {json.dumps(value)}" for key, value in front.items() if value), "---", ""]
    lines += [f"# {paper['title']}", "", "## Abstract", "", paper.get("abstract") or "", ""]
    for section in paper["sections"]:
        lines += [f"## {section['head']}", "", section["text"], ""]
    return "\n".join(lines)
