"""A BERT encoder as an ONNX graph, made from its weights each time it is needed: no exported file to keep or to check.

Written for ONNX Runtime on a CPU. Attention and normalisation are one operator each. Chosen linear layers are computed
with 8-bit integers:

- A weight has one scale per output, an activation one scale per token, so that no text depends on its neighbours.
- What enters the first half of the feed-forward is divided by the gain of the normalisation before it, and the
  weights are multiplied by it. That takes out the few large channels that would use up the 8 bits (the idea of
  SmoothQuant, arXiv 2211.10438, with the gain in place of a calibration set).
- What enters query, key and value is divided by what `IntegerLayers.outliers` says, for the same reason: there the gain
  does not show which channels are large.
- What enters the second half comes from GELU, which is never below -0.17: nearly all steps go to its positive side.

A text of a few word pieces has little to average over, so that its vector shows each rounding. Short texts can be
computed in float32 by the same model, which then chooses one of two branches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET = 18
"""ONNX operators used; ONNX Runtime knows them since 1.14."""
IR_VERSION = 9
"""File format; understood by every ONNX Runtime that knows `OPSET`."""
FUSED = "com.microsoft"
"""Domain of ONNX Runtime's own operators."""

QUANTA = 127
"""Steps of a signed 8-bit weight on either side of zero."""

SAFE_QUANTA = 63
"""Steps of a weight that no processor can overflow with: the sum of two products of 255 and 63 fits in 16 bits."""

DITHER = 0.499
"""Most steps that chance adds to a weight or takes from it; a weight on a step stays there, whatever its last digit."""

BESIDE = 4096
"""Bytes; what shapes are worked out from is smaller, and has to stand in the model."""

Weights = Mapping[str, NDArray[np.float32]]
"""Tensors by the names that the Hugging Face `BertModel` gives them."""


@dataclass(frozen=True, slots=True)
class BertShape:
    """What the weights alone do not tell."""

    layers: int
    heads: int
    positions: int
    """Longest text in word pieces."""
    epsilon: float
    """Added to the variance by each normalisation."""


@dataclass(frozen=True, slots=True)
class Steps:
    """How a weight becomes an integer."""

    quanta: int = QUANTA
    """Steps on either side of zero."""
    seed: int | None = None
    """Where given, a weight goes up or down at random, to the nearer step more often: on average it stays what it was.

    Needed where training went on from rounded weights: what it added is mostly less than half a step, and to the
    nearest step all of it would be lost.
    """

    def rounded(self, name: str, exact: NDArray[np.float32]) -> NDArray[np.int8]:
        """Return weights that are given in steps as integers; ``name`` makes the chance of each layer its own."""
        if self.seed is not None:
            chance = np.random.default_rng([self.seed, *name.encode()])
            exact = exact + chance.uniform(-DITHER, DITHER, exact.shape).astype(np.float32)
        return np.clip(np.rint(exact), -self.quanta, self.quanta).astype(np.int8)


@dataclass(frozen=True, slots=True)
class IntegerLayers:
    """The blocks, counted from 0, whose layer of each kind is computed in integers."""

    heads: tuple[int, ...] = ()
    """Query, key and value."""
    attended: tuple[int, ...] = ()
    """Output of attention."""
    wide: tuple[int, ...] = ()
    """First half of the feed-forward."""
    back: tuple[int, ...] = ()
    """Second half of the feed-forward."""
    outliers: tuple[tuple[int, float], ...] = ()
    """Channels of the states that are far larger than the others, each with what it is divided by before it is rounded
    for ``heads``."""
    steps: Steps = Steps()
    longer_than: int = 0
    """Word pieces; texts of so many, or fewer, are computed in float32 throughout."""


@dataclass(frozen=True, slots=True, eq=False)
class BertModel:
    """A model whose large tensors stand beside it, so that nobody copies them before ONNX Runtime does."""

    graph: bytes
    """The serialised model; it names the tensors of ``weights`` as external data."""
    weights: Mapping[str, NDArray[Any]]


NO_INTEGERS = IntegerLayers()
"""All in float32."""


@dataclass(frozen=True, slots=True)
class _Range:
    """How the activations of one token become unsigned 8-bit integers."""

    name: str
    zero: int
    """The integer that stands for 0."""
    above: int
    """Steps from 0 to the token's largest value."""
    least: float
    """A token whose largest value is smaller than this is treated as if it were this."""
    both_sides: bool
    """Whether negative values are as large as positive ones."""


SIGNED = _Range("signed", zero=128, above=127, least=1e-6, both_sides=True)
AFTER_GELU = _Range("after_gelu", zero=16, above=239, least=0.17 * 239 / 16, both_sides=False)
"""The lowest value of GELU is -0.17, which lies 16 steps below 0 where the largest value is ``least``."""


def bert_model(weights: Weights, shape: BertShape, integers: IntegerLayers = NO_INTEGERS) -> BertModel:
    """Return an ONNX model: word pieces in, vectors of unit length out.

    Input ``ids`` is int64 of shape ``(texts, pieces)``, all texts of the same length, because nothing is masked.
    Output ``vectors`` is float32 of shape ``(texts, hidden)``: the mean of the tokens' last states, divided by its
    length. Raises `KeyError` when a weight is missing.
    """
    from onnx import TensorProto, helper

    graph = Graph(beside={})
    hidden = weights["embeddings.LayerNorm.weight"].size
    if integers.longer_than:
        branches = {}
        for name, layers in (("then_branch", integers), ("else_branch", NO_INTEGERS)):
            branch = Graph(tensors=graph.tensors, beside=graph.beside, prefix=f"{name}_")
            _encoder(branch, weights, shape, layers, f"{name}_vectors")
            output = helper.make_tensor_value_info(f"{name}_vectors", TensorProto.FLOAT, ["texts", hidden])
            branches[name] = helper.make_graph(branch.nodes, name, [], [output])
        limit = graph.constant("longer_than", np.array([integers.longer_than]))
        longer = graph.add("Greater", graph.add("Shape", "ids", start=1, end=2), limit)
        graph.nodes.append(helper.make_node("If", [longer], ["vectors"], **branches))
    else:
        _encoder(graph, weights, shape, integers, "vectors")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "bert",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "pieces"])],
            [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", hidden])],
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, 1)],
        ir_version=IR_VERSION,
    )
    model.graph.initializer.extend(graph.tensors.values())  # last: each step before copies what it is given
    return BertModel(model.SerializeToString(), graph.beside or {})


def multiplication() -> bytes:
    """Return a model that multiplies 8-bit integers ``left`` (unsigned) and ``right`` (signed) to ``product``.

    It shows whether this processor does so exactly; see `onnx_session.integers_are_exact`.
    """
    from onnx import TensorProto, helper

    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("MatMulInteger", ["left", "right"], ["product"])],
            "multiplication",
            [
                helper.make_tensor_value_info("left", TensorProto.UINT8, ["rows", "inner"]),
                helper.make_tensor_value_info("right", TensorProto.INT8, ["inner", "columns"]),
            ],
            [helper.make_tensor_value_info("product", TensorProto.INT32, ["rows", "columns"])],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    serialised: bytes = model.SerializeToString()
    return serialised


@dataclass(slots=True)
class Graph:
    """Operators and constants in the making; every value has a name of its own."""

    nodes: list[Any] = field(default_factory=list)
    tensors: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, NDArray[Any]] | None = None
    """Tensors of `BESIDE` bytes and more, where these are wanted beside the model and not in it."""
    prefix: str = ""
    """Begins the name of every value, so that two branches have none in common."""

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Hold ``value`` under ``name``, once, and return the name."""
        from onnx import numpy_helper

        if name not in self.tensors:
            whole = np.ascontiguousarray(value).reshape(value.shape)
            if self.beside is None or whole.nbytes < BESIDE:
                self.tensors[name] = numpy_helper.from_array(whole, name)
            else:
                self.tensors[name] = _external(name, whole)
                self.beside[name] = whole
        return name

    def add_all(self, operator: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any) -> list[str]:
        """Append one operator and return the names of its outputs."""
        from onnx import helper

        names = [f"{self.prefix}{operator}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, domain=domain, **attributes))
        return names

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Append one operator with one output and return the output's name."""
        return self.add_all(operator, *inputs, outputs=1, domain=domain, **attributes)[0]


def _external(name: str, value: NDArray[Any]) -> Any:
    """Return a tensor that only says where its values are: in a file of its own name, which need not be there."""
    from onnx import TensorProto, helper

    kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    tensor = TensorProto(name=name, data_type=kind, dims=value.shape, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=name)
    return tensor


def _encoder(graph: Graph, weights: Weights, shape: BertShape, integers: IntegerLayers, output: str) -> None:
    """Everything from ``ids`` to vectors of unit length, under the name ``output``."""
    from onnx import helper

    last = _embeddings(graph, weights, shape)
    for layer in range(shape.layers):
        last = block(graph, weights, shape, layer, last, integers)
    mean = graph.add("ReduceMean", last, graph.constant("tokens", np.array([1])), keepdims=0)
    graph.nodes.append(helper.make_node("LpNormalization", [mean], [output], axis=-1, p=2))


def _embeddings(graph: Graph, weights: Weights, shape: BertShape) -> str:
    """Words plus positions, normalised; the one kind of segment is added to the positions beforehand."""
    words = graph.constant("words", weights["embeddings.word_embeddings.weight"])
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    positions = weights["embeddings.position_embeddings.weight"][: shape.positions] + segment
    first = graph.constant("first", np.array([0]))
    length = graph.add("Shape", "ids", start=1, end=2)
    rows = graph.add("Slice", graph.constant("positions", positions), first, length, first)
    total = graph.add("Add", graph.add("Gather", words, "ids"), rows)
    gain, offset = constants(graph, weights, "embeddings.LayerNorm")
    return graph.add("LayerNormalization", total, gain, offset, axis=-1, epsilon=shape.epsilon)


def block(graph: Graph, weights: Weights, shape: BertShape, layer: int, states: str, integers: IntegerLayers) -> str:
    """One encoder block: attention, then the feed-forward layers, each added to its input and normalised."""
    name = f"encoder.layer.{layer}"
    heads = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
    weight = np.concatenate([weights[f"{part}.weight"] for part in heads])
    bias = np.concatenate([weights[f"{part}.bias"] for part in heads])
    if layer in integers.heads:
        divisors = np.ones(weight.shape[1], dtype=np.float32)
        for channel, divisor in integers.outliers:
            divisors[channel] = divisor
        evened = graph.add("Div", states, graph.constant("outliers", divisors)) if integers.outliers else states
        joint = linear(graph, f"{name}.heads", evened, weight * divisors, bias, SIGNED, integers.steps)
    else:
        joint = linear(graph, f"{name}.heads", states, weight, bias)
    parts = graph.add_all("Split", joint, outputs=3, axis=-1, num_outputs=3)
    context = graph.add("MultiHeadAttention", *parts, domain=FUSED, num_heads=shape.heads)

    weight, bias = _pair(weights, f"{name}.attention.output.dense")
    to = SIGNED if layer in integers.attended else None
    attended = linear(graph, f"{name}.attended", context, weight, bias, to, integers.steps)
    states = _residual(graph, weights, shape, f"{name}.attention.output.LayerNorm", attended, states)

    wide = graph.add("Gelu", _widened(graph, weights, layer, states, integers), domain=FUSED)
    weight, bias = _pair(weights, f"{name}.output.dense")
    to = AFTER_GELU if layer in integers.back else None
    back = linear(graph, f"{name}.back", wide, weight, bias, to, integers.steps)
    return _residual(graph, weights, shape, f"{name}.output.LayerNorm", back, states)


def _widened(graph: Graph, weights: Weights, layer: int, states: str, integers: IntegerLayers) -> str:
    name = f"encoder.layer.{layer}"
    weight, bias = _pair(weights, f"{name}.intermediate.dense")
    if layer not in integers.wide:
        return linear(graph, f"{name}.wide", states, weight, bias)
    gain = np.abs(weights[f"{name}.attention.output.LayerNorm.weight"])
    evened = graph.add("Div", states, graph.constant(f"{name}.gain", gain))
    return linear(graph, f"{name}.wide", evened, weight * gain, bias, SIGNED, integers.steps)


def _residual(graph: Graph, weights: Weights, shape: BertShape, name: str, new: str, old: str) -> str:
    gain, offset = constants(graph, weights, name)
    return graph.add("SkipLayerNormalization", new, old, gain, offset, domain=FUSED, epsilon=shape.epsilon)


def linear(
    graph: Graph,
    name: str,
    states: str,
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    integers: _Range | None = None,
    steps: Steps = Steps(),
) -> str:
    """``states`` times ``weight`` plus ``bias``, in float32 or in the given range of integers."""
    if integers is None:
        product = graph.add("MatMul", states, graph.constant(f"{name}.weight", weight.T))
    else:
        product = _product8(graph, name, states, weight, integers, steps)
    return graph.add("Add", product, graph.constant(f"{name}.bias", bias))


def _product8(graph: Graph, name: str, states: str, weight: NDArray[np.float32], to: _Range, steps: Steps) -> str:
    """The product in 8-bit integers: each token is divided by its largest value, rounded, multiplied, brought back."""
    scale = np.abs(weight).max(axis=1) / np.float32(steps.quanta)
    rounded = steps.rounded(name, weight / scale[:, None])
    step = graph.constant(f"{to.name}.step", np.array(1 / to.above, dtype=np.float32))
    zero = graph.constant(f"{to.name}.zero", np.array(to.zero, dtype=np.uint8))
    least = graph.constant(f"{to.name}.least", np.array(to.least, dtype=np.float32))
    sizes = graph.add("Abs", states) if to.both_sides else states
    last_axis = graph.constant("last_axis", np.array([-1]))
    largest = graph.add("Max", graph.add("ReduceMax", sizes, last_axis, keepdims=1), least)
    evened = graph.add("Mul", states, graph.add("Reciprocal", largest))
    product = graph.add(
        "MatMulIntegerToFloat",
        graph.add("QuantizeLinear", evened, step, zero),
        graph.constant(f"{name}.integers", rounded.T),
        step,
        graph.constant(f"{name}.scale", scale),
        zero,
        domain=FUSED,
    )
    return graph.add("Mul", product, largest)


def _pair(weights: Weights, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def constants(graph: Graph, weights: Weights, name: str) -> tuple[str, str]:
    """Hold weight and bias of one normalisation and return their names."""
    weight, bias = _pair(weights, name)
    return graph.constant(f"{name}.weight", weight), graph.constant(f"{name}.bias", bias)
