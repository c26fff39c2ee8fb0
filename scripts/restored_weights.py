"""Reads the weights of the shipped cross-encoder back, so that training can go on from the file itself.

The inverse of `spreadguide.adapters.onnx_pairs.pair_model`: 8-bit integers times their scales, and what was moved from
the states into the weights (`IntegerLayers.outliers`, the gain before the feed-forward) taken out again. What rounding
took is lost.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

Tensors = dict[str, NDArray[np.float32]]


def restored(file: Path, layers: int) -> Tensors:
    """Return the tensors of ``file`` under the names of `BertForSequenceClassification`.

    Positions beyond the longest input of the file are not in it: that tensor has fewer rows. Raises `KeyError` when
    the file was not made by `pair_model` with ``layers`` layers.
    """
    model = onnx.load_model_from_string(file.read_bytes())
    kept = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found: Tensors = {
        "bert.embeddings.word_embeddings.weight": kept["words"].astype(np.float32) * kept["word_scales"],
        "bert.embeddings.position_embeddings.weight": kept["positions"],
        "bert.embeddings.token_type_embeddings.weight": kept["kinds_table"],
        "bert.pooler.dense.weight": kept["pooler.weight"].T,
        "bert.pooler.dense.bias": kept["pooler.bias"],
        "classifier.weight": kept["outputs.weight"].T,
        "classifier.bias": kept["outputs.bias"],
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(layers):
        name = f"encoder.layer.{layer}"
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
        heads = _product(kept, f"{name}.heads") / kept["outliers"]
        parts = zip(np.split(heads, 3), np.split(kept[f"{name}.heads.bias"], 3), strict=True)
        for part, (weight, bias) in zip(("query", "key", "value"), parts, strict=True):
            found[f"bert.{name}.attention.self.{part}.weight"] = weight
            found[f"bert.{name}.attention.self.{part}.bias"] = bias
        for stored, original, gain in (
            ("attended", "attention.output", None),
            ("wide", "intermediate", kept[f"{name}.gain"]),
            ("back", "output", None),
        ):
            weight = _product(kept, f"{name}.{stored}")
            found[f"bert.{name}.{original}.dense.weight"] = weight if gain is None else weight / gain
            found[f"bert.{name}.{original}.dense.bias"] = kept[f"{name}.{stored}.bias"]
    for norm in norms:
        for part in ("weight", "bias"):
            found[f"bert.{norm}.{part}"] = kept[f"{norm}.{part}"]
    return {name: np.array(tensor, dtype=np.float32, order="C") for name, tensor in found.items()}


def _product(kept: dict[str, NDArray[np.float32]], name: str) -> NDArray[np.float32]:
    """Return a weight of shape ``(out, in)`` from its integers and the scale of each output."""
    weight: NDArray[np.float32] = kept[f"{name}.integers"].T.astype(np.float32) * kept[f"{name}.scale"][:, None]
    return weight
