"""Streams a draft and checks each sentence as soon as it is whole, while the next one is being written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from spreadguide.answering.citations import DraftSentence, parse
from spreadguide.answering.claims import Checker, Finding
from spreadguide.errors import GeneratorUnavailable
from spreadguide.protocols import Generator
from spreadguide.types import Draft, FinishReason, Prompt, Queued, SupportLevel

MAX_NEW_TOKENS = 180
"""Most tokens written for one answer: three long sentences and a list, about 18 seconds on two cores."""

MAX_CHARACTERS = 2400
"""Most characters of a draft that are used: a generator that goes on after them is told to stop."""

MAX_LEFTOVER = 2400
"""Most characters read from a generator that was told to stop: a few words are on their way then, and one that does
not obey is cut off."""

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
) -> Iterator[str | Queued | Finding | Written]:
    """Yield each piece of text as it is written, each finding as soon as it is checked, then `Written`.

    While the generator serves others first, the place in its queue comes before that. Once enough is written, the
    generator is told to stop, and read on to its draft, which alone knows the tokens it took.

    Raises `GeneratorUnavailable` when the generator goes away; the findings yielded before then stand.
    """
    checked = 0
    state = _State()
    for piece in _read(prompt, generator, state, cancelled):
        if isinstance(piece, Draft):
            if not state.done:
                yield from _check(_rest(state, checked, piece), checker, state)
            yield Written(piece)
            return
        yield piece
        if isinstance(piece, Queued):
            continue
        state.text += piece
        whole = parse(_OPEN_BRACKET.sub("", state.text))[:-1]
        yield from _check(whole[checked:], checker, state)
        checked = max(checked, len(whole))


def _read(
    prompt: Prompt, generator: Generator, state: _State, cancelled: Callable[[], bool]
) -> Iterator[str | Queued | Draft]:
    """Yield what the generator gives, without the text that comes once there is enough; always a `Draft` last."""
    leftover = 0

    def stop() -> bool:
        return state.enough or cancelled()

    try:
        for piece in generator.generate(prompt, max_tokens=MAX_NEW_TOKENS, stop=STOP, cancelled=stop):
            if not isinstance(piece, str) or not state.enough:
                yield piece
            else:
                leftover += len(piece)
            if isinstance(piece, Draft):
                return
            if leftover > MAX_LEFTOVER:
                break
    except GeneratorUnavailable:
        # Who has enough needs it no longer.
        if not state.enough:
            raise
    yield Draft(state.text, FinishReason.CANCELLED, 0, 0)


class _State:
    """The text that is used, and counts of what was found in it, to know when to stop."""

    def __init__(self) -> None:
        self.text = ""
        self.supported = 0
        self.withheld_in_a_row = 0

    @property
    def done(self) -> bool:
        return self.supported >= MAX_SUPPORTED or self.withheld_in_a_row >= MAX_WITHHELD_IN_A_ROW

    @property
    def enough(self) -> bool:
        return self.done or len(self.text) > MAX_CHARACTERS

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


def _rest(state: _State, checked: int, draft: Draft) -> list[DraftSentence]:
    """Return the sentences not yet checked, without a last one that was cut off in the middle."""
    rest = parse(state.text)[checked:]
    cut_off = state.enough or draft.finish is not FinishReason.STOP
    if rest and cut_off and not _ENDED.search(state.text):
        return rest[:-1]
    return rest
