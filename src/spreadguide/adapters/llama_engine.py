"""llama.cpp itself: loading a GGUF file, chat rendering, prompt evaluation with a kept prefix, and sampling.

Only the worker process uses this module (see `llama_worker`), because a native crash ends the whole process.
``llama_cpp`` is imported when an `Engine` is made, so that importing this module costs nothing.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spreadguide.adapters.llama_chat import CHAT_FORMATS, ChatFormat, FileTemplate, TemplateError
from spreadguide.adapters.llama_kept import file_stamp
from spreadguide.adapters.llama_loading import EngineError, NativeLog, import_native, load_model
from spreadguide.adapters.llama_settings import CACHE_TYPES, FLASH
from spreadguide.adapters.llama_threads import WritingThreads

PENALTY_WINDOW = 64
"""Tokens of the answer that the repeat penalty looks back on (llama.cpp's own default)."""

STATE_FORMAT = 1
"""To be raised when what is written as a state changes its meaning."""

MIN_P = 0.05
"""Share of the best token's probability below which a token is never drawn (llama.cpp's default)."""

_ABORTED = 2
"""What ``llama_decode`` returns when the abort callback said stop (llama.h)."""

_TEMPLATE_BYTES = 65536


class Aborted(Exception):
    """The request was cancelled while the model worked on it."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the worker needs to know; sizes are in tokens.

    ``chat_format`` names one of `CHAT_FORMATS`; ``None`` takes the template from the GGUF file. ``temperature`` 0
    always takes the likeliest token. ``kept`` is the folder in which the memory of a prompt's fixed part outlives
    the worker. ``threads_batch`` 0 means ``threads``; ``flash`` and ``cache_type`` are names of `FLASH` and
    `CACHE_TYPES`.
    """

    model_path: str
    chat_format: str | None
    context: int
    batch: int
    threads: int
    temperature: float
    repeat_penalty: float
    seed: int
    kept: str | None = None
    threads_batch: int = 0
    flash: str = "auto"
    cache_type: str = "f16"


class Engine:
    """One loaded model with one context; not safe for threads, but for `count`, which may run beside the rest."""

    def __init__(self, options: EngineOptions, aborted: Callable[[], bool]) -> None:
        """Load the model; ``aborted`` is asked all through every computation. Raises `EngineError`."""
        self._options = options
        self._native = import_native(templates=options.chat_format is None)
        self._log = NativeLog(self._native)
        self._load()
        self._aborted = aborted
        # ctypes keeps no reference to a callback: without the attribute it would be freed under llama.cpp.
        self._abort_callback = self._native.ggml_abort_callback(lambda _: self._aborted())
        self._native.llama_set_abort_callback(self._context, self._abort_callback, None)
        self._cached: list[int] = []
        self._threads = WritingThreads(options.threads)
        self._format = self._chat_format()
        # A template that does not work shall show now, not at the first question.
        self.render([("system", "a"), ("user", "b"), ("assistant", "c"), ("user", "d")])

    @property
    def context(self) -> int:
        """Tokens that prompt and answer may take together."""
        return int(self._native.llama_n_ctx(self._context))

    def _load(self) -> None:
        native, options = self._native, self._options
        native.llama_backend_init()
        self._model = load_model(native, Path(options.model_path), self._log)
        self._vocab = native.llama_model_get_vocab(self._model)
        self._context = open_context(native, self._model, options)
        if not self._context:
            raise self._log.failure("The model was read, but its working memory could not be set up.")
        self._memory = native.llama_get_memory(self._context)

    def _chat_format(self) -> ChatFormat:
        if self._options.chat_format is not None:
            return CHAT_FORMATS[self._options.chat_format]
        native = self._native
        buffer = ctypes.create_string_buffer(_TEMPLATE_BYTES)
        size = native.llama_model_meta_val_str(self._model, b"tokenizer.chat_template", buffer, _TEMPLATE_BYTES)
        if not 0 < size < _TEMPLATE_BYTES:
            return CHAT_FORMATS["chatml"]
        bos, eos = (
            native.llama_vocab_get_text(self._vocab, token).decode("utf-8", "replace") if token >= 0 else ""
            for token in (native.llama_vocab_bos(self._vocab), native.llama_vocab_eos(self._vocab))
        )
        try:
            return FileTemplate(buffer.value.decode("utf-8", "replace"), bos_token=bos, eos_token=eos)
        except TemplateError as error:
            raise _bad_template(error) from error

    def render(self, messages: Sequence[tuple[str, str]]) -> list[int]:
        """Turn (role, text) messages into the tokens of a chat that ends where the assistant begins.

        Only the template's own parts can become control tokens: a message that contains ``<|im_end|>`` is read as
        plain characters.
        """
        try:
            pieces = self._format(messages)
        except TemplateError as error:
            raise _bad_template(error) from error
        tokens: list[int] = []
        for position, (text, is_content) in enumerate(pieces):
            tokens += self._tokens(text, special=not is_content, bos=position == 0)
        return tokens

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the length of each text in tokens."""
        return [len(self._tokens(text, special=False, bos=False)) for text in texts]

    def _tokens(self, text: str, *, special: bool, bos: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        native = self._native
        add_bos = bos and bool(native.llama_vocab_get_add_bos(self._vocab))
        # A token stands for at least one byte, so this room is always enough.
        room = len(data) + 2
        buffer = (native.llama_token * room)()
        size = native.llama_tokenize(self._vocab, data, len(data), buffer, room, add_bos, special)
        if size < 0:
            raise EngineError("native", "The text could not be split into tokens.")
        tokens = list(buffer[:size])
        # A template that writes the start token itself must not get it twice.
        doubled = add_bos and tokens[:2] == [native.llama_vocab_bos(self._vocab)] * 2
        return tokens[1:] if doubled else tokens

    def state_key(self, tokens: Sequence[int]) -> dict[str, object]:
        """Return all that the state after ``tokens`` depends on; raises `OSError` when the model file is gone."""
        options = self._options
        return {
            "format": STATE_FORMAT,
            "model": file_stamp(Path(options.model_path)),
            "tokens": list(tokens),
            "context": [self.context, options.flash, options.cache_type],
            "engine": file_stamp(Path(self._native.__file__)),
            "processor": self._native.llama_print_system_info().decode("utf-8", "replace"),
        }

    def state(self) -> bytes:
        """Return the memory of all tokens evaluated so far; empty where llama.cpp cannot give it."""
        native = self._native
        buffer = (ctypes.c_uint8 * native.llama_state_seq_get_size(self._context, 0))()
        return bytes(buffer[: native.llama_state_seq_get_data(self._context, buffer, len(buffer), 0)])

    def restore(self, tokens: Sequence[int], state: bytes) -> bool:
        """Take ``state`` for the memory of ``tokens``; return whether llama.cpp took it, else nothing is remembered.

        ``state`` must be what `state` returned for the same `state_key`: llama.cpp trusts it.
        """
        native = self._native
        native.llama_memory_clear(self._memory, True)
        self._cached.clear()
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        if native.llama_state_seq_set_data(self._context, buffer, len(state), 0) != len(state):
            native.llama_memory_clear(self._memory, True)
            return False
        self._cached += tokens
        return True

    def evaluate(self, tokens: Sequence[int]) -> int:
        """Bring the model's memory to ``tokens`` exactly; return how many were already there.

        At least the last token is always evaluated, because the next one is drawn from its result. Raises `Aborted`
        and `EngineError`.
        """
        kept = min(shared_length(self._cached, tokens), len(tokens) - 1)
        if not self._native.llama_memory_seq_rm(self._memory, 0, kept, -1):
            # Recurrent models cannot forget a part.
            self._native.llama_memory_clear(self._memory, True)
            kept = 0
        del self._cached[kept:]
        for at in range(kept, len(tokens), self._options.batch):
            self._decode(tokens[at : at + self._options.batch])
        return kept

    def _decode(self, tokens: Sequence[int]) -> None:
        if self._aborted():
            raise Aborted
        native = self._native
        buffer = (native.llama_token * len(tokens))(*tokens)
        code = native.llama_decode(self._context, native.llama_batch_get_one(buffer, len(tokens)))
        if code == 0:
            self._cached += tokens
            return
        if not native.llama_memory_seq_rm(self._memory, 0, len(self._cached), -1):
            native.llama_memory_clear(self._memory, True)
            self._cached.clear()
        if code == _ABORTED:
            raise Aborted
        raise EngineError("native", f"llama.cpp could not go on (code {code}).")

    def generate(self, limit: int) -> Iterator[bytes]:
        """Yield the bytes of up to ``limit`` tokens that follow what was evaluated; fewer when the model is done."""
        native = self._native
        sampler = self._sampler()
        self._threads.pause()
        try:
            for number in range(1, limit + 1):
                token = native.llama_sampler_sample(sampler, self._context, -1)
                if native.llama_vocab_is_eog(self._vocab, token):
                    return
                yield self._piece(token)
                if number < limit:
                    self._write(token)
        finally:
            native.llama_sampler_free(sampler)

    def _write(self, token: int) -> None:
        """Evaluate one token of the answer, with as many threads as are fastest now."""
        reading = self._options.threads_batch or self._options.threads
        self._native.llama_set_n_threads(self._context, self._threads.count, reading)
        began = time.perf_counter()
        self._decode([token])
        self._threads.took(began, time.perf_counter())

    def _sampler(self) -> Any:
        native, options = self._native, self._options
        chain = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
        if options.repeat_penalty != 1.0:
            words = native.llama_vocab_n_tokens(self._vocab)
            penalties = native.llama_sampler_init_penalties(words, PENALTY_WINDOW, options.repeat_penalty, 0.0, 0.0)
            native.llama_sampler_chain_add(chain, penalties)
        if options.temperature == 0:
            native.llama_sampler_chain_add(chain, native.llama_sampler_init_greedy())
            return chain
        native.llama_sampler_chain_add(chain, native.llama_sampler_init_min_p(MIN_P, 1))
        native.llama_sampler_chain_add(chain, native.llama_sampler_init_temp(options.temperature))
        native.llama_sampler_chain_add(chain, native.llama_sampler_init_dist(options.seed))
        return chain

    def _piece(self, token: int) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            size = self._native.llama_token_to_piece(self._vocab, token, buffer, room, 0, False)
            if size >= 0:
                return buffer.raw[:size]
            room = -size


def open_context(native: Any, model: Any, options: EngineOptions) -> Any:
    """Return a new context of ``model`` as ``options`` want it, or a null pointer where there is no memory for it."""
    params = native.llama_context_default_params()
    params.n_ctx = min(options.context, native.llama_model_n_ctx_train(model))
    params.n_batch = params.n_ubatch = min(options.batch, params.n_ctx)
    params.n_threads = options.threads
    params.n_threads_batch = options.threads_batch or options.threads
    params.flash_attn_type = FLASH[options.flash]
    params.type_k = params.type_v = CACHE_TYPES[options.cache_type]
    return native.llama_init_from_model(model, params)


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two sequences have in common at their start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _bad_template(error: TemplateError) -> EngineError:
    return EngineError("corrupt", f"The chat template inside the model file does not work ({error}).")
