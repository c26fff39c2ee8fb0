"""What a question asks for: its parts, and the kind of thing that would answer each part."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from spreadguide.answering.quantities import quantities
from spreadguide.answering.remarks import is_remark
from spreadguide.text import Word, stem, words


class Wanted(StrEnum):
    """The kind of thing a question asks for; ``ANY`` where the wording does not tell."""

    DURATION = "a length of time"
    MONEY = "an amount of money"
    SHARE = "a percentage or share"
    NUMBER = "a number"
    DATE = "a date"
    PERSON = "a name"
    LIST = "a list"
    ANY = "anything"


_AUXILIARIES = r"(?:is|was|does|did|do|has|have|had|can|should|would|could|will|if)\b"

_KINDS: tuple[tuple[re.Pattern[str], Wanted], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), wanted)
    for pattern, wanted in (
        (r"\bhow (?:long|many (?:years|months|weeks|days|hours|minutes))\b", Wanted.DURATION),
        (r"\bwhat (?:length|period) of time\b|\bwhat (?:is|was) the duration\b", Wanted.DURATION),
        (r"\bhow much (?:money|funding|investment)\b", Wanted.MONEY),
        (
            r"\bhow much (?:do|does|did|is|was|were|are|has|have|will)\b.*\b(?:cost|spen[dt]|pa(?:y|id)|invest|worth)",
            Wanted.MONEY,
        ),
        (r"\bwhat (?:is|was|were|are) the (?:costs?|price|budget)\b", Wanted.MONEY),
        (r"\bwhat (?:percentage|proportion|share|fraction|per cent)\b|\bhow much of\b", Wanted.SHARE),
        (r"\bhow many\b|\bwhat number\b", Wanted.NUMBER),
        (
            r"\bwhen\b(?! (?:adopting|scaling|spreading|introducing|implementing|using|you|we|they|an?\b|the\b|it\b))",
            Wanted.DATE,
        ),
        (r"\b(?:what|which|in what|in which) (?:year|date|month)\b", Wanted.DATE),
        (
            r"^\W*(?:and |so )?who\b|\bwho (?:is|was|were|wrote|commissioned|published|said|runs|leads|funded)\b",
            Wanted.PERSON,
        ),
        (r"\b(?:what|which) (?:are|were)\b|\b(?:list|name) (?:the|all|some)\b", Wanted.LIST),
        (
            rf"\b(?:what|which) (?:(?!{_AUXILIARIES})[\w-]+ ){{0,2}}(?!{_AUXILIARIES}|(?:happens|means|becomes)\b)"
            r"[\w-]{2,}(?<![sui])s\b",
            Wanted.LIST,
        ),
        (r"\b(?:what|which) (?:should|can|must|do|could)\b.*\bdo\b|\bhow (?:should|can|could|do|might)\b", Wanted.LIST),
    )
)

_FIELDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"\bwho commissioned\b|\bcommissioned by (?:whom|who)\b|\bcommissioner\b", "commissioner"),
        (r"\bwho (?:published|produced|issued|released)\b|\bpublisher\b|\bpublished by (?:whom|who)\b", "publisher"),
        (r"\bwho (?:wrote|authored)\b|\bauthors?\b|\bwritten by\b", "authors"),
        (
            r"\bwhen (?:was|were|did|is)\b.*\b(?:publish|releas|written|appear|issued|come out|came out|dated|launched)"
            r"|\b(?:date|year) (?:of|was|is)\b.*\b(?:publi|report|guide|article|study|paper|brief)|\bhow old is\b",
            "published",
        ),
    )
)

_AFTER_QUESTION = re.compile(r"(?<=\?)\s+(?=\S)")
"""Where a further question may begin, or a remark."""

_SPLIT = re.compile(r"[,;]?\s+and\s+(?=(?:how|what|who|when|where|which|why|for how)\b)|;\s+", re.IGNORECASE)
_TELLS = re.compile(r"^\W*(?:so |hi |hello )?(?:we|i|our|my|there)(?:['’]\w+)?\s[^?]*$", re.IGNORECASE)
"""How what comes before a semicolon tells of the asker: "We run a small trust; how do we start?"."""
MOST_PARTS = 6
"""Parts of a question that are answered; each is searched for and read by itself."""
MIN_PART_WORDS = 2
"""A part of a question with fewer words than this is no question of its own."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing asked, in its own wording.

    ``counted`` are the stems of what "how many …" counts, or of the deed after "who …": what must stand beside the
    number or name.
    """

    text: str
    wanted: Wanted
    field: str | None = None
    counted: tuple[str, ...] = ()


def parts(question: str, most: int = MOST_PARTS) -> list[Part]:
    """Split a question into the things it asks, the first ``most``, and say what kind of answer each wants."""
    asked, remarks = _told_apart(question)
    split = [piece.strip(" ,?;") for one in asked for piece in _SPLIT.split(one)]
    asking = [piece for piece in split[:-1] if not _TELLS.search(piece)] + split[-1:]
    kept = [piece for piece in asking if len(piece.split()) >= MIN_PART_WORDS][:most]
    return [_formed(_part(piece), " ".join(remarks)) for piece in kept or [question.strip()]]


def without_remarks(question: str) -> str:
    """Return a question without the remarks beside it; unchanged where it has none."""
    asked, remarks = _told_apart(question)
    return " ".join(asked) if remarks else question


def _told_apart(question: str) -> tuple[list[str], list[str]]:
    """Return what of a question asks something, and the remarks; where all are remarks, all ask."""
    pieces = _AFTER_QUESTION.split(question)
    remarks = [piece for place, piece in enumerate(pieces) if is_remark(piece, " ".join(pieces[:place]))]
    if len(remarks) == len(pieces):
        return pieces, []
    return [piece for piece in pieces if piece not in remarks], remarks


_FORMS: tuple[tuple[re.Pattern[str], Wanted], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), wanted)
    for pattern, wanted in (
        (r"\blist\b|\bbullets?\b|\ball (?:of (?:them|it|these|those)|the|\w+s)\b|\bfull (?:list|set)\b", Wanted.LIST),
        (r"\bnames\b", Wanted.PERSON),
        (r"\b(?:numbers?|figures?|stats|statistics)\b", Wanted.NUMBER),
    )
)
"""What a remark says of the form of the answer."""


def _formed(part: Part, remarks: str) -> Part:
    """Return the part with the form that a remark beside it names, where its own wording names none."""
    if part.wanted is not Wanted.ANY:
        return part
    return replace(part, wanted=next((kind for pattern, kind in _FORMS if pattern.search(remarks)), Wanted.ANY))


def _part(text: str) -> Part:
    wanted = next((kind for pattern, kind in _KINDS if pattern.search(text)), Wanted.ANY)
    name = next((name for pattern, name in _FIELDS if pattern.search(text)), None)
    return Part(text, wanted, name, _counted(text, wanted))


_COUNTED = {
    Wanted.NUMBER: re.compile(r"\b(?:how many|what number of)\s+(.*)", re.IGNORECASE),
    Wanted.PERSON: re.compile(
        r"\bwho\s+(?:has |have |had )?(\w+ed|wrote|led|runs?|leads?|paid|built|said)\b", re.IGNORECASE
    ),
}


def _counted(text: str, wanted: Wanted) -> tuple[str, ...]:
    """Return the stems of the first two content words after "how many", or of the verb after "who"."""
    match = _COUNTED[wanted].search(text) if wanted in _COUNTED else None
    if not match:
        return ()
    head: list[Word] = []
    for word in words(match.group(1)):
        if (not word.is_content and head) or len(head) == 2:
            break
        if word.is_content:
            head.append(word)
    return tuple(word.stem for word in head)


_NAME = re.compile(r"(?<![.!?:\"“‘'•]\s)(?<!^)\b[A-Z][\w’'-]+")
_DATE_WORDS = re.compile(
    r"\b(?:1[89]|20)\d\d\b|\b(?:january|february|april|june|july|august|september|october|november|december)\b"
    r"|\b(?:spring|summer|autumn|winter) (?:of )?\d{4}|\b(?:march|may) \d{4}",
    re.IGNORECASE,
)


def holds(wanted: Wanted, text: str, asked: str = "") -> bool:
    """Whether ``text`` holds a thing of the kind that is wanted; names that the question gave do not count."""
    match wanted:
        case Wanted.DURATION:
            return any(number.is_duration for number in quantities(text)) or bool(_DATE_WORDS.search(text))
        case Wanted.MONEY:
            return any(number.unit in "£$€" and number.unit for number in quantities(text))
        case Wanted.SHARE:
            return any(number.unit in {"%", "pp", "share"} for number in quantities(text)) or " out of " in text
        case Wanted.NUMBER:
            return any(number.unit != "ordinal" and not number.is_year for number in quantities(text))
        case Wanted.DATE:
            return bool(_DATE_WORDS.search(text))
        case Wanted.PERSON:
            given = {word.stem for word in words(asked)}
            return any(stem(name) not in given for name in _NAME.findall(text))
        case Wanted.LIST | Wanted.ANY:
            return True
