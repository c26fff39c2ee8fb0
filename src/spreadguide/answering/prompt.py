"""Evidence → prompt: a short one, with the fixed part first so that its state can be kept between questions.

The prompt never asks the model to abstain: told to, a 1.5B model refuses everything. Whether the evidence is
enough is decided before (`gate`) and every sentence is checked after (`verification`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from spreadguide.types import Evidence, Prompt

SYSTEM = (
    "You answer questions about adopting innovations in health care. You are given numbered lines from reports. "
    "Use only facts from the lines, and copy names, numbers and limits such as 'up to' exactly as they stand. "
    "Answer in one to three short, complete sentences. End every sentence with the number of its line, like [1]."
)

EXAMPLES = (
    (
        "Lines:\n"
        "[1] (Rapid diagnosis hubs) Each hub was paid for by the region for up to 18 months.\n"
        "[2] (Rapid diagnosis hubs) Staff said that: booking was quicker; patients travelled less\n"
        "Question: For how long was each hub paid for, and what did staff say?",
        "Each hub was paid for by the region for up to 18 months [1]. "
        "Staff said that booking was quicker and patients travelled less [2].",
    ),
)

MAX_EVIDENCE_TOKENS = 300
"""Room for evidence in the prompt, in the model's own tokens: about six lines, four seconds to read on two cores."""

MAX_LINE_CHARACTERS = 900
"""Characters of a line that the model reads. What it writes is checked against the whole line."""


def line(evidence: Evidence) -> str:
    """Render one numbered line: heading, lead-in or speaker, and the unit itself."""
    heading = evidence.passage.heading[-1] if evidence.passage.heading else evidence.source.metadata.title
    context = f"{evidence.context} " if evidence.context else ""
    return f"[{evidence.marker}] ({heading}) {context}{evidence.text}"


def select(ranked: Sequence[Evidence], count_tokens: Callable[[Sequence[str]], list[int]]) -> list[Evidence]:
    """Number the evidence and keep what fits the token budget, best first; the first is kept whatever its length."""
    numbered = [replace(evidence, marker=number) for number, evidence in enumerate(ranked, start=1)]
    lengths = count_tokens([line(evidence)[:MAX_LINE_CHARACTERS] for evidence in numbered])
    kept: list[Evidence] = []
    used = 0
    for evidence, length in zip(numbered, lengths, strict=True):
        if kept and used + length > MAX_EVIDENCE_TOKENS:
            continue
        kept.append(evidence)
        used += length
    return [replace(evidence, marker=number) for number, evidence in enumerate(kept, start=1)]


def build(question: str, evidence: Sequence[Evidence]) -> Prompt:
    """Build the prompt for ``question`` from numbered ``evidence``."""
    lines = "\n".join(line(unit)[:MAX_LINE_CHARACTERS] for unit in evidence)
    return Prompt(system=SYSTEM, examples=EXAMPLES, user=f"Lines:\n{lines}\nQuestion: {question}")


def warm_up() -> Prompt:
    """Return the prompt's fixed part, to be read by the model before the first question comes."""
    return Prompt(system=SYSTEM, examples=EXAMPLES, user="")
