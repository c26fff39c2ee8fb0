"""Near-duplicate passages: reports quote each other, and the same text must count once.

Paragraphs are compared, because the same text is cut into other passages where other text stands around it. MinHash
sketches (A. Broder, "On the resemblance and containment of documents", 1997) estimate which paragraphs share many runs
of words; sketches that agree in one of several bands are candidates (locality-sensitive hashing, Leskovec, Rajaraman
and Ullman, "Mining of Massive Datasets", chapter 3). Each candidate pair is then compared word by word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise

import numpy as np
from datasketch import MinHash
from numpy.typing import NDArray

from spreadguide.text import words

SHINGLE_WORDS = 3
"""Words in a row that are compared as one; longer runs miss paragraphs in which a word was changed here and there."""

FEWEST_WORDS = 10
"""A shorter paragraph (a date, a source line) may be the same in two reports without one quoting the other."""

SKETCH_WIDTH = 128
BANDS = 32
ROWS = 4
"""32 bands of 4 values: a pair of resemblance 0.5 becomes a candidate with probability 0.87, one of 0.2 with 0.05."""

CONTAINED = 0.6
"""Share of the shorter paragraph's runs of words that must stand in the other one."""

SIMILAR_LENGTH = 0.4
"""The shorter paragraph has at least this share of the longer one's runs: a quote inside a long text is not a copy."""

SHARED = 0.5
"""Two passages are near-duplicates when at least this share of the words of each stands in paragraphs they share."""

_SEED = 1
_BLANK = MinHash(num_perm=SKETCH_WIDTH, seed=_SEED, scheme="affine32")
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], dtype=np.uint64)
"""Odd constants that mix the values of one band into one number."""


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs, list items and rows of a passage's text; each stands on a line of its own."""
    return [line for line in text.split("\n") if line]


def sketches(text: str) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """Return which paragraphs of a passage can be compared, and their MinHash sketches: ``(n,)``, ``(n, 128)``."""
    found = [(place, _shingles(line)) for place, line in enumerate(paragraphs(text))]
    long_enough = [(place, runs) for place, runs in found if runs]
    places = np.array([place for place, _ in long_enough], dtype=np.int32)
    rows = [_sketch(runs) for _, runs in long_enough]
    return places, np.stack(rows) if rows else np.zeros((0, SKETCH_WIDTH), dtype=np.uint32)


def _sketch(runs: frozenset[str]) -> NDArray[np.uint32]:
    made = _BLANK.copy()
    made.update_batch([run.encode() for run in runs])
    return np.asarray(made.hashvalues, dtype=np.uint32)


@lru_cache(maxsize=4096)
def _shingles(text: str) -> frozenset[str]:
    """Return the runs of `SHINGLE_WORDS` words of ``text``; none where it is too short to be compared."""
    found = [word.text.lower() for word in words(text)]
    if len(found) < FEWEST_WORDS:
        return frozenset()
    return frozenset(" ".join(found[at : at + SHINGLE_WORDS]) for at in range(len(found) - SHINGLE_WORDS + 1))


def same_text(one: str, other: str) -> bool:
    """Whether most of the shorter paragraph stands in the other, and both are of similar length."""
    small, large = sorted((_shingles(one), _shingles(other)), key=len)
    if not small or len(small) < SIMILAR_LENGTH * len(large):
        return False
    return len(small & large) >= CONTAINED * len(small)


def duplicate_groups(
    rows: NDArray[np.int32],
    places: NDArray[np.int32],
    sketched: NDArray[np.uint32],
    text_of: Callable[[int], str],
) -> dict[int, int]:
    """Return, for each passage's row that has a near-duplicate, the first row of its group.

    Sketch ``i`` of ``sketched`` is that of paragraph ``places[i]`` of the passage in row ``rows[i]``; ``text_of``
    returns a passage's text, and is asked for candidates only.
    """
    shared: dict[tuple[int, int], tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for one, other in sorted(_candidates(sketched)):
        pair = (int(rows[one]), int(rows[other]))
        lines = (int(places[one]), int(places[other]))
        if pair[0] == pair[1]:
            continue
        if same_text(paragraphs(text_of(pair[0]))[lines[0]], paragraphs(text_of(pair[1]))[lines[1]]):
            for side, line in zip(shared[pair], lines, strict=True):
                side.add(line)
    return _joined(
        pair
        for pair, sides in sorted(shared.items())
        if all(_share(text_of(row), lines) >= SHARED for row, lines in zip(pair, sides, strict=True))
    )


def _share(text: str, lines: set[int]) -> float:
    """Return the share of the words of a passage's text that stand in these paragraphs."""
    lengths = [len(line.split()) for line in paragraphs(text)]
    return sum(lengths[line] for line in lines) / max(1, sum(lengths))


def _joined(pairs: Iterator[tuple[int, int]]) -> dict[int, int]:
    """Return the first row of the group that each row of ``pairs`` belongs to."""
    parent: dict[int, int] = {}

    def root(row: int) -> int:
        while parent.get(row, row) != row:
            row = parent[row]
        return row

    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        parent.setdefault(first, first)
        parent[second] = first
    return {row: root(row) for row in parent}


def _candidates(sketched: NDArray[np.uint32]) -> set[tuple[int, int]]:
    """Return pairs of sketches, the smaller number first, that agree in at least one band."""
    found: set[tuple[int, int]] = set()
    for band in range(BANDS):
        part = np.asarray(sketched[:, band * ROWS : (band + 1) * ROWS], dtype=np.uint64)
        found.update(_equal_neighbours((part * _MIX).sum(axis=1, dtype=np.uint64)))
    return found


def _equal_neighbours(values: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Yield pairs of places with the same value: each with the next, which is enough to join them all."""
    order = np.argsort(values, kind="stable")
    for before, after in pairwise(order[_in_runs(values[order])].tolist()):
        if values[before] == values[after]:
            yield before, after


def _in_runs(ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Mark the values that have an equal one beside them."""
    same = ordered[1:] == ordered[:-1]
    return np.concatenate(([False], same)) | np.concatenate((same, [False])) if len(ordered) else same
