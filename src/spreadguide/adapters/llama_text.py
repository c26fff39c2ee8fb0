"""From token bytes to text that may be shown: whole characters, nothing of a stop string, no endless loops."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Sequence

from spreadguide.types import FinishReason

LOOP_WORDS = 12
"""A run of this many words that appears twice is a loop: the model's own wording, not a quoted phrase or title."""

LOOP_SENTENCES = 3
"""A sentence that appears this often is a loop."""

LOOP_SENTENCE_WORDS = 4
"""Sentences with fewer words may repeat: abbreviations and list numbers look like short sentences."""

LOOP_CHARACTERS = 64
"""This many characters at the end of the text that hold at most `LOOP_ALPHABET` different ones are a loop."""

LOOP_ALPHABET = 2

_MARKER = re.compile(r"\[\d+\]")
_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[.!?]+\s+")


def has_loop(text: str) -> bool:
    """Return whether the end of ``text`` repeats what stands before it (citation markers and case left out)."""
    tail = text[-LOOP_CHARACTERS:]
    if len(tail) == LOOP_CHARACTERS and len(set(tail)) <= LOOP_ALPHABET:
        return True
    plain = _MARKER.sub(" ", text.casefold())
    return _repeats_run(plain) or _repeats_sentence(plain)


def _repeats_run(text: str) -> bool:
    words = _WORD.findall(text)
    run = words[-LOOP_WORDS:]
    return any(words[at : at + LOOP_WORDS] == run for at in range(len(words) - 2 * LOOP_WORDS + 1))


def _repeats_sentence(text: str) -> bool:
    # What follows the last sentence end is still being written; a final mark closes it.
    sentences = _SENTENCE_END.split(text + " ")[:-1]
    counts = Counter(tuple(_WORD.findall(sentence)) for sentence in sentences)
    return any(count >= LOOP_SENTENCES and len(words) >= LOOP_SENTENCE_WORDS for words, count in counts.items())


class TextStream:
    """Collects the bytes of one answer and hands out what may be shown.

    ``finish`` turns from ``None`` to ``STOP`` when a stop string was written, or to ``LOOP`` when the text repeats
    itself. ``text`` is everything handed out so far.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self.text = ""
        self.finish: FinishReason | None = None
        self._stop = tuple(marker for marker in stop if marker)
        self._held = ""
        # A character may be split over two tokens.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, piece: bytes) -> str:
        """Take the bytes of one token; return the text that can be shown now, which may be empty."""
        return self._take(self._decoder.decode(piece))

    def close(self) -> str:
        """Return what was held back because it might have been the start of a stop string."""
        shown = self._take(self._decoder.decode(b"", final=True))
        if self.finish is not FinishReason.STOP:
            shown += self._hand_out(len(self._held))
        return shown

    def _take(self, text: str) -> str:
        if self.finish is not None:
            return ""
        self._held += text
        found = [at for marker in self._stop if (at := self._held.find(marker)) >= 0]
        if found:
            self.finish = FinishReason.STOP
            return self._hand_out(min(found))
        shown = self._hand_out(len(self._held) - self._possible_stop())
        if shown and has_loop(self.text):
            self.finish = FinishReason.LOOP
        return shown

    def _possible_stop(self) -> int:
        """Return the length of the longest end of the held text with which a stop string begins."""
        longest = max((len(marker) - 1 for marker in self._stop), default=0)
        for size in range(min(longest, len(self._held)), 0, -1):
            if any(marker.startswith(self._held[-size:]) for marker in self._stop):
                return size
        return 0

    def _hand_out(self, size: int) -> str:
        shown, self._held = self._held[:size], self._held[size:]
        self.text += shown
        return shown
