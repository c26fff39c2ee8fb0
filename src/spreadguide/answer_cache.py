"""Gives a finished answer again when the same is asked of the same index with the same settings.

Answers are kept in memory only, and not for long: a question may hold what should not have been typed.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from uuid import uuid4

from cachetools import TTLCache

from spreadguide import __version__
from spreadguide.assistant import QUOTES_ONLY, Assistant, Library, check_question
from spreadguide.retrieval.followup import stand_alone
from spreadguide.types import (
    Answer,
    ClaimChecked,
    Event,
    Final,
    Hit,
    Question,
    Retrieved,
    Status,
    SupportLevel,
    Timings,
    Turn,
)

BYTES_PER_CHARACTER = 2
"""Bytes that an answer takes in memory for each character that it is written out with, every object in it included
(measured on four answers over the shipped briefs: 1.8 to 1.9)."""


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """Most answers and most bytes that are kept, and for how many seconds at most."""

    answers: int = 256
    size: int = 32 * 2**20
    seconds: float = 3600.0


class AnswerCache:
    """The answers that were used last, by what was asked; safe for threads."""

    def __init__(self, limits: CacheLimits | None = None, *, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` tells the time in seconds."""
        limits = limits or CacheLimits()
        self._most = limits.size
        # Each answer counts as its share of the size at least, so that one bound keeps the number down as well.
        self._share = limits.size // limits.answers
        self._lock = Lock()
        self._kept: TTLCache[str, Answer] = TTLCache(limits.size, limits.seconds, timer=now, getsizeof=self._size)

    def get(self, key: str) -> Answer | None:
        """Return the answer kept under ``key``, if it is still there."""
        with self._lock:
            self._kept.expire()
            return self._kept.get(key)

    def put(self, key: str, answer: Answer) -> None:
        """Keep ``answer`` in place of those that were not asked for the longest, unless it is too large by itself."""
        with self._lock:
            if self._size(answer) <= self._most:
                self._kept[key] = answer

    def __len__(self) -> int:
        """Return how many answers are kept."""
        with self._lock:
            return len(self._kept)

    def _size(self, answer: Answer) -> int:
        return max(BYTES_PER_CHARACTER * len(repr(answer)), self._share)


class CachedAssistant:
    """An `Assistant` that looks first whether it has just answered the same; safe for threads.

    Only answers that came to their own end are kept. One that was stopped, or made of quotes because the generator
    was away or busy, is worked out anew the next time. Questions that were declined are not kept either: they cost
    nothing, and are those in which somebody tells of a patient.
    """

    def __init__(
        self,
        assistant: Assistant,
        cache: AnswerCache,
        model_id: str | None,
        *,
        now: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        """``model_id`` names the generator, and is ``None`` where there is none."""
        self._assistant = assistant
        self._cache = cache
        self._model_id = model_id
        self._now = now
        self._new_id = new_id

    @property
    def library(self) -> Library:
        """The index that answers come from."""
        return self._assistant.library

    def search(
        self,
        query: str,
        k: int,
        *,
        history: Sequence[Turn] = (),
        source_ids: Sequence[str] | None = None,
        superseded: bool = False,
    ) -> list[Hit]:
        """Search; see `Assistant.search`. Nothing of it is kept."""
        return self._assistant.search(query, k, history=history, source_ids=source_ids, superseded=superseded)

    def answer(
        self,
        text: str,
        *,
        history: Sequence[Turn] = (),
        role: str | None = None,
        source_ids: Sequence[str] | None = None,
        use_generator: bool = True,
    ) -> Answer:
        """Answer one question and return only the finished answer; see `Assistant.answer`."""
        events = self.ask(text, history=history, role=role, source_ids=source_ids, use_generator=use_generator)
        return next(event.answer for event in events if isinstance(event, Final))

    def ask(
        self,
        text: str,
        *,
        history: Sequence[Turn] = (),
        role: str | None = None,
        source_ids: Sequence[str] | None = None,
        use_generator: bool = True,
        cancelled: Callable[[], bool] = bool,
    ) -> Iterator[Event]:
        """Answer one question as events; see `Assistant.ask`.

        What was kept comes as `Retrieved`, its claims and `Final`, all at once, and says ``cached`` in its trace.
        """
        started = self._now()
        check_question(text)
        key = self._key(text, history, role, source_ids, use_generator=use_generator)
        kept = self._cache.get(key)
        if kept is not None:
            yield from self._again(kept, Question(text.strip(), stand_alone(text.strip(), history), role), started)
            return
        stopped = False

        def noted() -> bool:
            nonlocal stopped
            stopped = stopped or cancelled()
            return stopped

        asked = self._assistant.ask(
            text,
            history=history,
            role=role,
            source_ids=source_ids,
            use_generator=use_generator,
            cancelled=noted,
        )
        for event in asked:
            # Kept before it is told: whoever has the answer and asks again gets the same one.
            if isinstance(event, Final) and not noted() and self._is_whole(event.answer, use_generator=use_generator):
                self._cache.put(key, event.answer)
            yield event

    def _key(
        self,
        text: str,
        history: Sequence[Turn],
        role: str | None,
        source_ids: Sequence[str] | None,
        *,
        use_generator: bool,
    ) -> str:
        """Return a hash of all that decides the answer, so that no history is kept for the sake of comparing it."""
        asked = [
            " ".join(text.split()),
            [(turn.role, turn.content) for turn in history],
            role,
            None if source_ids is None else sorted(source_ids),
            use_generator,
            self._model_id,
            self.library.fingerprint,
            __version__,
        ]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()

    def _is_whole(self, answer: Answer, *, use_generator: bool) -> bool:
        """Whether the answer is what it always would be: a generator that was away or busy leaves a warning."""
        if answer.status is Status.DECLINED:
            return False
        by_choice = not use_generator or self._model_id is None
        return by_choice or not any(warning.startswith(QUOTES_ONLY) for warning in answer.warnings)

    def _again(self, kept: Answer, question: Question, started: float) -> Iterator[Event]:
        def elapsed() -> int:
            return round((self._now() - started) * 1000)

        retrieved = elapsed()
        yield Retrieved(kept.evidence, retrieved)
        shown = [claim for claim in kept.claims if claim.support is not SupportLevel.UNSUPPORTED]
        first = elapsed() if shown else None
        for claim in shown:
            yield ClaimChecked(claim, kept.sources)
        yield Final(
            replace(
                kept,
                answer_id=self._new_id(),
                question=question,
                timings=Timings(retrieved, first, None, elapsed()),
                trace=replace(kept.trace, cached=True),
            )
        )
