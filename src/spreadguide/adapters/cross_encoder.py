"""The cross-encoder that ships with SpreadGuide: reads a question and a passage, or a claim and its evidence, together.

Trained by scripts/train_cross_encoder.py from the weights of the embedding model; see docs/model-card.md. The file is
part of the package and is checked against its SHA-256 before use.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spreadguide.adapters.minilm import tokenizer_file
from spreadguide.adapters.onnx_session import THREADS, open_session
from spreadguide.errors import ModelCorrupt, ModelError, ModelMissing
from spreadguide.protocols import Scores

FILE = "cross_encoder.onnx"
SHA256 = "a19228905365f12283ee583ef1468da41b88e2d10ab475d1ae595f300ea94482"
MAX_PIECES = 256
"""Word pieces of both texts together; the longer one is cut first."""

ANSWERS, SUPPORTS = 0, 1
"""Columns of the output."""

NICENESS = 5
"""How far the threads that read stand back (0 to 19). With many questions at once they would take both cores from the
model that writes: at 5 a thread gets a third of what one at 0 gets, where both want the same core."""

_HINT = "Install SpreadGuide again, for instance by running `make run`."


class CrossEncoder:
    """The shipped model; safe to share between threads. Nothing is loaded before it is used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # One pool for all questions: so many threads read at once, and pairs are read in the order they came in.
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="cross-encoder", initializer=_stand_back)

    @property
    def judge_id(self) -> str:
        """Name of the model and first digits of its SHA-256."""
        return f"spreadguide-cross-encoder@{SHA256[:8]}"

    def answers(self, question: str, passages: Sequence[str]) -> Scores:
        """Return for each passage the log-odds that it answers the question, of shape ``(passages,)``."""
        return self._logits([(question, passage) for passage in passages])[:, ANSWERS]

    def supports(self, claim: str, evidence: Sequence[str]) -> Scores:
        """Return for each piece of evidence the log-odds that it supports the claim, of shape ``(evidence,)``."""
        return self._logits([(claim, piece) for piece in evidence])[:, SUPPORTS]

    def _logits(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Run each pair by itself, as many at once as there are threads: no padding, and no effect of neighbours."""
        if not pairs:
            return np.zeros((0, 2), dtype=np.float32)
        with self._lock:
            session, tokenizer = self._model
        encodings = tokenizer.encode_batch(list(pairs))

        def run(encoding: Any) -> NDArray[np.float32]:
            ids = np.array([encoding.ids], dtype=np.int64)
            kinds = np.array([encoding.type_ids], dtype=np.int64)
            logits: NDArray[np.float32] = session.run(["logits"], {"ids": ids, "kinds": kinds})[0][0]
            return logits

        return np.stack(list(self._pool.map(run, encodings)))

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        try:
            content = (files("spreadguide.adapters") / FILE).read_bytes()
        except OSError as error:
            raise ModelMissing(f"The file {FILE} of SpreadGuide cannot be read: {error}.", hint=_HINT) from error
        if hashlib.sha256(content).hexdigest() != SHA256:
            raise ModelCorrupt(f"The file {FILE} of SpreadGuide is damaged.", hint=_HINT)
        try:
            from tokenizers import Tokenizer

            tokenizer = Tokenizer.from_file(str(tokenizer_file()))
            tokenizer.no_padding()
            tokenizer.enable_truncation(MAX_PIECES, strategy="longest_first")
            return open_session(content, threads=1), tokenizer
        except Exception as error:
            # The file is known to be right; what remains is memory, or a library that does not fit this machine.
            raise ModelError(f"The cross-encoder could not be started: {error}", hint=_HINT) from error


def _stand_back() -> None:
    """Lower the priority of the thread that calls; elsewhere than on Linux it is the whole process that has one."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        # Only the superuser may give a thread more than its process has.
        os.setpriority(os.PRIO_PROCESS, thread, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))
