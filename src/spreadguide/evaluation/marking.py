"""One answer marked against what a right answer holds. The rules are independent of the verifier's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from spreadguide.evaluation.sets import QuestionRow
from spreadguide.text import squeeze
from spreadguide.types import Answer, Citation, Claim, Status, SupportLevel

_MARKER = re.compile(r"\s*\[\d+\]")
_ESCAPED = re.compile(r"\\([^\w\s])")
"""A sign of Markdown, as an answer's text escapes it."""
_NUMERAL = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w’'-]*(?: [A-Z][\w’'-]*)*")
"""A run of capitalised words inside a sentence."""

_ARTICLE = re.compile(r"^(?:The|An?|In|Its?|This|These|They) (?=\S)")
_WORD = re.compile(r"[^\W_]+")

QUOTED_TITLE = re.compile("“[^”]*”")


@dataclass(frozen=True, slots=True)
class Mark:
    """How one answer did. ``facts`` are found of ``asked`` key facts; ``citations`` are good of ``cited``.

    ``invented`` lists numbers, years and names of the text that the cited reports do not hold; ``shown`` counts the
    statements of the text, and ``unsupported`` those among them that no check upheld.
    """

    refused: bool
    facts: int
    asked: int
    citations: int
    cited: int
    supported_by_acceptable: int
    shown: int
    unsupported: int
    cited_right: bool
    never: bool
    invented: tuple[str, ...]
    not_verbatim: int
    right: bool


def mark(row: QuestionRow, answer: Answer, document_text: Callable[[str], str]) -> Mark:
    """Mark ``answer``; ``document_text`` gives the text of a report by its id."""
    text = _plain(answer.text)
    shown = [claim for claim in answer.claims if claim.support is not SupportLevel.UNSUPPORTED]
    paths = {source.marker: source.path for source in answer.sources}
    ids = {source.marker: source.source_id for source in answer.sources}
    refused = answer.status in {Status.NOT_COVERED, Status.DECLINED}
    facts = sum(bool(re.search(pattern, text, re.IGNORECASE)) for pattern in row.need)
    never = any(re.search(pattern, text, re.IGNORECASE) for pattern in row.never)
    citations = [citation for claim in shown for citation in claim.citations]
    good = [citation for citation in citations if _acceptable(row, paths.get(citation.marker, ""))]
    different = {paths[citation.marker] for citation in good}
    cited_right = len(different) >= (max(1, row.min_sources) if row.sources else row.min_sources)
    texts = {marker: document_text(source_id) for marker, source_id in ids.items()}
    # "partial" for "answered", and the reverse, is no fault by itself: the key facts tell.
    if row.covered:
        right = not refused and facts == len(row.need) and cited_right and not never
    else:
        right = refused and not never and (answer.status is row.status or row.status is Status.NOT_COVERED)
    return Mark(
        refused=refused,
        facts=facts,
        asked=len(row.need) if row.covered else 0,
        citations=len(good),
        cited=len(citations),
        supported_by_acceptable=sum(_rests_on(row, claim, paths) for claim in shown),
        shown=len(shown),
        unsupported=sum(not claim.citations for claim in shown),
        cited_right=cited_right,
        never=never,
        invented=_invented(answer, texts),
        not_verbatim=sum(not _verbatim(citation, texts) for citation in citations),
        right=right,
    )


def _acceptable(row: QuestionRow, path: str) -> bool:
    return bool(path) and (not row.sources or any(path.startswith(beginning) for beginning in row.sources))


def _rests_on(row: QuestionRow, claim: Claim, paths: dict[int, str]) -> bool:
    return any(_acceptable(row, paths.get(citation.marker, "")) for citation in claim.citations)


def _verbatim(citation: Citation, texts: dict[int, str]) -> bool:
    return texts.get(citation.marker, "")[citation.start : citation.end] == citation.quote


def _plain(text: str) -> str:
    """Return a text of an answer without markers and escapes, on one line."""
    return squeeze(_ESCAPED.sub(r"\1", _MARKER.sub("", text)))


def _invented(answer: Answer, texts: dict[int, str]) -> tuple[str, ...]:
    """Return the numerals and names of an answer that stand neither in a cited report nor in what is said of one.

    Only an answer can invent: a refusal repeats the asker's own words.
    """
    if answer.status in {Status.NOT_COVERED, Status.DECLINED}:
        return ()
    about = " ".join(f"{one.title} {one.publisher or ''} {one.year or ''} {one.heading}" for one in answer.sources)
    known = f"{' '.join(texts.values())} {about}"
    numbers = set(_NUMERAL.findall(known))
    lowered = f" {' '.join(_WORD.findall(known.lower()))} "
    # A list item ends without a stop: a name is never read on into the next line.
    own = [QUOTED_TITLE.sub("", _plain(line)) for line in answer.text.split("\n")]
    strange = [number for line in own for number in _NUMERAL.findall(line) if number not in numbers]
    names = [_ARTICLE.sub("", name) for line in own for name in _NAME.findall(line)]
    strange += [name for name in names if f" {' '.join(_WORD.findall(name.lower()))} " not in lowered]
    return tuple(dict.fromkeys(strange))
