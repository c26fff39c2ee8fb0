"""Writes, for each question, the lines that SpreadGuide itself ranks first for it, to be judged by reading.

    python scripts/pooled_lines.py --questions FILE --to FILE [--lines 14]

Reads rows with a ``question`` (and a ``role``), and writes them with ``lines``: pairs of brief and line, best first,
of the briefs that teach only (those of ``brief_questions.jsonl``). With the numbers of lines that answer ("right") and
that do not ("wrong") added by hand, they are rows of ``scripts/training/judged_lines.jsonl``. The lines of
``pooled_lines.jsonl`` were judged by comparing them with the answers in ``brief_questions.jsonl``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from cross_encoder_rows import OWN, rows

from spreadguide.answering.evidence import EvidenceSettings, ask_for, gather
from spreadguide.answering.pillars import Topic, load_adoption
from spreadguide.answering.planning import queries
from spreadguide.answering.reranking import rerank
from spreadguide.answering.shape import Shape, load_advice, shape_of
from spreadguide.answering.wanted import without_remarks
from spreadguide.assistant import Library
from spreadguide.settings import load_settings
from spreadguide.types import Evidence, Question
from spreadguide.workbench import Bench


def ranked(library: Library, bench: Bench, question: Question, briefs: Sequence[str]) -> Iterator[Evidence]:
    """Yield the lines for a question, best first, those of its parts in turn."""
    embedder = bench.embedder
    settings = EvidenceSettings()
    plain = without_remarks(question.text)
    shape = shape_of(plain, embedder.embed_queries([plain])[0], load_advice(embedder.embedder_id))
    adoption = load_adoption(embedder.embedder_id)
    advice = shape is Shape.ADVICE and adoption is not None
    topic = adoption.topic(embedder.embed_queries([question.text])[0]) if advice else Topic.UNSURE
    found = []
    for query in queries(question, shape, topic):
        if query.pillar:
            continue
        hits = library.retriever.search(query.wording, settings.passages, also=query.also, source_ids=briefs)
        vector = embedder.embed_queries([query.wording])[0]
        ask = ask_for(query.part, query.wording, vector, question.standalone, library.lexical.idf, settings)
        units = rerank(ask, gather(ask, hits, library.store, settings), bench.reader)
        found.append([unit for unit in units if unit.field is None])
    for units in zip_longest(*found):
        yield from filter(None, units)


def main() -> None:
    """Write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=14)
    given = parser.parse_args()
    taught = {row["brief"] for row in rows(OWN / "brief_questions.jsonl")}
    bench = Bench(load_settings(use_generator=False), lambda *_: None)
    with bench.on_reports(None, "pooled") as assistant, given.to.open("w", encoding="utf-8") as file:
        library = assistant.library
        briefs = [source.source_id for source in library.store.sources() if source.path in taught]
        for row in rows(given.questions):
            question = Question(row["question"], row["question"], row.get("role"))
            units = ranked(library, bench, question, briefs)
            lines = dict.fromkeys((unit.source.path, " ".join(f"{unit.context} {unit.text}".split())) for unit in units)
            file.write(json.dumps(row | {"lines": list(lines)[: given.lines]}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
