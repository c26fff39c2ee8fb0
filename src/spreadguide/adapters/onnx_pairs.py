"""A BERT cross-encoder as an ONNX file with 8-bit weights: two texts in, one logit per output.

`pair_model` is called once, when a trained model is exported (scripts/export_cross_encoder.py); the file ships. Weights
have so few steps that no processor overflows (see `onnx_bert.SAFE_QUANTA`), so one file is right everywhere. Word
embeddings are kept in 8 bits, too, with one scale per word.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spreadguide.adapters.onnx_bert import (
    FUSED,
    IR_VERSION,
    OPSET,
    QUANTA,
    SAFE_QUANTA,
    BertShape,
    Graph,
    IntegerLayers,
    Steps,
    Weights,
    block,
    constants,
    linear,
)


def pair_model(
    weights: Weights, shape: BertShape, outliers: tuple[tuple[int, float], ...] = (), *, seed: int | None = None
) -> bytes:
    """Return a serialised ONNX model of `BertForSequenceClassification` weights.

    Inputs ``ids`` and ``kinds`` are int64 of shape ``(pairs, pieces)``, all pairs of one length, because nothing is
    masked; ``kinds`` is 0 for the first text and 1 for the second. Output ``logits`` is float32 of shape
    ``(pairs, outputs)``. ``outliers`` as in `IntegerLayers`, ``seed`` as in `Steps`. Raises `KeyError` when a weight is
    missing.
    """
    from onnx import TensorProto, helper

    every = tuple(range(shape.layers))
    integers = IntegerLayers(every, every, every, every, outliers, Steps(SAFE_QUANTA, seed))
    graph = Graph()
    states = _embeddings(graph, weights, shape)
    for layer in every:
        states = block(graph, weights, shape, layer, states, integers)
    first = graph.add("Gather", states, graph.constant("first_piece", np.array(0)), axis=1)
    pooled = linear(graph, "pooler", first, weights["pooler.dense.weight"], weights["pooler.dense.bias"])
    logits = linear(
        graph, "outputs", graph.add("Tanh", pooled), weights["classifier.weight"], weights["classifier.bias"]
    )
    graph.nodes.append(helper.make_node("Identity", [logits], ["logits"]))
    count = weights["classifier.bias"].size
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "cross_encoder",
            [
                helper.make_tensor_value_info("ids", TensorProto.INT64, ["pairs", "pieces"]),
                helper.make_tensor_value_info("kinds", TensorProto.INT64, ["pairs", "pieces"]),
            ],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["pairs", count])],
            list(graph.tensors.values()),
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, 1)],
        ir_version=IR_VERSION,
    )
    serialised: bytes = model.SerializeToString()
    return serialised


def _embeddings(graph: Graph, weights: Weights, shape: BertShape) -> str:
    """Words, positions and kinds, added and normalised."""
    words, scales = _rounded(weights["embeddings.word_embeddings.weight"])
    rows = graph.add("Cast", graph.add("Gather", graph.constant("words", words), "ids"), to=1)
    worded = graph.add("Mul", rows, graph.add("Gather", graph.constant("word_scales", scales), "ids"))
    kinds = graph.constant("kinds_table", weights["embeddings.token_type_embeddings.weight"])
    first = graph.constant("first", np.array([0]))
    length = graph.add("Shape", "ids", start=1, end=2)
    table = graph.constant("positions", weights["embeddings.position_embeddings.weight"][: shape.positions])
    total = graph.add("Add", worded, graph.add("Slice", table, first, length, first))
    total = graph.add("Add", total, graph.add("Gather", kinds, "kinds"))
    gain, offset = constants(graph, weights, "embeddings.LayerNorm")
    return graph.add("LayerNormalization", total, gain, offset, axis=-1, epsilon=shape.epsilon)


def _rounded(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return a table in 8 bits with the scale of each row, of shape ``(rows, 1)``."""
    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True), np.float32(1e-12)) / np.float32(QUANTA)
    return np.rint(table / scales).astype(np.int8), scales.astype(np.float32)
