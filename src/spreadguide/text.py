"""Pure text work that every room shares: normalising, sentences with exact spans, and the one tokeniser."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import sentencex
import Stemmer

from spreadguide.types import Span

_DROPPED = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
"""Soft hyphen, zero-width characters and byte-order mark: invisible, and they break words in two."""

_SPACES = re.compile(r"[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_QUOTE_MARKS = str.maketrans(dict.fromkeys('"“”«»', " "))
_EDGE_QUOTE = re.compile(r"(?<!\w)['‘’]|['‘’](?!\w)")

_OPENING = "\"“‘'«"
_CLOSING = "\"”’'»"
_BLANK = " \n" + _OPENING + _CLOSING

_WORD = re.compile(r"[^\W_]+(?:[.,](?=\d)\d+|['’][^\W\d_]+)*", re.UNICODE)

STOP_WORDS = frozenset(
    """a about above after again against all also am an and any are aren as at be because been before being below
    between both but by can could did do does doing don down during each few for from further had has have having he
    her here hers him his how i if in into is isn it its itself just me more most my no nor not of off on once only or
    other our ours out over own s same she should so some such t than that the their theirs them themselves then there
    these they this those through to too under until up us very was we were what when where which while who whom why
    will with would you your yours""".split()
)
"""English function words: they carry no topic. Negations are among them, and are checked on their own."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text: as written, stemmed and lower-cased, and where it stands."""

    text: str
    stem: str
    start: int
    end: int

    @property
    def is_content(self) -> bool:
        """Whether the word carries topic, rather than grammar."""
        return self.text.lower() not in STOP_WORDS


def normalise(text: str) -> str:
    """Return ``text`` in one Unicode form (NFC), with plain spaces and line ends and nothing invisible."""
    text = unicodedata.normalize("NFC", text).translate(_DROPPED)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n")
    return _CONTROL.sub("", _SPACES.sub(" ", text))


def squeeze(text: str) -> str:
    """Return ``text`` on one line, with single spaces."""
    return " ".join(text.split())


def sentences(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """Split ``text[start:end]`` into sentences; the spans index into ``text`` and carry no outer white space.

    A quotation of several sentences is split like any other text: a splitter that keeps speech whole would make
    one citation of a whole interview.
    """
    part = text[start : len(text) if end is None else end]
    plain = _EDGE_QUOTE.sub(" ", part.translate(_QUOTE_MARKS).replace("\n", " "))
    spans: list[Span] = []
    for boundary in sentencex.get_sentence_boundaries("en", plain):
        floor = spans[-1].end - start if spans else 0
        if span := _trim(part, boundary["start_index"], boundary["end_index"], floor):
            spans.append(Span(span.start + start, span.end + start))
    return spans


def _trim(part: str, first: int, last: int, floor: int) -> Span | None:
    """Take white space off the ends of ``part[first:last]``; pull in quote marks that touch it, from ``floor`` on."""
    text = part[first:last]
    if not any(character.isalnum() for character in text):
        return None
    first += len(text) - len(text.lstrip(_BLANK))
    last -= len(text) - len(text.rstrip(_BLANK))
    while last < len(part) and part[last] in _CLOSING:
        last += 1
    while first > floor and part[first - 1] in _OPENING:
        first -= 1
    return Span(first, last)


@lru_cache(maxsize=1)
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("english")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the Snowball English stem of ``word``, lower-cased, without a possessive ending."""
    lowered = word.lower().replace("’", "'")
    if lowered.endswith("'s"):
        lowered = lowered[:-2]
    return str(_stemmer().stemWord(lowered))


def words(text: str) -> list[Word]:
    """Split ``text`` into words; "0.1", "11,000" and "King's" are one word each, "33-ward" is two."""
    return [Word(m.group(), stem(m.group()), m.start(), m.end()) for m in _WORD.finditer(text)]


def terms(text: str) -> list[str]:
    """Return the stems of the content words of ``text``, in order, repeats kept: what BM25 reads."""
    return [word.stem for word in words(text) if word.is_content]


NO_NAMES = frozenset("ai epr ehr gp gps i i'd i'll i'm i've icb icbs ics icss it nhs ok report reports uk".split())
"""Words that are written in capitals and name no subject: they are at home in every report on health services."""

_SENTENCE_OPENS_AFTER = (".", "?", "!", ":", "(")


def is_name(word: Word, text: str) -> bool:
    """Whether ``word`` of ``text`` is written as a name: with a capital inside, or with one that opens no sentence.

    A single letter is none: "A&E" names no "E", and "option B" nobody.
    """
    before = text[: word.start].rstrip(f" \n{_OPENING}{_CLOSING}")
    capital = word.text[0].isupper() and bool(before) and not before.endswith(_SENTENCE_OPENS_AFTER)
    inside = any(sign.isupper() for sign in word.text[1:])
    plain = word.text.lower().replace("’", "'")
    return len(word.text) > 1 and (capital or inside) and plain not in STOP_WORDS and plain not in NO_NAMES


_CONTRACTION = re.compile(r"^(?:[a-z]+n['’]t|(?:i|you|he|she|it|we|they|who|what|that|there|let)['’][a-z]{1,2})$")


def is_contraction(term: str) -> bool:
    """Whether a stem is that of a short form such as "don't" or "we're": rare in reports, and without a topic."""
    return _CONTRACTION.match(term) is not None


REFERENCE_HEADING = re.compile(r"^(?:sources?|references?|bibliography|further reading|contents)$", re.IGNORECASE)
"""Headings of sections that list other texts: their titles match a question and answer none."""

SMALL_WORDS = frozenset("of for and the in on to a an".split())
"""Words inside a name that its abbreviation leaves out."""

MAX_INITIALS = 6


def initials(text: str) -> set[str]:
    """Return, stemmed like words, the abbreviations that runs of capitalised words in ``text`` could have.

    "Social Care Institute for Excellence" gives "scie" and its shorter parts.
    """
    found: set[str] = set()
    run: list[str] = []
    for word in words(text):
        if word.text[0].isupper():
            run = [*run[1 - MAX_INITIALS :], word.text[0]]
            found |= {stem("".join(run[start:])) for start in range(len(run) - 1)}
        elif word.text.lower() not in SMALL_WORDS:
            run = []
    return found
