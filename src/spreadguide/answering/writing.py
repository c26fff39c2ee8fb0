"""Streams a draft and checks each sentence as soon as it is whole, while the next one is being written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from spreadguide.answering.citations import DraftSentence, parse
from spreadguide.answering.claims import Checker, Finding
from spreadguide.protocols import Generator
from spreadguide.types import Draft, FinishReason, Prompt, SupportLevel

MAX_NEW_TOKENS = 180
"""Most tokens written for one answer: three long sentences and a list, about 18 seconds on two cores."""

MAX_CHARACTERS = 2400
"""Most characters read from a generator, whatever it was asked for: one that does not stop is cut off."""

MAX_SUPPORTED = 5
"""Writing stops once this many sentences were supported."""

MAX_WITHHELD_IN_A_ROW = 3
"""Writing stops after this many unsupported sentences in a row: the model has left the evidence."""

STOP = ("\nQuestion:", "\nLines:", "\n\n\n")
"""Text with which the model would go on to make up the next question."""

_OPEN_BRACKET = re.compile(r"\s*[\[【(][^\]】)]*$")
_ENDED = re.compile(r"[.!?:;][\"'”’)]*(?:\s*[\[【(][^\]】)]*[\]】)])*\s*$|[\]】]\s*$")


@dataclass(frozen=True, slots=True)
class Written:
    """The end of writing: what was read, whether or not all of it was used."""

    draft: Draft


def write(
    prompt: Prompt, generator: Generator, checker: Checker, cancelled: Callable[[], bool]
) -> Iterator[str | Finding | Written]:
    """Yield each piece of text as it is written, each finding as soon as it is checked, then `Written`.

    Raises `GeneratorUnavailable` when the generator goes away; the findings yielded before then stand.
    """
    text = ""
    checked = 0
    state = _State()
    draft: Draft | None = None
    pieces = generator.generate(prompt, max_tokens=MAX_NEW_TOKENS, stop=STOP, cancelled=cancelled)
    for piece in pieces:
        if isinstance(piece, Draft):
            draft = piece
            break
        text += piece
        yield piece
        whole = parse(_OPEN_BRACKET.sub("", text))[:-1]
        yield from _check(whole[checked:], checker, state)
        checked = max(checked, len(whole))
        if state.done or len(text) > MAX_CHARACTERS:
            break
    closing = getattr(pieces, "close", None)
    if draft is None and closing is not None:
        closing()
    if not state.done:
        yield from _check(_rest(text, checked, draft), checker, state)
    yield Written(draft or Draft(text, FinishReason.CANCELLED, 0, 0))


class _State:
    """Counts what was found, to know when to stop."""

    def __init__(self) -> None:
        self.supported = 0
        self.withheld_in_a_row = 0

    @property
    def done(self) -> bool:
        return self.supported >= MAX_SUPPORTED or self.withheld_in_a_row >= MAX_WITHHELD_IN_A_ROW

    def count(self, finding: Finding) -> None:
        if finding.support is SupportLevel.UNSUPPORTED:
            self.withheld_in_a_row += 1
        else:
            self.supported += 1
            self.withheld_in_a_row = 0


def _check(sentences: list[DraftSentence], checker: Checker, state: _State) -> Iterator[Finding]:
    for sentence in sentences:
        finding = checker.check(sentence)
        if finding is not None:
            state.count(finding)
            yield finding


def _rest(text: str, checked: int, draft: Draft | None) -> list[DraftSentence]:
    """Return the sentences not yet checked, without a last one that was cut off in the middle."""
    rest = parse(text)[checked:]
    cut_off = draft is None or draft.finish is not FinishReason.STOP
    if rest and cut_off and not _ENDED.search(text):
        return rest[:-1]
    return rest
