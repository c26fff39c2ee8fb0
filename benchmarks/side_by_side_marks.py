"""Which questions are asked side by side, and how a reply of any system is marked: by the evaluation's own rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spreadguide.evaluation.marking import mark
from spreadguide.evaluation.sets import QuestionRow
from spreadguide.text import sentences
from spreadguide.types import (
    Answer,
    Citation,
    CitedSource,
    Claim,
    Question,
    Status,
    SupportLevel,
    Timings,
    Trace,
)

UNCOVERED_SHARE = 1 / 3
"""Of the questions, so many are not covered by the reports."""

RULE = (
    "Golden questions of the split `report` without earlier turns and without a role, in the order of their file: of "
    "those that the briefs cover, and of those that they do not cover (status not_covered), evenly spaced ones, from "
    "the middle of equal parts. A third are not covered, and stand evenly among the others."
)

REFUSAL_SENTENCES = 2
"""A refusal is looked for in so many first sentences: later ones add to an answer that was given."""

_MARKER = re.compile(
    r"\[(?:sources?\s*)?(\d{1,3}(?:\s*(?:,|;|&|and|-|–)\s*(?:source\s*)?\d{1,3})*)\]|\bsources?\s+(\d{1,3})\b",
    re.IGNORECASE,
)
"""References as libraries prescribe them (`[2]`), and as small models write them (`[1, 2]`, `Source 2`)."""

_SOURCES = r"(?:contexts?|sources?|passages?|documents?|texts?|articles?|information|materials?|excerpts?)"
_WHICH = r"(?: (?:provided|given|above|available|here|itself|that (?:was|were) \w+|you \w+|\[?\d+\]?))*,?"
_NOT = r"(?:(?:do|does|did|is|are|was|were)(?:n[’']t| not)|cannot)"
_SAYS = (
    r"(?:provid|contain|mention|includ|specif|stat|giv|cover|address|discuss|answer|indicat|offer|list|detail|describ|"
    r"say|helpful|relevant|suppl|have (?:any |enough |the )?(?:\w+ )?(?:information|answer|detail))\w*"
)
_REFUSAL = re.compile(
    "|".join(
        (
            rf"\b{_SOURCES}{_WHICH} {_NOT}\b[^.]{{0,30}}\b{_SAYS}",
            rf"\bno (?:\w+ ){{0,3}}(?:information|mention|details?)\b|\bnothing in the\b[^.]{{0,20}}\b{_SOURCES}\b",
            rf"\bnone of the\b[^.]{{0,30}}\b{_SOURCES}\b",
            rf"\bnot (?:\w+ )?{_SAYS}[^.]{{0,40}}\b(?:in|by) (?:the|any|this|these)\b[^.]{{0,30}}\b{_SOURCES}\b",
            r"\b(?:i|we)(?: (?:cannot|can not|do not|am not|are not)|(?: ca| do)n[’']t|[’']m (?:not|unable|sorry))\b",
            r"\b(?:i am|we are|it is|it[’']s) (?:unable|not possible|impossible|sorry)\b|\bi apologi[sz]e\b",
            r"\A\s*empty response\s*\Z",
        )
    ),
    re.IGNORECASE,
)
"""How texts say that they cannot answer. No library's prompt prescribes a sentence for it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a system said to one question, and when, in seconds since it was asked.

    ``cited`` are the numbers that its statements refer to, each once, and ``files`` what stands behind which number.
    ``failed`` says what went wrong, where something did.
    """

    id: str
    text: str
    refused: bool
    cited: tuple[int, ...]
    files: Mapping[int, str]
    first_seconds: float
    seconds: float
    failed: str = ""


def chosen(rows: Iterable[QuestionRow], count: int) -> list[QuestionRow]:
    """Return ``count`` of ``rows`` by `RULE`."""
    fit = [row for row in rows if row.split == "report" and not row.history and row.role is None]
    wanted = round(count * UNCOVERED_SHARE)
    covered = _spaced([row for row in fit if row.covered], count - wanted)
    uncovered = _spaced([row for row in fit if row.status is Status.NOT_COVERED], wanted)
    places = [((number + 0.5) / len(part), row) for part in (covered, uncovered) for number, row in enumerate(part)]
    return [row for _, row in sorted(places, key=lambda place: place[0])]


def _spaced(rows: Sequence[QuestionRow], count: int) -> list[QuestionRow]:
    if count > len(rows):
        raise SystemExit(f"There are only {len(rows)} questions of a kind of which {count} are wanted. Ask for fewer.")
    return [rows[int((number + 0.5) * len(rows) / count)] for number in range(count)]


def refuses(text: str) -> bool:
    """Return whether a text without a status says that it cannot answer: in its first sentences, or by being empty."""
    spans = sentences(text)[:REFUSAL_SENTENCES]
    return not spans or bool(_REFUSAL.search(text[: spans[-1].end]))


def markers(text: str) -> tuple[int, ...]:
    """Return the numbers of sources that a text refers to, each once, in order."""
    found = (number for match in _MARKER.finditer(text) for number in re.findall(r"\d+", match[0]))
    return tuple(dict.fromkeys(int(number) for number in found))


def peer_reply(identity: str, said: Mapping[str, Any], first: float, end: float) -> Reply:
    """Return the reply that a peer's last line ``said`` means; see `side_by_side_peers/line_protocol.py`."""
    if said["event"] == "error":
        return Reply(identity, "", False, (), {}, first, end, failed=said["said"])
    files = dict(enumerate(said["sources"], start=1))
    cited = markers(said["text"]) if said["cited_by"] == "markers" else tuple(files)
    return Reply(identity, said["text"], refuses(said["text"]), cited, files, first, end)


def our_reply(identity: str, answer: Mapping[str, Any], first: float, end: float) -> Reply:
    """Return the reply that SpreadGuide's event `final` means; see docs/api.md."""
    shown = [claim for claim in answer["claims"] if claim["support"] != SupportLevel.UNSUPPORTED]
    cited = dict.fromkeys(citation["marker"] for claim in shown for citation in claim["citations"])
    files = {source["marker"]: source["path"] for source in answer["sources"]}
    refused = answer["status"] in {Status.NOT_COVERED, Status.DECLINED}
    return Reply(identity, answer["text"], refused, tuple(cited), files, first, end)


def marked(row: QuestionRow, reply: Reply, text_of: Callable[[str], str]) -> dict[str, Any]:
    """Mark one reply as `spreadguide eval run golden` marks an answer; ``text_of`` gives the text of a file.

    A number that stands for nothing counts as a citation, and as a false one. A text that holds every key fact is an
    answer, whatever else it says.
    """
    if reply.refused and row.need and all(re.search(need, reply.text, re.IGNORECASE) for need in row.need):
        reply = replace(reply, refused=False)
    one = mark(row, _answer(row, reply), text_of)
    return {
        "id": row.id,
        "covered": row.covered,
        "right": one.right and not reply.failed,
        "refused": one.refused,
        "failed": bool(reply.failed),
        "facts": one.facts if row.covered else 0,
        "facts_asked": one.asked,
        "cited": one.cited,
        "false_citations": one.cited - one.citations,
        "rightly_cited": one.cited_right and not reply.failed,
        "strange_numbers_and_names": len(one.invented),
        "first_seconds": round(reply.first_seconds, 3),
        "seconds": round(reply.seconds, 3),
    }


def _answer(row: QuestionRow, reply: Reply) -> Answer:
    """Return a reply in the form that the evaluation marks: one claim, which cites all that the reply cites."""
    citations = tuple(Citation(marker, "", "", 0, 0) for marker in reply.cited)
    claims = () if reply.refused else (Claim(reply.text, SupportLevel.SUPPORTED, 1.0, citations),)
    sources = tuple(
        CitedSource(marker, file, file, None, None, None, None, "", "", file) for marker, file in reply.files.items()
    )
    return Answer(
        answer_id=reply.id,
        question=Question(row.question, row.question),
        status=Status.NOT_COVERED if reply.refused else Status.ANSWERED,
        text=reply.text,
        claims=claims,
        sources=sources,
        evidence=(),
        missing=None,
        suggestions=(),
        warnings=(),
        timings=Timings(0, None, None, round(reply.seconds * 1000)),
        trace=Trace(None, ""),
    )
