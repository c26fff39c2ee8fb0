"""Reads the kind of evidence from a report's title, or from a line beside it, where that leaves no doubt."""

from __future__ import annotations

import re
from collections.abc import Sequence

from spreadguide.ingest.builder import Piece
from spreadguide.types import BlockKind, EvidenceKind

LABEL_CHARACTERS = 60
"""A line that only says what a document is, such as "Systematic review"."""

LABEL_PIECES = 4
"""Such a line stands directly above or below the title."""

TITLE_CHARACTERS = 500
"""A heading longer than this is a paragraph set like one; searching it would cost time."""

_NOT_YET = (
    r"\bprotocols?\b|\bsecondary\s+analys\w+|\bsub-?(?:analys[ie]s|study)\b|\bpost[- ]hoc\b|\bstudy\s+design\b"
    r"|\brationale\s+and\s+design\b|\breporting\s+(?:standards|guid\w+)\b"
)
"""A plan of a study, another look at its data, or how to report one: not evidence of the kind that it names."""

_REVIEW = (
    r"\b(?:systematic|scoping|rapid|literature|umbrella|integrative|realist|narrative|evidence|mapping|cochrane)"
    r"(?:\s+(?:literature|evidence|mapping))?\s+(?:review|synthesis)\b"
    r"|\boverview\s+of\s+(?:systematic\s+)?reviews\b|\bmeta-?analys[ie]s\b|\bmeta-?synthesis\b"
)
_EVALUATION = (
    r"\b(?:process|realist|mixed[- ]methods?|independent|impact|service|economic|formative|qualitative)\s+evaluation\b"
    r"(?!\s+(?:framework|tool|method|guid|plan|report\w+\s+standard))"
    r"|:\s*an?\s+(?:[\w-]+\s+){0,3}evaluation(?:\s+(?:study|report))?$"
    r"|^(?:an?\s+)?(?:interim\s+|final\s+)?evaluation\s+of\b|\bevaluation\s+report$"
)
_SUBTITLE = r"(?::|[.?]|—|–|-\s)\s*(?:an?\s+|the\s+|results\s+(?:of|from)\s+an?\s+)?"
_TRIAL = (
    rf"{_SUBTITLE}(?:[\w-]+,?\s+){{0,6}}(?:randomi[sz]ed|stepped[- ]wedge|controlled)(?:[\s-]+[\w-]+){{0,5}}\s+trial"
    r"(?:\s*\([^)]*\))?$"
)
_CASE_STUDY = (
    rf"{_SUBTITLE}(?:[\w-]+\s+){{0,4}}case\s+stud(?:y|ies)(?:\s+(?:of|from|in|on)\b.*)?$"
    r"|^case\s+stud(?:y|ies)\s*[:–—-]"
)
_SURVEY = rf"{_SUBTITLE}(?:[\w-]+\s+){{0,4}}survey(?:\s+(?:of|among|in|from)\b.*|\s+study)?$"
_POLICY = r"^(?:[\w-]+\s+){1,3}policy\s*:|:\s*(?:policy|strategy)\s+(?:paper|statement)$"
_GUIDANCE = (
    r":\s*(?:an?\s+)?(?:[\w-]+\s+){0,3}(?:guidelines?|guidance|guide)(?:\s+(?:for|on)\b.*)?$|^guidance\s+(?:on|for)\b"
)
_FRAMEWORK = r":\s*(?:an?|the)\s+(?:[\w-]+\s+){0,3}framework(?:\s+for\b.*)?$"
_OPINION = (
    r"^(?:editorial|commentary|viewpoint|opinion|comment)\s*[:–—-]|:\s*an?\s+(?:viewpoint|commentary|opinion\s+piece)$"
)

_TITLES = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (None, _NOT_YET),
        (EvidenceKind.REVIEW, _REVIEW),
        (EvidenceKind.EVALUATION, _EVALUATION),
        (EvidenceKind.TRIAL, _TRIAL),
        (EvidenceKind.CASE_STUDY, _CASE_STUDY),
        (EvidenceKind.SURVEY, _SURVEY),
        (EvidenceKind.POLICY, _POLICY),
        (EvidenceKind.GUIDANCE, _GUIDANCE),
        (EvidenceKind.FRAMEWORK, _FRAMEWORK),
        (EvidenceKind.OPINION, _OPINION),
    )
)
"""What a title can say; the first to fit is taken, so that a review of trials is a review."""

_LABELS = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (EvidenceKind.PRESS_RELEASE, r"(?:press|news|media)\s+release|for\s+immediate\s+release"),
        (EvidenceKind.REVIEW, r"(?:systematic|scoping|rapid|literature|evidence|narrative)\s+review"),
        (EvidenceKind.TRIAL, r"(?:a\s+)?(?:cluster\s+)?randomi[sz]ed\s+controlled\s+trial"),
        (EvidenceKind.EVALUATION, r"(?:an\s+)?(?:(?:final|interim|independent|process)\s+)?evaluation\s+report"),
        (EvidenceKind.CASE_STUDY, r"(?:a\s+)?case\s+study"),
        (EvidenceKind.GUIDANCE, r"(?:NICE|clinical|practice)\s+guidelines?(?:\s+\[?NG\d+\]?)?(?:\s+published:.*)?"),
        (EvidenceKind.OPINION, r"editorial|opinion|viewpoint|commentary"),
    )
)
"""What a line of its own beside the title can say."""


def kind_in_title(title: str) -> EvidenceKind | None:
    """Return the kind of evidence that a title or subtitle names, where it leaves no doubt.

    "A systematic review of randomised controlled trials" is a review; a protocol is nothing yet.
    """
    return next((kind for kind, pattern in _TITLES if pattern.search(title)), None)


def stated_kind(top: Sequence[Piece]) -> EvidenceKind | None:
    """Read the kind from the title among the first pieces, else from a line of its own directly above or below it."""
    place = next((at for at, piece in enumerate(top) if _is_title(piece)), None)
    title = top[place].text if place is not None else ""
    if len(title) <= TITLE_CHARACTERS and (kind := kind_in_title(title)):
        return kind
    for at, piece in enumerate(top[:LABEL_PIECES]):
        heading = piece.kind is BlockKind.HEADING
        beside = place is not None and abs(at - place) == 1 if heading else piece.kind in _LINES
        kind = _label(piece.text) if beside else None
        # A heading "Case study" below the title begins a section as often as it names the whole.
        if kind and not (heading and kind is EvidenceKind.CASE_STUDY):
            return kind
    return None


_LINES = (BlockKind.PARAGRAPH, BlockKind.METADATA)


def _is_title(piece: Piece) -> bool:
    return piece.kind is BlockKind.HEADING and piece.level == 1


def _label(text: str) -> EvidenceKind | None:
    """Return the kind that a short line names, when it says nothing else."""
    if len(text) > LABEL_CHARACTERS:
        return None
    return next((kind for kind, pattern in _LABELS if pattern.fullmatch(text.strip(" :."))), None)
