"""Many texts through an ONNX model, fast: texts of one length together, so that nothing is padded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spreadguide.protocols import Vectors

WINDOW = 4096
"""Texts that are cut into word pieces and sorted at a time; it bounds memory whatever the number of texts."""

BATCH_TOKENS = 1024
"""Word pieces per call of the model, at most, unless one text is longer. Larger batches fall out of the CPU's cache,
smaller ones cost more calls: `benchmarks/embedding.py` measures it."""


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
    `onnx_bert.bert_model` makes it. Texts go by length, longest first; ``progress`` counts texts.
    """
    vectors = np.zeros((len(texts), dimension), dtype=np.float32)
    for start in range(0, len(texts), WINDOW):
        encodings = tokenizer.encode_batch(list(texts[start : start + WINDOW]))
        pieces = [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]
        for rows in _batches([len(ids) for ids in pieces]):
            ids: NDArray[np.int64] = np.stack([pieces[row] for row in rows])
            vectors[[start + row for row in rows]] = session.run(["vectors"], {"ids": ids})[0]
            if progress is not None:
                progress(len(rows))
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
