"""ONNX Runtime as SpreadGuide uses it: on the CPU, and no word to anyone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spreadguide.adapters.onnx_bert import BertModel, multiplication

THREADS = 2
"""Threads that compute; one machine of the kind that SpreadGuide is made for has two cores."""

_EDGE = 64
"""Rows, columns and inner length of the trial product: enough to fill the registers of any processor."""


def open_session(model: Path | bytes | BertModel, *, threads: int = THREADS) -> Any:
    """Return an `onnxruntime.InferenceSession` of a file, a serialised model or a `BertModel`.

    It uses ``threads`` for each call. Raises whatever ONNX Runtime raises when it cannot read the model or finds no
    memory.
    """
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait slow everything down when another process wants the core.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # A plan of memory would be kept for each of the many shapes of a batch.
    options.enable_mem_pattern = False
    if isinstance(model, BertModel):
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in model.weights.values()]
        options.add_external_initializers(list(model.weights), values)
        model = model.graph
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, sess_options=options, providers=["CPUExecutionProvider"])


def integers_are_exact() -> bool:
    """Whether this processor multiplies 8-bit integers without overflow.

    Processors of the x86 family without VNNI add two products in 16 bits, where 2 × 255 × 127 does not fit: the sum
    is cut off, and vectors would be wrong without a sign of it. (The reason for `reduce_range` in ONNX Runtime's
    guide to quantisation.)
    """
    left = np.full((_EDGE, _EDGE), 255, dtype=np.uint8)
    right = np.full((_EDGE, _EDGE), 127, dtype=np.int8)
    product = open_session(multiplication()).run(None, {"left": left, "right": right})[0]
    return bool((product == 255 * 127 * _EDGE).all())
