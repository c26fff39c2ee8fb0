"""Lines of one question, together: the batches that hold them, and the loss of having them in the wrong order."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of at most ``size`` values."""
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part


def question_batches(
    questions: Sequence[str], lengths: Sequence[int], size: int, pool: int, seed: int
) -> list[list[int]]:
    """Return batches of at most ``size`` rows, in random order, of about the same length.

    Rows with the same question that follow each other stay together; more than ``size`` of them are cut. Of ``pool``
    questions at a time those with the longest rows share batches, so that little of a batch is padding.
    """
    same = groupby(range(len(questions)), key=questions.__getitem__)
    groups = [part for _, rows in same for part in batched(rows, size)]
    chance = random.Random(seed)
    chance.shuffle(groups)
    batches: list[list[int]] = []
    for some in batched(groups, pool):
        batches.append([])
        for group in sorted(some, key=lambda rows: max(lengths[row] for row in rows)):
            if len(batches[-1]) + len(group) > size:
                batches.append([])
            batches[-1] += group
    chance.shuffle(batches)
    return batches


def out_of_order(scores: Tensor, labels: Tensor, questions: Sequence[str]) -> list[Tensor]:
    """Return, for each line that answers, the cross-entropy of choosing it among the lines that do not answer.

    ``scores`` and ``labels`` (1 where the line answers) are of shape ``(rows,)``. After Cao et al., "Learning to rank:
    from pairwise approach to listwise approach" (2007), for one right line at a time. A question whose lines all
    answer, or of which none does, has none.
    """
    found = []
    for question in dict.fromkeys(questions):
        mine = torch.tensor([other == question for other in questions])
        right, wrong = scores[mine & (labels > 0)], scores[mine & (labels <= 0)]
        if len(wrong):
            found += [torch.logsumexp(torch.cat([one[None], wrong]), 0) - one for one in right]
    return found
