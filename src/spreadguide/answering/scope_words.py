"""Checks the small words that a statement hangs on: not, all, may, aims to, seldom.

Dropping words makes most sentences weaker and leaves them true. These are the ones whose loss makes a sentence
stronger, and the ones that must not be invented.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from spreadguide.answering.matching import Match
from spreadguide.answering.reading import PREPOSITIONS, REPORTING, Reading, Token

_NEGATIONS = frozenset(
    "no not never none neither nor cannot nobody nothing nowhere hardly barely scarcely lack lacks lacked".split()
)

_QUANTIFIERS = {
    word: name
    for name, group in {
        "all": "all every always whole entire everyone everybody",
        "each": "each per",
        "only": "only solely alone exclusively",
        "most": "most mostly majority mainly largely",
        "many": "many",
        "several": "several",
        "few": "few",
        "some": "some somebody someone",
        "any": "any anybody anyone",
        "both": "both",
        "half": "half",
    }.items()
    for word in group.split()
}
_STRONG = frozenset({"all", "each", "only", "most", "few", "half", "one of"})
"""Quantifiers that change a claim's truth when dropped; the rest ("some", "many") may be dropped, not invented."""

_OPERATORS = {
    "'may'": "may might could perhaps possibly potentially potential possible",
    "'can'": "can could able",
    "'will'": "will would shall",
    "'should'": "should ought recommend recommended recommends suggestion",
    "'must'": "must mandatory compulsory obliged required need needs guarantee guarantees guaranteed ensure ensures",
    "the intention": """aim aims aimed hope hopes hoped plan plans planned intend intends intended seek seeks sought
        want wants wanted wish wishes wished attempt attempts attempted try tries tried expect expects expected
        propose proposes proposed proposal consider considers considered ask asks asked urge urges urged""",
    "the doubt": """suggest suggests suggested believe believes believed think thinks thought claim claims claimed
        seem seems seemed appear appears appeared assume assumes assumed estimate estimates estimated unclear
        whether feel feels felt""",
    "the likelihood": "likely unlikely probably tend tends tended tendency",
    "how often": "often usually generally typically sometimes occasionally rarely seldom frequently",
    "how much": "partly partially partial almost nearly barely roughly",
    "'against'": "against instead rather unlike",
    "'yet'": "yet",
}
_GROUPS: dict[str, frozenset[str]] = {}
for _name, _words in _OPERATORS.items():
    for _word in _words.split():
        _GROUPS[_word] = _GROUPS.get(_word, frozenset()) | {_name}

_MODALS = frozenset("may might could can will would shall should ought must".split())

_RANKS = frozenset(
    """assistant associate deputy vice acting interim former junior honorary trainee proposed planned potential draft
    alleged intended expected possible future partial
    last next previous current latest same""".split()
)
"""Words that make a different thing of the word they stand before."""

_DEGREES = frozenset({"more", "less", "fewer"})

_RESTRICTED = 4
"""Content words after "all" or "two thirds of" that say what it is all of, and so may not be left out between."""


def changed_scope(match: Match) -> list[str]:
    """Return what is wrong with the claim's "not", its "all" and its "may"."""
    frame = _Frame(match)
    return [
        *_changed_negation(match, frame),
        *_changed_quantifiers(match, frame),
        *_changed_operators(match, frame),
    ]


class _Frame:
    """The parts of the premise that a claim rests on: the clauses it uses and those that these depend on."""

    def __init__(self, match: Match) -> None:
        premise = match.premise
        self.clauses = {clause: max(places) for clause, places in match.used.items() if _says_something(match, places)}
        self.tokens: list[Token] = []
        whole: set[int] = set()
        for clause in self.clauses:
            parent = _parent(premise, clause)
            while parent is not None:
                whole.add(parent)
                parent = _parent(premise, parent)
        for clause, places in enumerate(premise.clauses):
            last = places[-1] if clause in whole else self.clauses.get(clause, -1)
            self.tokens += [premise.tokens[place] for place in places if place <= last]


def _says_something(match: Match, places: set[int]) -> bool:
    """Whether the claim uses more of a clause than a number."""
    return any(match.premise.tokens[place].quantity is None for place in places)


_OWN_SUBJECT = frozenset(
    """the a an this that these those it they he she we there some most all every each several many few both neither
    none no its their is are was were has have had will would did does do can could may must should""".split()
)


def _parent(premise: Reading, clause: int) -> int | None:
    """Return the clause whose "aims to", "may" or "not" also governs this one, if there is one."""
    tokens = [premise.tokens[place] for place in premise.clauses[clause]]
    opening = tokens[0]
    if clause == 0 or premise.tokens[premise.clauses[clause - 1][0]].sentence != opening.sentence:
        return None
    if opening.mark == ":":
        return clause - 1
    if opening.lowered in {"that", "whether"}:
        earlier = [c for c in range(clause) if premise.tokens[premise.clauses[c][0]].lowered not in {"but", "and"}]
        return earlier[-1] if earlier else None
    if opening.mark not in {"", ","} or opening.lowered in {
        "but",
        "while",
        "whereas",
        "although",
        "though",
        "so",
        "yet",
    }:
        return None
    first = tokens[1] if opening.lowered in {"and", "or", "nor"} and len(tokens) > 1 else opening
    if first.lowered in _OWN_SUBJECT | _NEGATIONS or first.name or first.quantity or first.lowered in PREPOSITIONS:
        return None
    return clause - 1


def _negatives(tokens: Iterable[Token]) -> list[Token]:
    listed = list(tokens)
    paired = any(token.lowered == "neither" for token in listed)
    return [
        token
        for token in listed
        if (token.lowered in _NEGATIONS or token.lowered.endswith("n't")) and not (paired and token.lowered == "nor")
    ]


def _changed_negation(match: Match, frame: _Frame) -> list[str]:
    """A claim must be as negative as what it repeats, about the same words, and leave none of them out."""
    premise = match.premise
    theirs = _negatives(token for token in premise.tokens if token.clause in frame.clauses)
    inherited = _negatives(t for t in frame.tokens if t.clause not in frame.clauses)
    ours = _negatives(match.claim.tokens)
    if len(ours) != len(theirs + inherited):
        return ["a 'not' was added or dropped"]
    for negative in theirs:
        under = [t for t in premise.tokens if t.clause == negative.clause and t.start > negative.start and t.content]
        if any(token.key not in match.claim.keys for token in under):
            return ["it leaves out what a 'not' is about"]
    reach = {t.key for n in ours for t in match.claim.tokens if t.start > n.start and t.clause == n.clause}
    nexts = [next((t.key for t in premise.tokens if t.start > n.start and t.content), "") for n in theirs]
    if ours and theirs and not reach & set(nexts):
        return ["a 'not' is about something else"]
    return []


def _quantifiers(tokens: Iterable[Token]) -> set[str]:
    listed = list(tokens)
    found = {_QUANTIFIERS[token.lowered] for token in listed if token.lowered in _QUANTIFIERS}
    partitive = any(one.lowered == "one" and two.lowered == "of" for one, two in pairwise(listed))
    return found | ({"one of"} if partitive else set())


def _changed_quantifiers(match: Match, frame: _Frame) -> list[str]:
    ours = _quantifiers(match.claim.tokens)
    if invented := ours - _quantifiers(match.premise.tokens):
        return [f"{', '.join(sorted(invented))!r} is not in the passage"]
    if dropped := (_quantifiers(frame.tokens) & _STRONG) - ours:
        return [f"{', '.join(sorted(dropped))!r} was dropped"]
    for clause, last in frame.clauses.items():
        if _cut_short(match, clause, last):
            return ["it leaves out whom or what a share is of"]
    return []


def _cut_short(match: Match, clause: int, last: int) -> bool:
    """Whether a word was left out right after "every", "two thirds of" or an ordinal that the claim keeps."""
    premise = match.premise
    content = [place for place in premise.clauses[clause] if premise.tokens[place].content]
    for place in premise.clauses[clause]:
        token = premise.tokens[place]
        strong = _QUANTIFIERS.get(token.lowered) in _STRONG
        share = token.quantity is not None and token.quantity.unit in {"%", "share"} and match.kept(place)
        after = [other for other in content if place < other <= last][:_RESTRICTED]
        if (strong or share) and any(not match.kept(other) for other in after):
            return True
        if _changes_next(premise, place) and not match.kept(place) and after and match.kept(after[0]):
            return True
    return False


def _changes_next(premise: Reading, place: int) -> bool:
    """Whether the word at ``place`` makes another thing of the next one: "deputy chair", "more useful"."""
    token = premise.tokens[place]
    if token.lowered in _DEGREES:
        return place + 1 < len(premise.tokens) and premise.tokens[place + 1].content
    return token.lowered in _RANKS or (token.quantity is not None and token.quantity.unit == "ordinal")


def _operators(tokens: Iterable[Token]) -> set[str]:
    return set().union(*(_GROUPS.get(token.lowered, frozenset()) for token in tokens if not token.date))


def _changed_operators(match: Match, frame: _Frame) -> list[str]:
    """Words like "may" and "aims to" must not be dropped, and "must" or "will" not be invented."""
    ours = {group for token in match.claim.tokens for group in _GROUPS.get(token.lowered, frozenset())}
    for token in frame.tokens:
        groups = _GROUPS.get(token.lowered, frozenset())
        if groups and not token.date and not groups & ours and not _is_voice(token):
            return [f"the passage says {token.lowered!r}, which was dropped"]
    theirs = _operators(match.premise.tokens)
    for token in match.claim.tokens:
        if token.lowered in _MODALS and not token.date and not _GROUPS[token.lowered] & theirs:
            return [f"the passage does not say {token.lowered!r}"]
    return []


def _is_voice(token: Token) -> bool:
    """Whether a word only brings in what someone says; that is judged with whose words they are."""
    return token.key in REPORTING and token.lowered not in _DOUBTING


_DOUBTING = frozenset(_OPERATORS["the doubt"].split())
