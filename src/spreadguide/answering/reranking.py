"""Evidence, ranked by what the cross-encoder reads: does this line answer the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spreadguide.answering.evidence import Ask
from spreadguide.protocols import PairJudge
from spreadguide.types import Evidence

READ = 32
"""Units that are read, of those that rank best by vectors and words: about 260 ms on two cores. On the golden questions
for tuning, when this was set, key-fact recall was 0.801 with 24 of 12 passages, 0.826 with 32 of 20, and 0.831 with 64
of 30; but citation precision was 0.738 then, in place of 0.820."""

READ_WEIGHT = 0.6
"""Weight of the cross-encoder's probability in a unit's score, against the score by vectors and words."""


def rerank(ask: Ask, gathered: Sequence[Evidence], reader: PairJudge, most: int = READ) -> list[Evidence]:
    """Return the first ``most`` units with what the cross-encoder says of each, best first.

    What a document says of itself is not read: a bare date answers nothing, and its field was asked for by name.
    """
    first = list(gathered[:most])
    read = [unit for unit in first if unit.field is None]
    odds = dict(zip(map(id, read), reader.answers(ask.wording, [as_read(unit) for unit in read]).tolist(), strict=True))
    scored = []
    for unit in first:
        if id(unit) in odds:
            probability = float(1 / (1 + np.exp(-odds[id(unit)])))
            score = (1 - READ_WEIGHT) * unit.score + READ_WEIGHT * probability
            unit = replace(unit, answers=odds[id(unit)], score=score)
        scored.append(unit)
    return sorted(scored, key=lambda unit: -unit.score)


PASSAGES_READ = 2
"""Passages of the best units that are read whole, for the gate: an answer may be spread over several lines."""


def passage_odds(ask: Ask, ranked: Sequence[Evidence], reader: PairJudge) -> list[float]:
    """Return the log-odds that passages answer the question: those of the best units, `PASSAGES_READ` at most."""
    passages = {unit.passage.passage_id: unit for unit in ranked if unit.field is None}
    texts = [
        " ".join(f"{unit.source.headline(unit.passage)} {unit.passage.text}".split())
        for unit in list(passages.values())[:PASSAGES_READ]
    ]
    if not texts:
        return []
    # A follow-up is read with and without earlier turns: whether it leans on them cannot be told by its wording alone.
    readings = [ask.wording, ask.context] if ask.context else [ask.wording]
    return [float(odds) for odds in np.max([reader.answers(reading, texts) for reading in readings], axis=0)]


def as_read(unit: Evidence) -> str:
    """Return a unit as the cross-encoder was trained to read it: after title, heading and lead-in."""
    return " ".join(f"{unit.source.headline(unit.passage)} {unit.context} {unit.text}".split())
