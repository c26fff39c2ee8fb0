"""Near-duplicate passages: reports quote each other, and the same text must count once.

Paragraphs are compared, because the same text is cut into other passages where other text stands around it. MinHash
sketches (A. Broder, "On the resemblance and containment of documents", 1997) estimate which paragraphs share many runs
of words; sketches that agree in one of several bands are candidates (locality-sensitive hashing, Leskovec, Rajaraman
and Ullman, "Mining of Massive Datasets", chapter 3). Each candidate pair is then compared word by word, because
one changed number, name or "not" makes another statement of it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spreadguide.text import STOP_WORDS, Word, stem, words

SHINGLE_WORDS = 3
"""Words in a row that are compared as one; longer runs miss paragraphs in which a word was changed here and there."""

FEWEST_WORDS = 10
"""A shorter paragraph (a date, a source line) may be the same in two reports without one quoting the other."""

SKETCH_WIDTH, BANDS, ROWS = 128, 32, 4
"""32 bands of 4 values: a pair of resemblance 0.5 becomes a candidate with probability 0.87, one of 0.2 with 0.05."""

CONTAINED = 0.6
"""Share of the shorter paragraph's runs of words that must stand in the other one."""

SIMILAR_LENGTH = 0.4
"""The shorter paragraph has at least this share of the longer one's runs: a quote inside a long text is not a copy."""

SHARED = 0.5
"""Two passages are near-duplicates when at least this share of the words of each stands in paragraphs they share; and
a sentence with at least this share of its words in both paragraphs is the same sentence, changed."""

WINDOW = 32
"""Paragraphs with one band value, and passages with one paragraph, are each compared with this many before them at
most, and a paragraph that was unlike so many is compared no more: a line in thousands of reports stays cheap."""

_ABOUT = re.compile(r"(?:sources?|publisher|authors?|published|commissioned by|full report)\s*:", re.IGNORECASE)
"""Begins a line that says where a text comes from: two statements may share it."""

KEPT = 4
"""Passages of a group, of different wording, that a further passage must be a near-duplicate of."""

_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], dtype=np.uint64)
"""Odd constants that mix the values of one band into one number."""

_NUMBER, _NAME, _TURNING = -1, -2, 3
_FACT_WORDS = """
not no none nor never neither nobody nothing without cannot non fail failure lack hardly barely rarely; more increase
rise rose risen raise grow grew grown growth higher greater gain expand | less fewer decrease reduce reduction fall
fell fallen drop decline lower cut lose lost loss; improve better | worse worsen deteriorate; half | third | quarter |
minute | hour | day daily | week | month | year annual | decade; all every each | most | many | some several | few;
over above exceed | under below; before | after | during; high | low; up | down; best | worst; positive | negative;
for | against; should must | may might can could; man men male boy | woman women female girl; adult | child children;
urban | rural; north northern | south southern | east eastern | west western; faster | slower; longer | shorter;
larger | smaller
"""
"""Words that make another statement where one takes the place of another of its set; those between two bars say the
same. The words of the first `_TURNING` sets turn a statement round wherever one is put in."""

_FACTS = {
    stem(word): (kind, part.split()[0])
    for kind, line in enumerate(_FACT_WORDS.split(";"))
    for part in line.split("|")
    for word in part.split()
}
_OPPOSITE = ("un", "in", "im", "ir", "dis")  # "able" and "unable"

_SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred"
_NUMBERS = {name: str(value) for value, name in enumerate([*_SMALL.split(), "seventeen", "eighteen", "nineteen"])}
_NUMBERS |= {name: str(10 * value) for value, name in enumerate(_TENS.split(), start=2)}
_NUMBERS |= {"thousand": "1000", "million": "1000000", "billion": "1000000000", "first": "1st", "second": "2nd"}


class _Word(NamedTuple):
    """One word of a paragraph, the fact it states (its kind, or ``None``, and value), and its sentence's number."""

    stem: str
    kind: int | None
    value: str
    sentence: int


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs, list items and rows of a passage's text; each stands on a line of its own."""
    return [line for line in text.split("\n") if line]


def sketches(text: str) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """Return which paragraphs of a passage can be compared, and their MinHash sketches: ``(n,)``, ``(n, 128)``."""
    found = [(place, _shingles(line)) for place, line in enumerate(paragraphs(text)) if not _ABOUT.match(line)]
    long_enough = [(place, runs) for place, runs in found if runs]
    places = np.array([place for place, _ in long_enough], dtype=np.int32)
    rows = [_sketch(runs) for _, runs in long_enough]
    return places, np.stack(rows) if rows else np.zeros((0, SKETCH_WIDTH), dtype=np.uint32)


def load_sketching() -> None:
    """Load what `sketches` needs: it takes a second, which need not be waited for when other work is at hand."""
    _blank()


@cache
def _blank() -> Any:
    from datasketch import MinHash  # it imports SciPy, which a search has no need of

    return MinHash(num_perm=SKETCH_WIDTH, seed=1, scheme="affine32")


def _sketch(runs: frozenset[str]) -> NDArray[np.uint32]:
    made = _blank().copy()
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
    """Whether most of the shorter paragraph stands in the other, both are of similar length, and state the same.

    In doubt it is not: then a text is shown twice, where the other mistake would hide a statement.
    """
    small, large = sorted((_shingles(one), _shingles(other)), key=len)
    if not small or len(small) < SIMILAR_LENGTH * len(large):
        return False
    return one == other or (len(small & large) >= CONTAINED * len(small) and _same_facts(_read(one), _read(other)))


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[_Word, ...]:
    """Return the words of a paragraph with the facts they state."""
    found = words(text)
    small = {word.text for word in found} | STOP_WORDS
    read: list[_Word] = []
    sentence = end = 0
    for word in found:
        gap, end = text[end : word.start], word.end
        sentence += any(mark in gap for mark in ".!?;")
        fresh = not read or any(mark in gap for mark in '.!?;:"“‘(•–—')
        common = small if fresh else {"i"} if len(word.text) == 1 else STOP_WORDS
        name = word.text[0].isupper() and word.text.lower() not in common
        read.append(_Word(*_stated(word, name, fresh, read[-1].stem if read else ""), sentence))
    return tuple(read)


def _stated(word: Word, name: bool, fresh: bool, before: str) -> tuple[str, int | None, str]:
    """Return a word's stem, or its number in digits, with the kind and value of the fact that it states."""
    lowered = word.text.lower().replace(",", "").replace("’", "'")
    if number := _NUMBERS.get(lowered) or (lowered if lowered[0].isdigit() else ""):
        return number, None if before == "page" else _NUMBER, number
    kind, value = (0, "not") if lowered.endswith("n't") else _FACTS.get(word.stem, (None, ""))
    named = name and (kind is None or (kind >= _TURNING and not fresh))
    return (word.stem, _NAME, word.stem) if named else (word.stem, kind, value)


def _same_facts(one: Sequence[_Word], other: Sequence[_Word]) -> bool:
    """Whether two paragraphs with mostly the same words state the same numbers, names, directions and negations."""
    for kind in (_NUMBER, _NAME):
        common = {word.stem for word in (*one, *other) if word.kind != kind}
        sides = ([word for word in side if word.kind == kind and word.value not in common] for side in (one, other))
        few, many = sorted(sides, key=len)
        rest = (word.value for word in many)
        if not all(word.value in rest for word in few):
            return False
    stems, others = ({word.stem for word in side} for side in (one, other))
    if any({start + word for word in stems ^ others} & (stems ^ others) for start in _OPPOSITE):
        return False
    facts, of_other = ([word[1:3] for word in side if word.kind is not None] for side in (one, other))
    return facts == of_other or not _changed(one, other)


def _changed(one: Sequence[_Word], other: Sequence[_Word]) -> bool:
    """Whether a fact takes the place of another somewhere, or a word that turns a statement round was put in."""
    stems, others = ([word.stem for word in side] for side in (one, other))
    codes = SequenceMatcher(None, stems, others, autojunk=False).get_opcodes()
    kept = _kept(one, [(a, b) for tag, a, b, _, _ in codes if tag == "equal"])
    kept_other = _kept(other, [(c, d) for tag, _, _, c, d in codes if tag == "equal"])
    for _, a, b, c, d in (code for code in codes if code[0] != "equal"):
        turned = {word.kind for word in one[a:b] if word.sentence in kept}
        turned |= {word.kind for word in other[c:d] if word.sentence in kept_other}
        for kind in {word.kind for word in (*one[a:b], *other[c:d]) if word.kind is not None}:
            left, right = (sorted(word.value for word in run if word.kind == kind) for run in (one[a:b], other[c:d]))
            swapped = set(left) - set(right) and set(right) - set(left)
            if swapped or (kind in turned and 0 <= kind < _TURNING and left != right):
                return True
    return False


def _kept(found: Sequence[_Word], equal: Iterable[tuple[int, int]]) -> set[int]:
    """Return the sentences that the other paragraph has too: a sentence that is new contradicts nothing."""
    kept = Counter(word.sentence for start, end in equal for word in found[start:end])
    sizes = Counter(word.sentence for word in found)
    return {sentence for sentence, size in sizes.items() if kept[sentence] >= SHARED * size}


def duplicate_groups(
    rows: NDArray[np.int32],
    places: NDArray[np.int32],
    sketched: NDArray[np.uint32],
    text_of: Callable[[int], str],
    same: Callable[[str, str], bool] = same_text,
) -> dict[int, int]:
    """Return, for each passage's row that has a near-duplicate, the first row of its group.

    Sketch ``i`` is that of paragraph ``places[i]`` of the passage in row ``rows[i]``; ``text_of`` returns a passage's
    text, and is asked for candidates only; ``same`` compares two paragraphs. A row that is like a copy but unlike a
    group's first row starts a new group.
    """
    lines = lru_cache(maxsize=4096)(lambda row: paragraphs(text_of(row)))
    where = list(zip(rows.tolist(), places.tolist(), strict=True))
    shared: dict[int, dict[int, int]] = defaultdict(dict)
    for sketch, of in _classes(sketched, lambda sketch: lines(where[sketch][0])[where[sketch][1]], same).items():
        shared[where[sketch][0]][where[sketch][1]] = of
    lengths = {row: [0 if _ABOUT.match(line) else len(line.split()) for line in lines(row)] for row in shared}

    def enough(row: int, found: Iterable[int]) -> bool:
        return sum(lengths[row][place] for place in found) >= SHARED * sum(lengths[row])

    def alike(one: int, other: int) -> bool:
        pairs = [(a, b) for a, of in shared[one].items() for b, other_of in shared[other].items() if of == other_of]
        if not (enough(one, {a for a, _ in pairs}) and enough(other, {b for _, b in pairs})):
            return False
        kept = [(a, b) for a, b in pairs if same(lines(one)[a], lines(other)[b])]
        return enough(one, {a for a, _ in kept}) and enough(other, {b for _, b in kept})

    return _grouped(_links({row: set(shared[row].values()) for row in sorted(shared)}), alike, lines)


def _classes(
    sketched: NDArray[np.uint32], line_of: Callable[[int], str], same: Callable[[str, str], bool]
) -> dict[int, int]:
    """Return, for each sketch whose paragraph has a copy, the first sketch of those that copies join to it."""
    parent: dict[int, int] = {}

    def root(sketch: int) -> int:
        while (above := parent.setdefault(sketch, sketch)) != sketch:
            parent[sketch] = sketch = parent[above]
        return sketch

    tried: Counter[int] = Counter()
    for one, other in _candidates(sketched):
        first, second = sorted((root(one), root(other)))
        if first != second and max(tried[one], tried[other]) < WINDOW:
            alike = same(line_of(one), line_of(other))
            parent[second] = first if alike else second
            tried.update(() if alike else (one, other))
    sizes = Counter(root(sketch) for sketch in list(parent))
    return {sketch: root(sketch) for sketch in sorted(parent) if sizes[root(sketch)] > 1}


def _links(classes: dict[int, set[int]]) -> dict[int, set[int]]:
    """Return for each row earlier ones to compare it with: `WINDOW` of each class, and one with the same classes."""
    linked: dict[int, set[int]] = {}
    seen: dict[object, deque[int]] = defaultdict(lambda: deque(maxlen=WINDOW))
    for row, found in classes.items():
        keys: list[object] = [*found, frozenset(found)]
        linked[row] = {earlier for key in keys for earlier in seen[key]}
        for key in keys:
            seen[key].append(row)
    return linked


def _grouped(
    linked: dict[int, set[int]], alike: Callable[[int, int], bool], lines: Callable[[int], list[str]]
) -> dict[int, int]:
    """Put each row in the first group whose first row, and other kept ones, it is a near-duplicate of."""
    first: dict[int, int] = {}
    kept: dict[int, list[int]] = {}
    for row, earlier in linked.items():
        tried = sorted({first[each] for each in earlier})
        first[row] = group = next((each for each in tried if all(alike(member, row) for member in kept[each])), row)
        members = kept.setdefault(group, [])
        if len(members) < KEPT and all(lines(member) != lines(row) for member in members):
            members.append(row)
    sizes = Counter(first.values())
    return {row: group for row, group in first.items() if sizes[group] > 1}


def _candidates(sketched: NDArray[np.uint32]) -> list[tuple[int, int]]:
    """Return pairs of sketches that agree in a band: those that are equal first, then those that agree in most."""
    count = len(sketched)
    whole = np.zeros(count, dtype=np.uint64)
    found: list[NDArray[np.int64]] = []
    for band in range(BANDS):
        part = np.asarray(sketched[:, band * ROWS : (band + 1) * ROWS], dtype=np.uint64)
        values = (part * _MIX).sum(axis=1, dtype=np.uint64)
        whole = whole * _MIX[0] + values
        found.append(_equal_pairs(values))
    pairs, agreeing = np.unique(np.concatenate(found), return_counts=True)
    ordered = pairs[np.argsort(-(agreeing // 8), kind="stable")]  # by eights: texts read for one pair serve the next
    return [divmod(pair, count) for pair in (*_equal_pairs(whole).tolist(), *ordered.tolist())]


def _equal_pairs(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return pairs of places with the same value, as ``first * count + second``; see `WINDOW`."""
    order = np.argsort(values, kind="stable")
    found = [np.zeros(0, dtype=np.int64)]
    for apart in range(1, min(WINDOW, len(values))):
        same = np.flatnonzero(values[order[apart:]] == values[order[:-apart]])
        if not len(same):
            break
        found.append(order[same] * len(values) + order[same + apart])
    return np.concatenate(found)
