"""Many texts through an ONNX model, fast.

Texts of one length go together, so that nothing is padded. Several batches go at once, each on one thread: threads that
share a batch wait for each other at every operator, and longer still when another process holds one of the cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from spreadguide.adapters.onnx_session import THREADS
from spreadguide.protocols import Vectors

WINDOW = 4096
"""Texts that are cut into word pieces and sorted at a time; it bounds memory whatever the number of texts."""

BATCH_TOKENS = 1024
"""Word pieces per call of the model, at most, unless one text is longer. `benchmarks/embedding.py --batches` found
little difference between 256 and 2048."""


def embed_in_batches(
    texts: Sequence[str],
    tokenizer: Any,
    session: Any,
    dimension: int,
    *,
    progress: Callable[[int], None] | None = None,
) -> Vectors:
    """Return one vector per text, in the order of ``texts``.

    ``tokenizer`` is a `tokenizers.Tokenizer` that truncates and does not pad; ``session`` runs a model as
    `onnx_bert.bert_model` makes it, best with one thread per call. Texts go by length, longest
    first; ``progress`` counts texts.
    """
    vectors = np.zeros((len(texts), dimension), dtype=np.float32)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="embedding")
    try:
        for start in range(0, len(texts), WINDOW):
            encodings = tokenizer.encode_batch(list(texts[start : start + WINDOW]))
            pieces = [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]
            batches = list(_batches([len(ids) for ids in pieces]))
            inputs = (np.stack([pieces[row] for row in rows]) for rows in batches)
            found = pool.map(lambda ids: session.run(["vectors"], {"ids": ids})[0], inputs)
            for rows, batch in zip(batches, found, strict=True):
                vectors[[start + row for row in rows]] = batch
                if progress is not None:
                    progress(len(rows))
    finally:
        # After an interruption nothing that is still waiting is begun.
        pool.shutdown(cancel_futures=True)
    return vectors


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield rows of equal length, longest first, with at most `BATCH_TOKENS` word pieces together."""
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if rows and (lengths[row] != lengths[rows[0]] or (len(rows) + 1) * lengths[row] > BATCH_TOKENS):
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows
