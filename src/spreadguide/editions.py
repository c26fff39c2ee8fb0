"""Which reports a later edition has taken the place of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Editions:
    """The paths of reports that another report supersedes, and what is wrong with what was stated."""

    superseded: frozenset[str]
    warnings: tuple[str, ...] = ()


def find_editions(supersedes: Mapping[str, Sequence[str]]) -> Editions:
    """Work out which reports are superseded.

    ``supersedes`` has one key for every report that is there (a path relative to the corpus folder), and under it
    the paths that the report says it takes the place of. Statements that cannot be true (a report that supersedes
    itself, or two that supersede each other) count for nothing: those reports stay as they are, with a warning.
    """
    warnings: list[str] = []
    links: dict[str, set[str]] = {}
    for path, older in supersedes.items():
        links[path] = set()
        for name in dict.fromkeys(older):
            if name == path:
                warnings.append(f"{path} says that it supersedes itself. Correct its supersedes.")
            elif name not in supersedes:
                warnings.append(
                    f'{path} supersedes "{name}", but there is no such report. Correct the path, or leave it out.'
                )
            else:
                links[path].add(name)
    warnings += _cut_rings(links)
    return Editions(frozenset().union(*links.values()), tuple(warnings))


def _cut_rings(links: dict[str, set[str]]) -> Iterator[str]:
    """Take every ring of reports that supersede each other out of ``links``, and say which."""
    while ring := _ring(links):
        for older, newer in pairwise(ring):
            links[newer].discard(older)
        names = ", ".join(sorted(set(ring)))
        yield f"These reports supersede each other: {names}. Say which is the newest, and correct supersedes."


def _ring(links: Mapping[str, set[str]]) -> list[str]:
    """Return a ring of reports, each superseded by the next and the last the same as the first; empty if none."""
    try:
        TopologicalSorter(links).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
