"""Which reports are searched, by what each says of itself: audience, pillar, kind of evidence, year."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from spreadguide.errors import QuestionError
from spreadguide.types import EvidenceKind, Metadata, Source


class Audience(StrEnum):
    """Whom a report may be for.

    The catalogue of reports accepts the same words, and a test holds the two together: importing them from there
    would load every reader of reports into each command.
    """

    INNOVATOR = "innovator"
    ADOPTER_TEAM = "adopter team"
    SYSTEM_DECISION_MAKER = "system decision-maker"


class Pillar(StrEnum):
    """The parts of adoption that a report may serve; as for `Audience`."""

    UNDERSTAND = "Understand"
    ENGAGE = "Engage"
    FUTURE_PROOF = "Future-proof"


FIRST_YEAR, LAST_YEAR = 1000, 2999
"""The years that a report can have, as in the catalogue of reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFilter:
    """What a report must say of itself to be searched; everything given must hold together.

    ``None`` sets no limit, and an empty collection lets no report through. Of ``audience`` and ``pillars`` a report
    must share one; capital and small letters are the same there. ``year_from`` and ``year_to`` include their own
    year, and either leaves out a report without a year. Raises `QuestionError` when ``year_from`` is the later one.
    """

    source_ids: Collection[str] | None = None
    audience: Collection[str] | None = None
    pillars: Collection[str] | None = None
    kinds: Collection[EvidenceKind] | None = None
    year_from: int | None = None
    year_to: int | None = None

    def __post_init__(self) -> None:
        if self.year_from is not None and self.year_to is not None and self.year_from > self.year_to:
            message = f"No report can be from {self.year_from} or later and also from {self.year_to} or earlier."
            raise QuestionError(message, hint="Make the first year the earlier one, or leave one of the two out.")


def matching(sources: Callable[[], Iterable[Source]], wanted: ReportFilter) -> list[str] | None:
    """Return the ids of the reports that fit, in the order of ``sources``; ``None`` when nothing was asked for.

    ``sources`` is called only when something was. An empty list means that no report fits, and nothing is searched.
    """
    if wanted == ReportFilter():
        return None
    among = None if wanted.source_ids is None else frozenset(wanted.source_ids)
    return [
        source.source_id
        for source in sources()
        if (among is None or source.source_id in among) and _fits(source.metadata, wanted)
    ]


def _fits(about: Metadata, wanted: ReportFilter) -> bool:
    return (
        _shares_one(about.audience, wanted.audience)
        and _shares_one(about.pillars, wanted.pillars)
        and (wanted.kinds is None or about.kind in wanted.kinds)
        and _within(about.year, wanted.year_from, wanted.year_to)
    )


def _shares_one(own: Iterable[str], wanted: Iterable[str] | None) -> bool:
    if wanted is None:
        return True
    return not {name.casefold() for name in own}.isdisjoint(name.casefold() for name in wanted)


def _within(year: int | None, first: int | None, last: int | None) -> bool:
    if first is None and last is None:
        return True
    return year is not None and (first is None or first <= year) and (last is None or year <= last)
