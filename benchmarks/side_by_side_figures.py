"""What the marked replies of one run come to: per system, and SpreadGuide beside each peer."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from server_process import spread
from side_by_side_systems import OURS

MUST_BE_FASTER = 4.0
"""How many times as fast the issue asks for, against the best peer."""

Marks = Sequence[Mapping[str, Any]]


def figures_of(marks: Marks) -> dict[str, Any]:
    """Return what one system's marks come to; a refusal or a failure is no answer.

    Citations are those of answers to covered questions: to the others there is no right one.
    ``seconds_for_each_right_answer`` is the time of all covered questions, divided by the right answers among them.
    """
    covered = [one for one in marks if one["covered"]]
    right = [one for one in covered if one["right"]]
    answers = [one for one in covered if not one["refused"] and not one["failed"]]
    others = [one for one in marks if not one["covered"]]
    spent = sum(one["seconds"] for one in covered)
    return {
        "covered": len(covered),
        "right": len(right),
        "right_without_a_false_citation": sum(not one["false_citations"] for one in right),
        "key_facts": sum(one["facts"] for one in covered),
        "key_facts_asked": sum(one["facts_asked"] for one in covered),
        "wrongly_refused": sum(one["refused"] for one in covered),
        "failed": sum(one["failed"] for one in marks),
        "citations": sum(one["cited"] for one in answers),
        "false_citations": sum(one["false_citations"] for one in answers),
        "answers_without_a_citation": sum(not one["cited"] for one in answers),
        "not_covered": len(others),
        "answered_though_not_covered": sum(not one["refused"] and not one["failed"] for one in others),
        "first_text_seconds": spread([one["first_seconds"] for one in marks], 2),
        "end_seconds": spread([one["seconds"] for one in marks], 2),
        "end_seconds_of_right_answers": spread([one["seconds"] for one in right], 2),
        "seconds_for_each_right_answer": round(spent / len(right), 2) if right else None,
    }


def beside(ours: Marks, theirs: Marks) -> dict[str, Any]:
    """Return how many times as long a peer takes: to answers that both got right, by medians, and per right answer.

    All times are those to the end of an answer. ``None`` where a side got nothing right, or both nothing alike.
    """
    our_right, their_right = ({one["id"]: one["seconds"] for one in marks if _right(one)} for marks in (ours, theirs))
    both = [name for name in our_right if name in their_right]
    ratios = [their_right[name] / our_right[name] for name in both]
    medians = [statistics.median(times.values()) if times else None for times in (our_right, their_right)]
    per_right = [figures_of(marks)["seconds_for_each_right_answer"] for marks in (ours, theirs)]
    return {
        "both_right": len(both),
        "times_as_long_where_both_are_right": round(statistics.median(ratios), 2) if ratios else None,
        "times_as_long_by_medians_of_right_answers": _ratio(*medians),
        "times_as_long_for_each_right_answer": _ratio(*per_right),
    }


def _right(one: Mapping[str, Any]) -> bool:
    return bool(one["covered"] and one["right"])


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return round(theirs / ours, 2) if ours and theirs else None


def must_show(comparisons: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the issue's figure, against the peer that comes nearest where both are right; ``None`` where none did."""
    name = "times_as_long_where_both_are_right"
    values = {peer: one[name] for peer, one in comparisons.items() if one[name] is not None}
    best = min(values, key=lambda peer: values[peer], default=None)
    value = None if best is None else values[best]
    return {
        "best_peer": best,
        "both_right": 0 if best is None else comparisons[best]["both_right"],
        "times_faster_to_a_right_rightly_cited_answer": value,
        "must_be": f">= {MUST_BE_FASTER:g}",
        "met": None if value is None else value >= MUST_BE_FASTER,
    }


def summary(result: Mapping[str, Any], marks: Mapping[str, Marks]) -> dict[str, Any]:
    """Return a run without any text of answers: what it was made with, figures, comparisons, and marks by question."""
    systems = {
        name: {key: value for key, value in system.items() if key != "replies"} | {"figures": figures_of(marks[name])}
        for name, system in result["systems"].items()
    }
    comparisons = {name: beside(marks[OURS], of) for name, of in marks.items() if name != OURS}
    return {
        **{key: value for key, value in result.items() if key != "systems"},
        "systems": systems,
        "beside": comparisons,
        "must_show": must_show(comparisons),
        "marks": {name: list(of) for name, of in marks.items()},
    }


def table(found: Mapping[str, Any]) -> str:
    """Return the figures of a summary as lines of text, a column for each system."""

    def share(count: str, of: str) -> list[str]:
        return [f"{system['figures'][count]}/{system['figures'][of]}" for system in systems]

    def middle(name: str) -> list[str]:
        return [str(system["figures"][name].get("p50", "–")) for system in systems]

    systems = list(found["systems"].values())
    rows = [
        ["", *found["systems"]],
        ["first text, s (median)", *middle("first_text_seconds")],
        ["end, s (median)", *middle("end_seconds")],
        ["end of right answers, s (median)", *middle("end_seconds_of_right_answers")],
        ["s for each right answer", *(str(one["figures"]["seconds_for_each_right_answer"] or "–") for one in systems)],
        ["right and rightly cited", *share("right", "covered")],
        ["… without a false citation", *share("right_without_a_false_citation", "covered")],
        ["key facts", *share("key_facts", "key_facts_asked")],
        ["false citations", *share("false_citations", "citations")],
        ["answered though not covered", *share("answered_though_not_covered", "not_covered")],
        ["peak memory, MB", *(f"{one['peak_megabytes']:.0f}" for one in systems)],
        ["ready, s", *(f"{one['ready_seconds']:.0f}" for one in systems)],
    ]
    first = max(len(row[0]) for row in rows)
    width = max(len(cell) for row in rows for cell in row[1:]) + 2
    lines = [row[0].ljust(first) + "".join(cell.rjust(width) for cell in row[1:]) for row in rows]
    for name, one in found["beside"].items():
        numbers = {key: "–" if value is None else value for key, value in one.items()}
        lines.append(
            f"{name} takes {numbers['times_as_long_where_both_are_right']} times as long where both are right "
            f"({numbers['both_right']} questions), {numbers['times_as_long_by_medians_of_right_answers']} times by "
            f"medians of right answers, {numbers['times_as_long_for_each_right_answer']} times for each right answer."
        )
    shown = found["must_show"]
    verdict = {True: "met", False: "missed", None: "not measured"}[shown["met"]]
    value = shown["times_faster_to_a_right_rightly_cited_answer"]
    best = f" ({shown['best_peer']}, {shown['both_right']} questions)" if shown["best_peer"] else ""
    lines.append(f"Against the best peer{best}: {value or '–'} times faster, must be {shown['must_be']}: {verdict}.")
    return "\n".join(lines)
