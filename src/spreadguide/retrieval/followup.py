"""Turn history and a question into a question that stands alone.

First decide whether that is needed (`leaning.leans`); then carry over the last question that stood alone. The reader
sees the result, so it keeps both wordings instead of inventing a third.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten

from spreadguide.retrieval.leaning import leans
from spreadguide.types import Turn


def stand_alone(question: str, history: Sequence[Turn]) -> str:
    """Return ``question`` with the earlier question that it leans on, or unchanged when it needs none.

    A follow-up to a follow-up leans on the last question that stood alone.
    """
    base = last_whole_question(history)
    return _about(question, base) if base and leans(question, history) else question


def last_whole_question(history: Sequence[Turn]) -> str:
    """Return the last question of the user that stood alone, the first one in any case; empty without any."""
    asked = [place for place, turn in enumerate(history) if turn.role == "user" and turn.content.strip()]
    whole = (place for place in reversed(asked) if not leans(history[place].content, history[:place]))
    return history[next(whole, asked[0])].content.strip() if asked else ""


def _about(question: str, base: str) -> str:
    """Return the question with the one that it leans on, without what was said after that: "I need it for a paper."."""
    asked, mark, _ = base.rpartition("?")
    return f"{question} (about: {shorten(asked + mark or base, TURN_CHARACTERS, placeholder=' …')})"


TURNS_READ = 3
"""Earlier turns that the cross-encoder reads after a question: it was trained on so many."""

TURN_CHARACTERS = 300
"""Characters of an earlier turn that are read: a long one would leave no room for the question."""


def also_searched(question: str, history: Sequence[Turn], *, leaning: bool) -> tuple[str, ...]:
    """Return the wordings to search for beside `stand_alone`; none without earlier turns.

    Rankings by all of them are fused. Every question is searched for with the user's turn before it; one that leans
    also with the question it leans on and the last answer, which names what is being talked of.
    """
    earlier = [turn.content.strip() for turn in history if turn.role == "user" and turn.content.strip()]
    if not earlier:
        return ()
    with_last_turn = f"{earlier[-1][:TURN_CHARACTERS]} {question}"
    if not leaning:
        return (with_last_turn,)
    answers = [turn.content.strip()[:TURN_CHARACTERS] for turn in history if turn.role == "assistant"]
    base = last_whole_question(history)[:TURN_CHARACTERS]
    with_answer = " ".join(filter(None, (base, *answers[-1:], question)))
    return tuple(dict.fromkeys((with_last_turn, with_answer)))


def latest_first(question: str, history: Sequence[Turn]) -> str:
    """Return the question with the turns before it, latest first, as the cross-encoder was trained to read them."""
    earlier = [turn.content.strip()[:TURN_CHARACTERS] for turn in history if turn.content.strip()]
    return "  | ".join([question, *reversed(earlier[-TURNS_READ:])])
