"""Rows of the third part of training: which lines of a text answer a question, or support a claim, and which do not.

`scripts/training/excerpts.jsonl` says where excerpts stand in the papers, line by line. `listed_questions.jsonl` holds
questions on them, each with the numbers of all lines that answer it, or with none; `brief_questions.jsonl` holds the
same about briefs. So a line is told apart from its neighbours on the same subject, as it has to be when answering.
`listed_claims.jsonl` holds sentences as an assistant writes them about an excerpt. `follow_ups.jsonl` holds
conversations about briefs, each with the lines that answer its last question. `judged_lines.jsonl` holds questions with
the lines that the program itself ranked first for them, each judged by reading (see pooled_lines.py): what a model
has to tell apart when answering is what a search brings up, not what shares words.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from cross_encoder_rows import EVIDENCE_WORDS, OWN, PASSAGE_WORDS, SEED, Pair, Source, key, rows, sharing, window

from spreadguide.retrieval.followup import latest_first
from spreadguide.types import Turn

LINES = 1
"""Lines that do not answer, of each question: those that the model which is trained on ranked first among them, or, of
the last questions of conversations, those that share most words."""
POOLED = 4
"""Lines that do not answer, of each question on a brief: those that the program ranked first."""
JUDGED = 5
"""The same for questions whose lines were judged."""
TIMES_JUDGED = 2
"""How often a judged line that answers is seen: of ten lines that the program ranked first, one does."""
PASSAGE_LINES = 6
"""Lines of a brief that are read together as a passage."""
FAR_LINES = 1
"""Lines of briefs, and as many of papers, for a question about something else altogether."""
RELEVANCE_AGAIN = {
    "own_questions": 500, "more_questions": 500, "paper_questions": 500, "squad_answered": 100,
    "squad_unanswerable": 150, "nq": 100, "nq_negatives": 100, "doc2dial": 100, "doc2dial_negatives": 100,
    "scifact": 150,
}  # fmt: skip
"""Pairs of the second part that are seen once more, so that nothing is unlearnt."""
CLAIMS_AGAIN = {
    "paper_claims": 500, "more_claims": 300, "own_claims": 200, "fever_dev_rte": 200, "mnli_olora": 200, "fm2": 150,
    "expertqa": 200, "wice_train_partial": 150, "scifact_claims": 150, "other_words": 150,
}  # fmt: skip
"""The same for claims."""


def relevance_third(source: Source) -> dict[str, list[Pair]]:
    """Return pairs of question and line, and of question and excerpt, for the third part of training."""
    before = source.relevance_again()
    return {
        "listed_lines": source.take(_listed(source)),
        "listed_excerpts": source.take(_excerpts(source)),
        "brief_lines": source.take(_pooled(source, "pooled_lines.jsonl", POOLED)),
        "judged_lines": source.take(_pooled(source, "judged_lines.jsonl", JUDGED, TIMES_JUDGED)),
        "brief_passages": source.take(_brief_passages(source)),
        "far_lines": source.take(_far(source)),
        "follow_up_lines": source.take(_following(source)),
        **{name: before[name][:most] for name, most in RELEVANCE_AGAIN.items()},
    }


def claims_third(source: Source) -> dict[str, list[Pair]]:
    """Return pairs of claim and evidence for the third part of training."""
    before = source.claims_again()
    return {
        "listed_claims": source.take(claims(source)),
        **{name: before[name][:most] for name, most in CLAIMS_AGAIN.items()},
    }


def lines_of(source: Source, excerpt: dict[str, Any]) -> list[str]:
    """Return the lines of an excerpt."""
    text = source.section(excerpt["paper"], excerpt["section"])["text"]
    return [" ".join(text[start:end].split()) for start, end in excerpt["lines"]]


def headline(source: Source, excerpt: dict[str, Any]) -> str:
    """Return title and heading of an excerpt, as they stand before evidence when answering."""
    heading = source.section(excerpt["paper"], excerpt["section"])["head"]
    return f"{source.paper_title(excerpt)}. {heading}".strip()


def excerpts(source: Source) -> dict[str, tuple[dict[str, Any], list[str]]]:
    """Return each excerpt with its lines, by its name."""
    return {row["id"]: (row, lines_of(source, row)) for row in rows(OWN / "excerpts.jsonl")}


def listed(source: Source) -> Iterator[tuple[dict[str, Any], list[str], str, list[int], list[int]]]:
    """Yield excerpt, its lines, a question, the places of the lines that answer it, and of others that seem to."""
    known = excerpts(source)
    for row in rows(OWN / "listed_questions.jsonl"):
        right, near = ([number - 1 for number in row[name]] for name in ("lines", "near"))
        yield *known[row["excerpt"]], row["question"], right, near


def _listed(source: Source) -> Iterator[Pair]:
    for excerpt, lines, question, right, near in listed(source):
        title = headline(source, excerpt)
        for place in (*right, *near[:LINES]):
            yield Pair(question, f"{title} {lines[place]}", int(place in right), excerpt["paper"])


def _excerpts(source: Source) -> Iterator[Pair]:
    """Questions with the whole excerpt, cut as a passage is."""
    for excerpt, lines, question, right, _ in listed(source):
        text = window(question, " ".join(lines), PASSAGE_WORDS, [lines[place] for place in right])
        yield Pair(question, f"{headline(source, excerpt)} {text}", int(bool(right)), excerpt["paper"])


def _pooled(source: Source, name: str, most: int, times: int = 1) -> Iterator[Pair]:
    """Questions with lines that the program ranked first for them: those that answer, and ``most`` of the others."""
    for row in rows(OWN / name):
        for label, places in ((1, row["right"] * times), (0, row["wrong"][:most])):
            for place in places:
                brief, line = row["lines"][place]
                yield Pair(row["question"], source.with_title(brief, line), label, row["question"])


def _brief_passages(source: Source) -> Iterator[Pair]:
    """Questions on briefs with the passage that answers, and with the one of the rest that shares most words."""
    for row in rows(OWN / "brief_questions.jsonl"):
        lines = source.lines(row["brief"])
        passages = [" ".join(lines[start : start + PASSAGE_LINES]) for start in range(0, len(lines), PASSAGE_LINES)]
        right = [key(line) for line in row["answers"]]
        held = [text for text in passages if any(answer in key(text) for answer in right)]
        others = [text for text in passages if text not in held]
        for label, texts in ((1, held[:1]), (0, sharing(row["question"], others)[:1])):
            for text in texts:
                cut = window(row["question"], text, PASSAGE_WORDS, row["answers"])
                yield Pair(row["question"], source.with_title(row["brief"], cut), label, row["question"])


def follow_ups(*, taught: bool) -> list[dict[str, Any]]:
    """Return the conversations about every second brief, which teach, or those about the others, which choose."""
    written = list(rows(OWN / "follow_ups.jsonl"))
    teaching = sorted({row["brief"] for row in written})[::2]
    return [row for row in written if (row["brief"] in teaching) is taught]


def _following(source: Source) -> Iterator[Pair]:
    """The last question of a conversation, as it is read when answering, with lines that answer it and with others.

    Of other briefs come lines that would answer if what was said before were passed over, or if it were all that is
    asked.
    """
    known = [(brief, line) for brief in sorted({row["brief"] for row in follow_ups(taught=True)})
             for line in source.lines(brief)]  # fmt: skip
    for row in follow_ups(taught=True):
        brief, right = row["brief"], set(row["answers"])
        question = latest_first(row["question"], [Turn(turn["role"], turn["content"]) for turn in row["history"]])
        others = [line for line in source.lines(brief) if line not in right]
        for line in row["answers"]:
            yield Pair(question, source.with_title(brief, line), 1, row["question"])
        for line in sharing(row["stand_alone"], others)[:LINES]:
            yield Pair(question, source.with_title(brief, line), 0, row["question"])
        misleading = row["question"] if row["leans"] else " ".join(turn["content"] for turn in row["history"])
        elsewhere = {line: other for other, line in known if other != brief}
        for line in sharing(misleading, list(elsewhere))[:FAR_LINES]:
            yield Pair(question, source.with_title(elsewhere[line], line), 0, row["question"])


def claims(source: Source) -> Iterator[Pair]:
    """Claims, in turn with the whole excerpt, cut as evidence is, and with the lines that they are nearest to."""
    known = excerpts(source)
    for place, row in enumerate(rows(OWN / "listed_claims.jsonl")):
        excerpt, lines = known[row["excerpt"]]
        nearest = [lines[number - 1] for number in row["lines"]]
        text = window(row["claim"], " ".join(lines), EVIDENCE_WORDS, nearest if row["supported"] else ())
        if place % 2 and nearest:
            text = " ".join(nearest)
        yield Pair(row["claim"], f"{headline(source, excerpt)} {text}", int(row["supported"]), excerpt["paper"])


def _far(source: Source) -> Iterator[Pair]:
    """Questions of people at work that are about no adoption at all, with lines that share words with them."""
    chance = random.Random(SEED)
    briefs = sorted({row["brief"] for row in rows(OWN / "questions.jsonl")})
    known = [source.with_title(brief, line) for brief in briefs for line in source.lines(brief)]
    papers = [f"{headline(source, row)} {line}" for row, lines in excerpts(source).values() for line in lines]
    papers = chance.sample(papers, min(len(papers), len(known)))
    for row in rows(OWN / "adoption_advice.jsonl"):
        if not row["adoption"]:
            for line in (*sharing(row["question"], known)[:FAR_LINES], *sharing(row["question"], papers)[:FAR_LINES]):
                yield Pair(row["question"], line, 0, row["question"])
