"""Findings → answer: which are shown, and which quotes must stand in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from spreadguide.answering.claims import Finding, quotes
from spreadguide.answering.evidence import answers_kind
from spreadguide.answering.gate import Sufficiency
from spreadguide.answering.shape import Shape
from spreadguide.answering.wanted import Part, Wanted, holds
from spreadguide.text import terms
from spreadguide.types import Evidence, Layout, Span, SupportLevel, UnitKind

RELEVANT = 0.72
"""A written sentence is shown only when its line scores at least this share of the best line: a small model adds
true but idle extras from the lower lines."""

DECISIVE = 0.9
"""A line that scores at least this share of the best one can answer the question in its stead."""

QUOTES_ALONE = 3
"""Most units quoted for one part of a question when nothing is written."""

QUOTE_MARGIN = 0.86
"""A further unit of another report is quoted only when it scores at least this share of the best one."""

SAME_REPORT_MARGIN = 0.7
"""The same for a further unit of the best one's report: what stands there is rarely beside the point."""

MORE = "More from the same report"
"""Heading of further quotes of the report that an answer rests on first."""

TOLD_EACH = 5
"""Most units told for one part of a question, those under `MORE` counted. On the questions for tuning (`eval tuning`),
key-fact recall is higher by 0.05 than with three, and citation precision is no lower; six add nearly nothing."""

MORE_MARGIN = 0.35
"""A unit is told under `MORE` only when it scores at least this share of the best one."""

ADVICE_QUOTES = 4
"""Most units quoted where advice is asked for, besides those under the pillars."""

STEPS_EACH = 2
"""Most lines quoted under one pillar; a whole list stands by itself."""

ADVICE_MARGIN = 0.6
"""A further step of the best one's report is quoted only when it scores at least this share of the best one."""

COMPARED_SOURCES = 3
"""Most reports quoted side by side in a comparison."""

QUOTES_EACH = 2
"""Most units quoted of one report in a comparison."""

LONG_LIST = 12
"""Most items of a list that are quoted."""


@dataclass(frozen=True, slots=True)
class PartResult:
    """One part of the question with its evidence (best first) and the gate's verdict.

    ``pillar`` names the pillar of advice that the part was added for; empty for what was really asked.
    """

    part: Part
    evidence: tuple[Evidence, ...]
    sufficiency: Sufficiency
    pillar: str = ""


def choose(
    results: Sequence[PartResult], written: Sequence[Finding], texts: dict[str, str], shape: Shape = Shape.PLAIN
) -> list[Finding]:
    """Choose what is shown: what was written and checked, and for each part that it leaves open, a quote.

    ``written`` are the checked sentences in order; ``texts`` the documents' texts by source id.
    """
    # Each side of a comparison that shows two is a part of its own.
    layout = Shape.PLAIN if shape is Shape.COMPARISON and len(results) > 1 else shape
    shown: list[Finding] = []
    used: set[str] = set()
    for result in results:
        if not result.sufficiency.enough:
            continue
        if result.pillar:
            shown += _steps(result, texts, shown)
            continue
        own = [
            whole
            for finding in written
            if _belongs(finding, result) and finding.text not in used and not _one_of_a_list(finding)
            for whole in _with_what_it_names(finding, texts)
        ]
        if not any(_answers(finding, result) for finding in own):
            most = 1 if own else QUOTES_ALONE
            own = [*quoted(result, texts, most, layout), *own]
        elif result.part.wanted in {Wanted.ANY, Wanted.LIST}:
            # A small model tells one point of several. What it left out stands below, in the report's own words.
            own += [more for more in quoted(result, texts, QUOTES_ALONE, layout) if not _rested_on(more, own)]
        used |= {finding.text for finding in own}
        shown += own
    if layout is Shape.PLAIN:
        for result in results:
            shown += _more(result, texts, shown)
    return _by_report(_once(shown)) if shape is Shape.COMPARISON else _once(shown)


def _more(result: PartResult, texts: dict[str, str], shown: Sequence[Finding]) -> list[Finding]:
    """Return further quotes of the report that the part's answer rests on first.

    Which line of the right report answers is told less surely than which report is right.
    """
    own = {(unit.source.source_id, unit.spans): unit for unit in result.evidence}
    rested = [
        key for finding in shown for unit in finding.evidence if (key := (unit.source.source_id, unit.spans)) in own
    ]
    if not result.sufficiency.enough or result.pillar or not rested or own[rested[0]].field is not None:
        return []
    floor = MORE_MARGIN * max(unit.score for unit in result.evidence)
    near = [unit for unit in result.evidence if unit.source.source_id == rested[0][0] and unit.score >= floor]
    chosen = _untold(near, shown)[: max(0, TOLD_EACH - len(set(rested)))]
    return [replace(finding, section=MORE) for unit in chosen for finding in _first_items(unit, texts)]


def _untold(units: Sequence[Evidence], shown: Sequence[Finding]) -> list[Evidence]:
    """Return the units of which nothing was told, neither by itself nor in the paragraph that introduces a list."""
    told = [(unit.source.source_id, span) for finding in shown for unit in finding.evidence for span in finding.spans]
    return [
        unit
        for unit in units
        if not any(
            source_id == unit.source.source_id and span.start < own.end and own.start < span.end
            for source_id, span in told
            for own in unit.spans
        )
    ]


def _steps(result: PartResult, texts: dict[str, str], shown: Sequence[Finding]) -> list[Finding]:
    """Return the quotes to stand under a pillar: its best units, less what was told already."""
    fresh = _untold(_close(result.evidence, QUOTE_MARGIN, SAME_REPORT_MARGIN), shown)
    lines = [unit for unit in fresh if len(unit.spans) == 1]
    chosen = fresh[:1] if fresh and fresh[0] not in lines else lines[:STEPS_EACH]
    found = [finding for unit in chosen for finding in _first_items(unit, texts)]
    return [replace(finding, section=result.pillar) for finding in found]


def _by_report(findings: Sequence[Finding]) -> list[Finding]:
    """Put what rests on one report together, under its name, where there are several reports."""
    by_report: dict[str, list[Finding]] = {}
    for finding in findings:
        by_report.setdefault(_named(finding.evidence[0]), []).append(finding)
    if len(by_report) < 2:
        return list(findings)
    return [replace(finding, section=name) for name, found in by_report.items() for finding in found]


def _named(unit: Evidence) -> str:
    """Return the title of a unit's report, with the kind of evidence and the year where they are known."""
    about = unit.source.metadata
    facts = ", ".join(str(fact) for fact in (about.kind, about.year) if fact is not None)
    return f"{about.title} ({facts})" if facts else about.title


def quoted(result: PartResult, texts: dict[str, str], most: int, shape: Shape = Shape.PLAIN) -> list[Finding]:
    """Return the verbatim quotes that answer one part: the best unit and those close to it, at most ``most``.

    Advice takes more of them, and a comparison those of each report, one after another.
    """
    fitting = [unit for unit in result.evidence if _holds_kind(result.part, unit)] or list(result.evidence)
    if shape is Shape.COMPARISON and most > 1:
        units = _side_by_side(fitting)
    elif shape is Shape.ADVICE and most > 1:
        units = _close(fitting, QUOTE_MARGIN, ADVICE_MARGIN)[:ADVICE_QUOTES]
    else:
        units = _close(fitting, QUOTE_MARGIN, SAME_REPORT_MARGIN)[:most]
    findings: list[Finding] = []
    for unit in units:
        findings += _first_items(unit, texts)
        if shape is Shape.PLAIN and unit.list_id is not None and result.part.wanted is Wanted.LIST:
            break
    return findings


def _close(units: Sequence[Evidence], margin: float, same_report: float | None = None) -> list[Evidence]:
    """Return the first unit and those that score at least ``margin`` of the best, or ``same_report`` in its report."""
    best = max(unit.score for unit in units)
    first = units[0]
    least = {first.source.source_id: (margin if same_report is None else same_report) * best}
    return [unit for unit in units if unit is first or unit.score >= least.get(unit.source.source_id, margin * best)]


def _side_by_side(units: Sequence[Evidence]) -> list[Evidence]:
    """Return the best units of the best reports, report by report."""
    by_source: dict[str, list[Evidence]] = {}
    for unit in _close(units, ADVICE_MARGIN):
        by_source.setdefault(unit.source.source_id, []).append(unit)
    return [unit for found in list(by_source.values())[:COMPARED_SOURCES] for unit in found[:QUOTES_EACH]]


def _holds_kind(part: Part, unit: Evidence) -> bool:
    if part.field is not None:
        return unit.field == part.field or holds(part.wanted, unit.text, part.text)
    return part.wanted in {Wanted.ANY, Wanted.LIST} or answers_kind(part, unit)


def _belongs(finding: Finding, result: PartResult) -> bool:
    if finding.support is SupportLevel.UNSUPPORTED:
        return False
    floor = RELEVANT * result.evidence[0].score
    own = {unit.marker for unit in result.evidence if unit.score >= floor}
    return any(unit.marker in own for unit in finding.evidence)


def _answers(finding: Finding, result: PartResult) -> bool:
    """Whether a written sentence answers the part: it rests on one of the best lines and holds what is asked for."""
    floor = DECISIVE * result.evidence[0].score
    decisive = [unit for unit in finding.evidence if unit.score >= floor]
    if not decisive:
        return False
    if result.part.wanted in {Wanted.ANY, Wanted.LIST}:
        return not any(_is_partial_list(finding, unit) for unit in decisive)
    return holds(result.part.wanted, finding.text, result.part.text)


_ENUMERATION = re.compile(r":\s*([^:.;]+(?:,[^:,.;]+){2,}?(?:,? and [^:,.;]+)?)[.;]?\s*$")
"""Three or more things named after a colon at the end of a sentence."""


def _with_what_it_names(finding: Finding, texts: dict[str, str]) -> list[Finding]:
    """Return the line's own words in place of a sentence that leaves out what the line names.

    "There were five types" is true, and no answer when the line goes on to say which.
    """
    if len(finding.evidence) != 1 or len(finding.evidence[0].spans) != 1:
        return [finding]
    unit = finding.evidence[0]
    named = _ENUMERATION.search(unit.text)
    if named is None or set(terms(named.group(1))) & set(terms(finding.text)):
        return [finding]
    return quotes(unit, texts[unit.source.source_id])


def _is_partial_list(finding: Finding, unit: Evidence) -> bool:
    """Whether a sentence rests on a whole list and leaves some of it out."""
    said = set(terms(finding.text))
    return len(unit.pieces) > 1 and any(not set(terms(piece)) & said for piece in unit.pieces)


def _rested_on(quote: Finding, written: Sequence[Finding]) -> bool:
    """Whether a written sentence rests on the unit that ``quote`` is of."""
    units = {(unit.source.source_id, unit.spans) for finding in written for unit in finding.evidence}
    return all((unit.source.source_id, unit.spans) in units for unit in quote.evidence)


def _one_of_a_list(finding: Finding) -> bool:
    """Whether a sentence introduces a list and names one item of it as if that were all: "these skills: culture"."""
    return ":" in finding.text and any(
        unit.list_id is not None and len(unit.spans) == 1 and unit.context.rstrip().endswith(":")
        for unit in finding.evidence
    )


def best_quoted(result: PartResult, *, writes_open: bool = False) -> bool:
    """Whether the part is best answered in the report's own words.

    A whole list is, and what a document says of itself. So is an open question, unless the model ``writes_open`` ones:
    a small model only copies the lines that would be quoted. Where a number, date or name is asked for, one written
    sentence takes the place of several quotes.
    """
    best = result.evidence[0]
    if best.kind is UnitKind.METADATA or (result.part.wanted is Wanted.LIST and len(best.spans) > 1):
        return True
    return not writes_open and result.part.wanted in {Wanted.ANY, Wanted.LIST}


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """Return each finding once; of lists with the same lead-in or item ("funding") each keeps its own."""
    kept: dict[object, Finding] = {}
    for finding in findings:
        kept.setdefault(_place(finding) if finding.layout in {Layout.LEAD, Layout.ITEM} else finding.text, finding)
    return list(kept.values())


def _place(finding: Finding) -> tuple[str, str, tuple[Span, ...]]:
    return finding.section, finding.evidence[0].source.source_id, finding.spans


def _first_items(unit: Evidence, texts: dict[str, str]) -> list[Finding]:
    """Return the quotes of a unit; of a list, its lead-in and the first `LONG_LIST` items."""
    return quotes(unit, texts[unit.source.source_id])[: len(unit.context_spans) + LONG_LIST]


def cut_lists(shown: Sequence[Finding]) -> list[str]:
    """Return a warning for each list of which not all items are shown."""
    items: dict[tuple[str, tuple[Span, ...]], int] = {}
    for finding in shown:
        unit = finding.evidence[0]
        if finding.layout in {Layout.ITEM, Layout.QUOTE} and len(unit.spans) > LONG_LIST:
            key = unit.source.source_id, unit.spans
            items[key] = items.get(key, 0) + 1
    told = ((number, len(spans)) for (_, spans), number in items.items() if number < len(spans))
    return [
        f"Of a list of {whole} items, the first {number} are shown. Open the source for the others."
        for number, whole in told
    ]
