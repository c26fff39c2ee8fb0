"""Makes grids of the ruled lines of a page: which lines belong to one table, and which fields they leave open."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

REACH = 3.0
"""Points: ruled lines that come closer than this meet; Word leaves a corner of 0.5 points between them."""

SNAP = 2.0
"""Points: lines closer than this are one line, drawn twice or drawn as the two edges of a bar."""

SHORTEST = 4.0
"""Points; shorter marks are dots, corners and ticks."""

WALL_SHARE = 0.6
"""A line parts two fields when it runs along this share of their common edge."""

OPEN_SIDE = 12.0
"""Points by which lines must reach over the outermost crossing line to make a column or row without an outer edge."""

MOST_PAIRS = 100_000
"""Ruled lines of one direction times those of the other: more are a map or a chart."""

MOST_FIELDS = 6_000

Rule = tuple[float, float, float, float]
_Stroke = tuple[float, float, float]
"""Where a ruled line is (height or distance from the left), its start and its end."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The fields of one ruled table: ``fields[row][column]`` is the number of the field there.

    A field that spans rows or columns has several places. ``xs`` and ``ys`` are the edges of columns and rows.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    fields: tuple[tuple[int, ...], ...]

    def at(self, x: float, y: float) -> int | None:
        """Return the field that holds a point; None outside."""
        if not (self.xs[0] <= x <= self.xs[-1] and self.ys[0] <= y <= self.ys[-1]):
            return None
        row = min(bisect_right(self.ys, y), len(self.ys) - 1) - 1
        column = min(bisect_right(self.xs, x), len(self.xs) - 1) - 1
        return self.fields[row][column]


def find_grids(rules: Iterable[Rule]) -> list[Grid]:
    """Return the grids of at least two columns that ``rules`` draw, from top to bottom."""
    across, down = [], []
    for x0, top, x1, bottom in rules:
        if max(x1 - x0, bottom - top) < SHORTEST:
            continue
        if x1 - x0 >= bottom - top:
            across.append(((top + bottom) / 2, x0, x1))
        else:
            down.append(((x0 + x1) / 2, top, bottom))
    across, down = _merged(across), _merged(down)
    if len(across) * len(down) > MOST_PAIRS:
        return []
    grids = [_grid(*group) for group in _groups(across, down)]
    return sorted((grid for grid in grids if grid), key=lambda grid: (grid.ys[0], grid.xs[0]))


def _merged(strokes: Iterable[_Stroke]) -> list[_Stroke]:
    """Join strokes that lie on one line and meet."""
    found: list[_Stroke] = []
    for level in _levels(sorted(strokes)):
        place = sum(stroke[0] for stroke in level) / len(level)
        level = sorted(level, key=lambda stroke: stroke[1])
        _, start, end = level[0]
        for _, first, last in level:
            if first > end + REACH:
                found.append((place, start, end))
                start, end = first, last
            start, end = min(start, first), max(end, last)
        found.append((place, start, end))
    return found


def _levels(strokes: Iterable[_Stroke]) -> list[list[_Stroke]]:
    levels: list[list[_Stroke]] = []
    for stroke in strokes:
        if levels and stroke[0] - levels[-1][0][0] <= SNAP:
            levels[-1].append(stroke)
        else:
            levels.append([stroke])
    return levels


def _groups(across: Sequence[_Stroke], down: Sequence[_Stroke]) -> list[tuple[list[_Stroke], list[_Stroke]]]:
    """Return the strokes that hang together, across and down."""
    parents = list(range(len(across) + len(down)))

    for first, (y, x0, x1) in enumerate(across):
        for second, (x, y0, y1) in enumerate(down, start=len(across)):
            if x0 - REACH <= x <= x1 + REACH and y0 - REACH <= y <= y1 + REACH:
                parents[_root(parents, first)] = _root(parents, second)
    groups: dict[int, tuple[list[_Stroke], list[_Stroke]]] = {}
    for place in range(len(parents)):
        group = groups.setdefault(_root(parents, place), ([], []))
        if place < len(across):
            group[0].append(across[place])
        else:
            group[1].append(down[place - len(across)])
    return list(groups.values())


def _root(parents: list[int], place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place


def _edges(strokes: Sequence[_Stroke], others: Sequence[_Stroke]) -> list[float]:
    """Return the places of ``strokes``, and the ends of the ``others`` where these reach far over the outermost."""
    places = [level[0][0] for level in _levels(sorted(strokes))]
    first, last = min(start for _, start, _ in others), max(end for _, _, end in others)
    if places and first < places[0] - OPEN_SIDE:
        places.insert(0, first)
    if places and last > places[-1] + OPEN_SIDE:
        places.append(last)
    return places


def _grid(across: list[_Stroke], down: list[_Stroke]) -> Grid | None:
    """Return the grid that strokes draw; None where there are no two columns."""
    if not across or not down:
        return None
    xs, ys = _edges(down, across), _edges(across, down)
    columns, rows = len(xs) - 1, len(ys) - 1
    if columns < 2 or rows < 1 or columns * rows > MOST_FIELDS:
        return None
    walls = [[stroke for stroke in down if abs(stroke[0] - x) <= SNAP] for x in xs]
    floors = [[stroke for stroke in across if abs(stroke[0] - y) <= SNAP] for y in ys]
    parents = list(range(columns * rows))
    for row in range(rows):
        for column in range(columns):
            here = row * columns + column
            if column + 1 < columns and not _covers(walls[column + 1], ys[row], ys[row + 1]):
                parents[_root(parents, here + 1)] = _root(parents, here)
            if row + 1 < rows and not _covers(floors[row + 1], xs[column], xs[column + 1]):
                parents[_root(parents, here + columns)] = _root(parents, here)
    fields = tuple(tuple(_root(parents, row * columns + column) for column in range(columns)) for row in range(rows))
    return Grid(tuple(xs), tuple(ys), fields)


def _covers(strokes: Sequence[_Stroke], start: float, end: float) -> bool:
    """Whether strokes run along most of the way from ``start`` to ``end``."""
    covered = sum(max(0.0, min(end, last) - max(start, first)) for _, first, last in strokes)
    return covered >= WALL_SHARE * (end - start)
