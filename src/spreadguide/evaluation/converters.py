"""Public sets, brought into the form that `sets` reads. Nothing of theirs is part of SpreadGuide: name your own copy.

Each converter reads the folder of one public set as it is published in JSON lines, and writes a folder beside no other.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spreadguide.errors import EvaluationError
from spreadguide.evaluation.sets import judgement
from spreadguide.text import sentences

Rows = Iterable[dict[str, Any]]

PARAGRAPH_WORDS = 150
"""Words after which paragraphs of a paper make a text of their own (CovidQA gives whole papers)."""

_META = re.compile(r"^\(meta data\) TITLE: ?", re.IGNORECASE)


def scifact(source: Path, target: Path) -> None:
    """SciFact: find the abstracts that bear on a claim of the test split (Wadden and others 2020; as in BEIR)."""
    _write_rows(target / "corpus.jsonl.gz", _rows(source / "corpus.jsonl.gz"))
    _write_rows(target / "queries.jsonl.gz", _picked(source / "claims_test.jsonl.gz", {"_id": "_id", "text": "text"}))
    _write_judgements(target, _judgements(source / "qrels_test.tsv"))


def scifact_train(source: Path, target: Path) -> None:
    """SciFact's training split, in the same form: for choosing settings."""
    _write_rows(target / "corpus.jsonl.gz", _rows(source / "corpus.jsonl.gz"))
    _write_rows(target / "queries.jsonl.gz", _picked(source / "claims_train.jsonl.gz", {"_id": "_id", "text": "text"}))
    _write_judgements(target, _judgements(source / "qrels_train.tsv"))


def mtrag_human(source: Path, target: Path) -> None:
    """MTRAG: the last turn of a conversation with the user's earlier turns; questions whose passages are all there."""
    judged = _judgements(source / "qrels.tsv")
    wanted = {query for query, _, _ in judged}
    _write_rows(target / "corpus.jsonl.gz", _rows(source / "pool.jsonl.gz"))
    _write_rows(
        target / "queries.jsonl.gz",
        (
            {"_id": row["_id"], "text": row["lastturn"], "history": _earlier(row["questions"])}
            for row in _rows(source / "queries.jsonl")
            if row["_id"] in wanted
        ),
    )
    _write_judgements(target, judged)


def clapnq(source: Path, target: Path) -> None:
    """CLAPnq: does the passage answer the question (Rosenthal and others 2024)."""
    same = {"id": "id", "question": "question", "passage": "passage", "answerable": "answerable"}
    _write_rows(target / "pairs.jsonl.gz", _picked(source / "dev_a.jsonl.gz", same))


def wice(source: Path, target: Path) -> None:
    """WiCE: claims of Wikipedia and sentences of what they cite; partly supported counts as not (Kamoi 2023)."""
    _write_rows(
        target / "claims.jsonl.gz",
        (
            {
                "id": row["id"],
                "claim": row["claim"],
                "evidence": [_META.sub("", line) for line in row["evidence_sentences"]],
                "supported": row["label"] == "supported",
            }
            for row in _rows(source / "dev.jsonl.gz")
        ),
    )


def attributionbench(source: Path, target: Path) -> None:
    """AttributionBench: claims of generated answers and what they cite (Li and others 2024)."""
    _write_rows(
        target / "claims.jsonl.gz",
        (
            {
                "id": row["id"],
                "claim": row["claim"],
                "evidence": _sentences(row["references"]),
                "supported": row["label"] == 1,
            }
            for row in _rows(source / "dev.jsonl.gz")
        ),
    )


def expertqa(source: Path, target: Path) -> None:
    """ExpertQA: claims with evidence, judged by experts; only complete support counts (Malaviya and others 2024)."""
    _write_rows(
        target / "claims.jsonl.gz",
        (
            {
                "id": f"{number}",
                "claim": row["claim"],
                "evidence": _sentences(row["evidence"]),
                "supported": row["support"] == "Complete",
            }
            for number, row in enumerate(_rows(source / "claims.jsonl.gz"))
            if row["evidence"] and row["claim"].strip()
        ),
    )


def covidqa(source: Path, target: Path) -> None:
    """COVID-QA: find the part of a paper that holds the answer (Möller and others 2020)."""
    papers = {row["_id"]: _parts(row["text"]) for row in _rows(source / "corpus.jsonl.gz")}
    _write_rows(
        target / "corpus.jsonl.gz",
        (
            {"_id": f"{paper}-{place}", "title": "", "text": text}
            for paper, parts in papers.items()
            for place, (_, text) in enumerate(parts)
        ),
    )
    asked = [row for row in _rows(source / "queries.jsonl.gz") if row["answers"]]
    _write_rows(target / "queries.jsonl.gz", ({"_id": row["id"], "text": row["question"]} for row in asked))
    _write_judgements(
        target,
        dict.fromkeys(
            (row["id"], f"{row['doc_id']}-{_part_at(papers[row['doc_id']], answer['start'])}", 1)
            for row in asked
            for answer in row["answers"]
        ),
    )


CONVERTERS: dict[str, Callable[[Path, Path], None]] = {
    "attributionbench": attributionbench,
    "clapnq": clapnq,
    "covidqa": covidqa,
    "expertqa": expertqa,
    "mtrag_human": mtrag_human,
    "scifact": scifact,
    "scifact_train": scifact_train,
    "wice": wice,
}
"""The public sets that can be converted, by name."""


def convert(name: str, source: Path, target: Path) -> None:
    """Convert the public set ``name`` from ``source`` to the new folder ``target``; raises `EvaluationError`."""
    if name not in CONVERTERS:
        message = f"There is no converter for {name!r}."
        raise EvaluationError(message, hint=f"These sets can be converted: {', '.join(CONVERTERS)}.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise EvaluationError(f"{target} is not an empty folder.", hint="Name a new folder, or empty this one.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Made beside its place, so that a conversion that fails leaves nothing behind.
        with TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as made:
            CONVERTERS[name](source, Path(made))
            target.mkdir(exist_ok=True)
            for file in Path(made).iterdir():
                file.replace(target / file.name)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        message = f"{source} holds a compressed file that is damaged: {error}."
        raise EvaluationError(message, hint="Fetch the set again.") from error
    except OSError as error:
        message = f"{error.filename} cannot be read or written: {error.strerror}."
        raise EvaluationError(message, hint=f"Name the folder that holds {name}.") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"{source} is not in the form in which {name} is published: {error!r}."
        raise EvaluationError(message, hint="Fetch the set again.") from error


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def _picked(path: Path, names: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``path`` with our names (keys) for theirs (values)."""
    for row in _rows(path):
        yield {ours: row[theirs] for ours, theirs in names.items()}


def _write_rows(path: Path, found: Rows) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in found)


def _judgements(path: Path) -> list[tuple[str, str, int]]:
    _, *lines = path.read_text(encoding="utf-8").splitlines()
    return [judgement(line) for line in lines if line.strip()]


def _write_judgements(target: Path, judged: Iterable[tuple[str, str, int]]) -> None:
    lines = ["query-id\tcorpus-id\tscore", *(f"{query}\t{text}\t{grade}" for query, text, grade in judged)]
    (target / "qrels.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _earlier(questions: str) -> list[dict[str, str]]:
    """Return the user's turns before the last one."""
    return [{"role": "user", "content": line} for line in questions.split("\n")[:-1] if line.strip()]


def _sentences(texts: list[str]) -> list[str]:
    if not isinstance(texts, list):
        raise TypeError("references must be a list")
    lines = (line for text in texts for line in text.splitlines() if line.strip())
    return [line[span.start : span.end] for line in lines for span in sentences(line)]


def _parts(text: str) -> list[tuple[int, str]]:
    """Cut a paper at its line ends into parts of about `PARAGRAPH_WORDS`, each with where it starts."""
    parts: list[tuple[int, str]] = []
    start = place = 0
    for line in text.splitlines(keepends=True):
        place += len(line)
        if len(text[start:place].split()) >= PARAGRAPH_WORDS:
            parts.append((start, text[start:place]))
            start = place
    if text[start:].strip() or not parts:
        parts.append((start, text[start:]))
    return parts


def _part_at(parts: list[tuple[int, str]], place: int) -> int:
    """Return the number of the part that holds the character at ``place``."""
    return max(number for number, (start, _) in enumerate(parts) if start <= place)
