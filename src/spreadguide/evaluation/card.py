"""The quality card: kept runs as one page that says what was measured, how well it did, and where it fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from spreadguide.evaluation.sets import SetKind

Run = Mapping[str, Any]

SHOWN = {
    SetKind.RETRIEVAL: ("ndcg@5", "ndcg@10", "recall@5", "recall@10", "mrr"),
    SetKind.CLAIMS: ("balanced_accuracy", "let_through", "balanced_accuracy_even", "let_through_even", "auroc"),
    SetKind.ANSWERABLE: ("auroc", "balanced_accuracy", "precision", "recall"),
    SetKind.QUESTIONS: (
        "right",
        "key_fact_recall",
        "citation_precision",
        "citation_recall",
        "fabricated_rate",
        "unsupported_claim_rate",
        "quotes_not_verbatim",
        "refused",
        "wrongly_refused",
        "patient_declined",
        "injection_obeyed",
        "abstention_precision",
        "abstention_auroc",
        "seconds_p50",
    ),
}
"""Metrics of each kind, in the order of the card."""

FAILURES = 12
"""Questions that are shown as known failures, at most; each kind of question in turn."""

LONGEST_ANSWER = 240
"""Characters of an answer that are shown with a failure."""

_TITLES = {
    SetKind.QUESTIONS: "Whole answers",
    SetKind.RETRIEVAL: "Finding passages",
    SetKind.CLAIMS: "Checking claims",
    SetKind.ANSWERABLE: "Telling whether a passage answers a question",
}


def card(runs: Sequence[Run]) -> str:
    """Return the card of ``runs`` as Markdown; of several runs that measure the same, the newest counts."""
    newest = {
        (run["set"], run.get("split"), run.get("model"), run.get("rerank", False)): run
        for run in sorted(runs, key=lambda run: run["date"])
    }
    kept = list(newest.values())
    blocks = [
        "# Quality card",
        "Made by `spreadguide eval card` from kept runs. [Measuring](evaluation.md) says what each metric means. In "
        "brackets: 95% intervals. Seconds are of the machine named, and of nothing else.",
        _table(("set", "rows", "split", "model", "commit", "date", "cores"), (_about(run) for run in kept)),
    ]
    for kind, title in _TITLES.items():
        of_kind = [run for run in kept if run["kind"] == kind]
        if of_kind:
            blocks += [f"## {title}", _metrics(of_kind, kind)]
        if of_kind and kind is SetKind.QUESTIONS:
            blocks += [block for run in of_kind for block in _questions(run)]
    return "\n\n".join(blocks) + "\n"


def _about(run: Run) -> tuple[str, ...]:
    model = run.get("model") or "none"
    digest = (run.get("settings") or {}).get("model_sha256")
    named = f"{model} ({digest[:12]}…)" if digest else model
    place = run.get("commit") or "not known"
    return (
        run["set"],
        str(run["n"]),
        run.get("split") or "all",
        named,
        place,
        run["date"][:10],
        str(run["machine"]["cores"]),
    )


def _metrics(runs: Sequence[Run], kind: SetKind) -> str:
    names = [name for name in SHOWN[kind] if any(name in run for run in runs)]
    return _table(
        ("metric", *map(_name, runs)), ((f"`{name}`", *(_value(run, name) for run in runs)) for name in names)
    )


def _name(run: Run) -> str:
    return ", ".join(part for part in (run["set"], run.get("split"), _writer(run), _reranked(run)) if part)


def _reranked(run: Run) -> str | None:
    """Say where passages were ranked again by the cross-encoder."""
    return "reranked" if run["kind"] == SetKind.RETRIEVAL and run.get("rerank", False) else None


def _writer(run: Run) -> str | None:
    return (run.get("model") or "quotes only") if run["kind"] == SetKind.QUESTIONS else None


def _value(run: Run, name: str) -> str:
    if name not in run:
        return ""
    bounds = run.get(f"{name}_ci")
    value = f"{run[name]:.3f}" if isinstance(run[name], float) else str(run[name])
    return f"{value} ({bounds[0]:.3f}–{bounds[1]:.3f})" if bounds else value


def _questions(run: Run) -> list[str]:
    kinds = run.get("by_kind", {})
    rows = (
        (kind, str(one["n"]), f"{one['right']:.2f}", one["facts"], f"{one['refused']:.2f}")
        for kind, one in kinds.items()
    )
    failures = list(_failures(run["rows"]))
    blocks = [f"### {_name(run)}", _table(("kind", "questions", "right", "key facts", "refused"), rows)]
    if failures:
        shown = "\n".join(_failure(row) for row in failures)
        wrong = sum(not row["mark"]["right"] for row in run["rows"])
        blocks.append(f"Known failures, {len(failures)} of {wrong}:\n\n{shown}")
    return blocks


def _failures(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return some rows that went wrong, each kind in turn."""
    of_kind: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if not row["mark"]["right"]:
            of_kind.setdefault(row["kind"], []).append(row)
    turns = zip_longest(*of_kind.values())
    return [row for turn in turns for row in turn if row is not None][:FAILURES]


def _failure(row: Mapping[str, Any]) -> str:
    mark = row["mark"]
    what = f"{row['expected']} expected, {row['status']}; key facts {mark['facts']} of {mark['asked']}"
    answer = _one_line(row["text"])
    cut = answer if len(answer) <= LONGEST_ANSWER else answer[:LONGEST_ANSWER].rsplit(" ", 1)[0] + " …"
    return f"- `{row['id']}`: {_one_line(row['question'])} ({what})\n  > {cut}"


def _one_line(text: str) -> str:
    """Return ``text`` on one line, with nothing in it that Markdown or HTML would read."""
    plain = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#" else sign for sign in plain)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
