"""A generator that writes what the test says, word by word, in place of a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace

from spreadguide.errors import GeneratorUnavailable
from spreadguide.types import Draft, FinishReason, Prompt

Script = str | Callable[[Prompt], str] | Exception


class ScriptedGenerator:
    """Writes ``text``: a string, what a function makes of the prompt, or an exception to raise instead.

    ``fail_after`` makes it go away after that many pieces. ``before_piece`` is called with the number of each
    piece before it is written, so that a test can hold the writing up. ``prompts`` keeps every prompt read,
    ``written`` how many pieces went out, and ``finished`` how each run that did not fail came to its end. The fixed
    part of a prompt counts as known from the one before.
    """

    def __init__(
        self,
        text: Script,
        *,
        model_id: str = "scripted",
        fail_after: int | None = None,
        ready: bool = True,
        before_piece: Callable[[int], None] = lambda _number: None,
    ) -> None:
        self.text = text
        self.model_id = model_id
        self.fail_after = fail_after
        self.ready = ready
        self.before_piece = before_piece
        self.prompts: list[Prompt] = []
        self.written = 0
        self.finished: list[FinishReason] = []
        self.closed = False

    @property
    def state(self) -> SimpleNamespace:
        """What the readiness page shows."""
        reason, hint = ("", "") if self.ready else ("The model is away.", "Wait for it.")
        return SimpleNamespace(
            status=SimpleNamespace(value="ready" if self.ready else "loading"), reason=reason, hint=hint
        )

    def start(self) -> None:
        """Do nothing: there is nothing to load."""

    def close(self) -> None:
        """Remember that the owner let go."""
        self.closed = True

    def wait(self, _seconds: float) -> None:
        """Return at once: there is nothing to wait for."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Four tokens for three words, as models of English have it."""
        return [len(text.split()) * 4 // 3 for text in texts]

    def generate(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancelled: Callable[[], bool] = bool
    ) -> Iterator[str | Draft]:
        """Write word by word, at most ``max_tokens`` of them, up to a stop text, until cancelled."""
        self.prompts.append(prompt)
        if isinstance(self.text, Exception):
            raise self.text
        whole = self.text if isinstance(self.text, str) else self.text(prompt)
        ends = [whole.index(word) for word in stop if word in whole]
        pieces = re.findall(r"\s*\S+|\s+$", whole[: min(ends)] if ends else whole)
        finish, out = FinishReason.STOP, ""
        try:
            for number, piece in enumerate(pieces):
                self.before_piece(number)
                if number == self.fail_after:
                    raise GeneratorUnavailable("The model went away while it wrote.", hint="Ask again in a minute.")
                if cancelled() or number >= max_tokens:
                    finish = FinishReason.CANCELLED if cancelled() else FinishReason.LENGTH
                    break
                out += piece
                self.written += 1
                yield piece
        except GeneratorExit:
            self.finished.append(FinishReason.CANCELLED)
            raise
        self.finished.append(finish)
        fixed = sum(self.count_tokens([prompt.system, *sum(prompt.examples, ())]))
        asked, answered = self.count_tokens([prompt.user, out])
        yield Draft(out, finish, fixed + asked, answered, reused_tokens=fixed)
