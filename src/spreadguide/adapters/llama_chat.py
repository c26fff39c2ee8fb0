"""Chat rendering that a message cannot break out of: template parts and message texts stay apart until tokenised."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from typing import Protocol

Message = tuple[str, str]
"""Role (``system``, ``user`` or ``assistant``) and text."""

Piece = tuple[str, bool]
"""A run of text, and whether it is a message's own text (which must never become control tokens)."""

_SLOT = re.compile(r"\x02(\d+)\x03")
"""Stands for a message's text while a template is rendered; these characters never reach the model."""


class TemplateError(Exception):
    """The chat template inside a model file does not work."""


class ChatFormat(Protocol):
    """Turns messages into pieces that end where the assistant's answer begins."""

    def __call__(self, messages: Sequence[Message]) -> list[Piece]:
        """Return the pieces in reading order."""


def chatml(messages: Sequence[Message]) -> list[Piece]:
    """Render ChatML, as Qwen and SmolLM models read it."""
    pieces: list[Piece] = []
    for role, text in messages:
        pieces += [(f"<|im_start|>{role}\n", False), (text, True), ("<|im_end|>\n", False)]
    return [*pieces, ("<|im_start|>assistant\n", False)]


CHAT_FORMATS: dict[str, ChatFormat] = {"chatml": chatml}
"""Our own fixed formats by name. The templates inside GGUF files are code; these are ours."""


class FileTemplate:
    """The chat template of a GGUF file, run in Jinja's sandbox and given slots in place of the messages' texts."""

    def __init__(self, source: str, *, bos_token: str, eos_token: str) -> None:
        """Compile ``source``; raises `TemplateError`. Imports ``llama_cpp``, so use it in the worker only."""
        formats = importlib.import_module("llama_cpp.llama_chat_format")
        try:
            self._formatter = formats.Jinja2ChatFormatter(template=source, bos_token=bos_token, eos_token=eos_token)
        except Exception as error:
            # A template is foreign code: no list of exceptions covers what it may raise.
            raise TemplateError(f"{type(error).__name__}: {error}") from error

    def __call__(self, messages: Sequence[Message]) -> list[Piece]:
        """Render ``messages``; a template without a system role gets the system text before the first user text."""
        slots = [(role, f"\x02{at}\x03") for at, (role, _) in enumerate(messages)]
        try:
            rendered = self._render(slots)
        except TemplateError:
            if len(slots) < 2 or slots[0][0] != "system":
                raise
            (_, system), (role, first), *rest = slots
            rendered = self._render([(role, f"{system}\n\n{first}"), *rest])
        parts = _SLOT.split(rendered)
        return [
            (messages[int(part)][1] if at % 2 else part, bool(at % 2))
            for at, part in enumerate(parts)
            if at % 2 or part
        ]

    def _render(self, slots: Sequence[Message]) -> str:
        try:
            rendered = self._formatter(messages=[{"role": role, "content": text} for role, text in slots]).prompt
        except Exception as error:
            raise TemplateError(f"{type(error).__name__}: {error}") from error
        wanted = [number for _, text in slots for number in _SLOT.findall(text)]
        if _SLOT.findall(rendered) != wanted:
            raise TemplateError("it leaves out, repeats or reorders messages")
        return str(rendered)
