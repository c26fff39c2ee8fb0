"""What a question takes for granted and the passages found do not say: its numbers and names."""

from __future__ import annotations

from collections.abc import Sequence

from spreadguide.answering.gate import unknown_names
from spreadguide.answering.quantities import Quantity, quantities
from spreadguide.protocols import PassageStore
from spreadguide.types import Hit

MOST_TOLD = 2
"""Most things that are told; a question with more of them is about something else."""


def unsaid(question: str, hits: Sequence[Hit], store: PassageStore) -> list[str]:
    """Return a warning for each number and name of ``question`` that no passage found holds.

    The question is still answered with what the reports do say: whoever asks why 50 sites closed should see that the
    report tells of five.
    """
    read = " | ".join(f"{hit.source.metadata.title} {' '.join(hit.passage.heading)} {hit.passage.text}" for hit in hits)
    there = quantities(read)
    numbers = [
        question[number.start : number.end]
        for number in quantities(question)
        if _tells(number) and not any(_same(number, other) for other in there)
    ]
    found = dict.fromkeys([*numbers, *unknown_names(question, hits, store)])
    return [f"Your question says “{thing}”. The passages found do not say that." for thing in found][:MOST_TOLD]


LEAST = 20
"""Smaller numbers without a unit are said in passing: "two of our wards"."""


def _tells(number: Quantity) -> bool:
    return number.unit != "ordinal" and (bool(number.unit) or number.is_year or number.value >= LEAST)


def _same(one: Quantity, other: Quantity) -> bool:
    """Whether two numbers have one value; a number without a unit may stand for one with any."""
    return abs(one.value - other.value) <= 1e-9 * max(1.0, abs(other.value)) and (
        not one.unit or one.unit == other.unit
    )
