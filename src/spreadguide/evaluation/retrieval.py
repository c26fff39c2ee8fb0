"""How well passages are found: the search that answers users, on the texts of a set."""

from __future__ import annotations

from collections.abc import Mapping

from spreadguide.assistant import Assistant
from spreadguide.errors import EvaluationError
from spreadguide.evaluation.metrics import RETRIEVAL_METRICS, ranking_scores
from spreadguide.evaluation.run import Done, Measured, Workbench
from spreadguide.evaluation.sets import FORM, EvaluationSet, QueryRow, TextRow, judgements, rows, turns
from spreadguide.evaluation.texts import set_texts

DEPTH = 100
"""Passages that are looked at for one question: enough for ten different texts, of which one may give several."""

STEP = "Searching"


def measure_retrieval(of: EvaluationSet, bench: Workbench, limit: int | None, done: Done) -> Measured:
    """Search for each question that has a judgement, and score the ranking of texts by their best passage.

    Raises `EvaluationError` when no question of the set has a judgement.
    """
    grades = judgements(of.folder)
    asked = [row for row in rows(of.folder, "queries.jsonl", QueryRow) if row.id in grades][:limit]
    if not asked:
        raise EvaluationError(f"No question of {of.folder} stands in qrels.tsv.", hint=FORM)
    texts = set_texts((row.id, row.title, row.text) for row in rows(of.folder, "corpus.jsonl", TextRow))
    ranked: dict[str, list[str]] = {}
    with bench.on_texts(texts, of.name) as assistant:
        done(STEP, len(asked), 0)
        for row in asked:
            ranked[row.id] = _texts(assistant, row)
            done(STEP, len(asked), 1)
        fingerprint = assistant.library.fingerprint
    scores = ranking_scores({row.id: grades[row.id] for row in asked}, ranked)
    return _measured([row.id for row in asked], scores, fingerprint)


def _texts(assistant: Assistant, row: QueryRow) -> list[str]:
    """Return the ids of the texts found, each at the place of its best passage."""
    hits = assistant.search(row.text, DEPTH, history=turns(row.history))
    return list(dict.fromkeys(name for hit in hits for name in (hit.source.path, *(one.path for one in hit.also_in))))


def _measured(ids: list[str], scores: Mapping[str, Mapping[str, float]], fingerprint: str) -> Measured:
    measured = Measured(len(ids), fingerprint=fingerprint)
    measured.rows = [{"id": name, "values": dict(scores[name])} for name in ids]
    for metric in RETRIEVAL_METRICS:
        measured.add_mean(metric, [scores[name][metric] for name in ids])
    return measured
