"""Text → tokens, each with its clause and the prepositions before it.

This is no parser: clauses end at punctuation and at "and", "but" and their like, which is what the checks need to
see that a sentence takes a number from one statement and its subject from another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from spreadguide.answering.quantities import Bound, Quantity, quantities
from spreadguide.text import Word, stem, words

_FORMS = """begin began begun; break broke broken; bring brought; build built; buy bought; choose chose chosen;
    come came; cost costs; cut cuts; draw drew drawn; drive drove driven; fall fell fallen; feel felt; find found;
    get got gotten; give gave given; go went gone; grow grew grown; hold held; keep kept; know knew known;
    lead led; leave left; lose lost; make made; mean meant; meet met; pay paid; put puts; rise rose risen; run ran;
    say said; see saw seen; send sent; set sets; show showed shown; spend spent; spread spreads; stand stood;
    take took taken; teach taught; tell told; think thought; understand understood; win won; write wrote written"""
_BASE = {form: forms.split()[0] for forms in _FORMS.split(";") for form in forms.split()}

_SAME = """begin start commenc; help assist; provid offer; show demonstr; buy purchas; enabl allow; need requir;
    about approxim; programm program"""
_CLASS = {word: group.split()[0] for group in _SAME.split(";") for word in group.split()}
"""Stems that say the same in reports on innovation; anything looser ("gives" for "offers") is left to a quote."""

_BRITISH = re.compile(r"(?<=\w{4})is(e|ed|es|er|ers|ing|ation|ations)$")

BE = frozenset("is are was were be been being am get gets got".split())
_PARTICIPLES = frozenset(
    """begun broken brought built bought chosen come cut drawn driven fallen felt found given gone grown held kept
    known led left lost made meant met paid put risen run said seen sent set shown spent spread stood taken taught
    told thought understood won written""".split()
)

_FUNCTION = frozenset(
    """may might must shall cannot every none nobody nothing never neither without within upon across among amongst
    since also however therefore thus hence per via although though whereas unless whether many several much either
    else there another towards toward along despite except onto throughout around yet still already would ought
    following according ahead soon thereby whenever wherever""".split()
)
"""Function words that the shared list of stop words counts as content."""

PREPOSITIONS = frozenset(
    """about above according across after against ahead along among amongst around as at because before below between
    by despite during except following for from if in into like of off on once onto out over per since than through
    throughout to toward towards under unless until up upon via when whenever where while with within
    without""".split()
)
REPORTING = frozenset(
    """say think claim believ argu note warn conclud suggest feel expect estim state report write describ find
    add explain hope fear""".split()
)
"""Stems of verbs that bring in what someone says: "X says that" and "says X" are both in order."""

_TRANSPARENT = frozenset(
    "the a an its their his her our this these that those his each every all both some any".split()
)
_COORDINATORS = frozenset("and but or nor while whereas although though".split())
_CLAUSE_END = re.compile(r"[,;:!?()\[\]]|\.(?=\s|$)|\s[-–—]+\s")
_SENTENCE_END = re.compile(r"[.!?;](?=\s|$)")
_MONTHS = frozenset("january february march april may june july august september october november december".split())
_SEASONS = frozenset("spring summer autumn winter".split())
_WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())


@dataclass(frozen=True, slots=True)
class Token:
    """One word or one whole number.

    ``key`` is what tokens are compared by; ``preps`` are the prepositions and conjunctions right before its phrase.
    ``clause`` and ``sentence`` count from 0. ``mark`` is the punctuation before it, if any.
    """

    key: str
    lowered: str
    start: int
    end: int
    content: bool
    clause: int
    sentence: int
    mark: str
    preps: frozenset[str]
    name: bool = False
    date: bool = False
    quantity: Quantity | None = None


@dataclass(frozen=True)
class Reading:
    """A text with its tokens; ``content`` are the places of those that carry topic."""

    text: str
    tokens: tuple[Token, ...]

    @cached_property
    def content(self) -> list[int]:
        """Return the places of content tokens."""
        return [place for place, token in enumerate(self.tokens) if token.content]

    @cached_property
    def keys(self) -> set[str]:
        """Return the keys of all tokens."""
        return {token.key for token in self.tokens}

    @cached_property
    def lowered(self) -> set[str]:
        """Return all words, lower-cased."""
        return {token.lowered for token in self.tokens}

    @cached_property
    def clauses(self) -> list[list[int]]:
        """Return, clause by clause, the places of its tokens."""
        count = self.tokens[-1].clause + 1 if self.tokens else 0
        return [[i for i, token in enumerate(self.tokens) if token.clause == c] for c in range(count)]

    def between(self, first: int, second: int) -> Sequence[Token]:
        """Return the tokens strictly between two places."""
        return self.tokens[first + 1 : second]

    def is_passive(self, place: int) -> bool:
        """Whether the word at ``place`` is a participle with a form of "be" shortly before it."""
        token = self.tokens[place]
        if not looks_participle(token.lowered):
            return False
        for before in reversed(self.tokens[max(0, place - 3) : place]):
            if before.lowered in BE:
                return True
            if before.content and not before.lowered.endswith("ly"):
                return False
        return False


def looks_participle(word: str) -> bool:
    """Whether ``word``, lower-cased, could be a past participle."""
    return word.endswith("ed") or word in _PARTICIPLES


def key(word: str) -> str:
    """Return what ``word`` is compared by: its stem, with irregular forms and spellings brought together."""
    base = stem(_BRITISH.sub(r"iz\1", _BASE.get(word, word)))
    return _CLASS.get(base, base)


def read(text: str, expansions: dict[str, list[str]] | None = None) -> Reading:
    """Split ``text`` into tokens. ``expansions`` gives the words that an abbreviation (by its stem) stands for."""
    numbers = {number.start: number for number in quantities(text)}
    found: list[Token] = []
    covered = 0
    for word in words(text):
        if word.start < covered:
            continue
        number = numbers.get(word.start)
        if number is not None:
            covered = number.end
        written = (expansions or {}).get(word.stem)
        found += [_token(text, word, number, found, other) for other in written or [""]]
    return Reading(text, tuple(found))


def _token(text: str, word: Word, number: Quantity | None, found: list[Token], expanded: str) -> Token:
    previous = found[-1] if found else None
    lowered = (expanded or word.text).lower().replace("’", "'")
    between = text[previous.end : word.start] if previous else ""
    ending = _CLAUSE_END.search(between)
    mark = ending.group().strip() if ending else ""
    capital = bool(expanded) or word.text[0].isupper()
    date = number is None and (lowered in _MONTHS | _SEASONS | _WEEKDAYS) and (capital or lowered in _SEASONS)
    content = number is not None or date or (word.is_content and not _is_function(lowered))
    new = previous is not None and (bool(mark) or _coordinates(previous, lowered, capital))
    starts = previous is None or (bool(mark) and mark not in ",()[]") or "“" in between or '"' in between
    return Token(
        key=f"#{number.value:g}{number.unit}" if number else key(lowered),
        lowered=lowered,
        start=word.start,
        end=number.end if number else word.end,
        content=content,
        clause=previous.clause + new if previous else 0,
        sentence=previous.sentence + bool(_SENTENCE_END.search(between)) if previous else 0,
        mark=mark,
        preps=_preps(found, mark) - _of_bound(number),
        name=content and number is None and not date and (_inner_capital(word) or (capital and not starts)),
        date=date,
        quantity=number,
    )


_OF_BOUND = {
    Bound.BELOW: frozenset({"than", "under", "below"}),
    Bound.ABOVE: frozenset({"than", "over", "above", "in", "of"}),
    Bound.AT_MOST: frozenset({"up", "to", "at", "than", "of", "as"}),
    Bound.AT_LEAST: frozenset({"at", "than", "of"}),
    Bound.ABOUT: frozenset({"about", "around"}),
}


def _of_bound(number: Quantity | None) -> frozenset[str]:
    """Return the prepositions that are part of a number's bound, as in "up to", and are checked with it."""
    return _OF_BOUND.get(number.bound, frozenset()) if number else frozenset()


def _inner_capital(word: Word) -> bool:
    return any(letter.isupper() for letter in word.text[1:])


def _is_function(lowered: str) -> bool:
    return lowered in _FUNCTION or lowered.endswith("n't")


def _coordinates(previous: Token, lowered: str, capital: bool) -> bool:
    """Whether a word opens a new clause without punctuation; "and" inside a name or a range does not."""
    if lowered not in _COORDINATORS:
        return False
    return not (previous.name and capital) and not (previous.quantity and previous.quantity.other is not None)


def _preps(found: list[Token], mark: str) -> frozenset[str]:
    """Return the prepositions right before a word, those of its phrase's first word where it follows that one."""
    if mark:
        return frozenset()
    preps: set[str] = set()
    for before in reversed(found):
        if before.content:
            return frozenset(preps) if preps or before is not found[-1] else before.preps
        if before.lowered in PREPOSITIONS:
            preps.add(before.lowered)
        elif before.lowered not in _TRANSPARENT:
            break
        if before.mark:
            break
    return frozenset(preps)
