"""The graph for ONNX Runtime with small random weights: against a plain NumPy BERT, and the way texts are batched."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from spreadguide.adapters import onnx_documents
from spreadguide.adapters.onnx_bert import BertShape, IntegerLayers, bert_model
from spreadguide.adapters.onnx_documents import embed_in_batches
from spreadguide.adapters.onnx_session import integers_are_exact, open_session

HIDDEN, WIDE, WORDS = 16, 64, 50
SHAPE = BertShape(layers=2, heads=4, positions=12, epsilon=1e-12)
INTEGERS = IntegerLayers(heads=(1,), attended=(0, 1), wide=(0, 1), back=(1,))


@pytest.fixture(scope="module")
def weights():
    random = np.random.default_rng(7)

    def array(*shape):
        return (random.standard_normal(shape) * 0.3).astype(np.float32)

    found = {
        "embeddings.word_embeddings.weight": array(WORDS, HIDDEN),
        "embeddings.position_embeddings.weight": array(20, HIDDEN),
        "embeddings.token_type_embeddings.weight": array(2, HIDDEN),
    }
    norms, linears = ["embeddings.LayerNorm"], {}
    for layer in range(SHAPE.layers):
        name = f"encoder.layer.{layer}"
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            linears[f"{name}.attention.{part}"] = (HIDDEN, HIDDEN)
        linears[f"{name}.intermediate.dense"] = (WIDE, HIDDEN)
        linears[f"{name}.output.dense"] = (HIDDEN, WIDE)
    for name, shape in linears.items():
        found[f"{name}.weight"], found[f"{name}.bias"] = array(*shape), array(shape[0])
    for name in norms:
        found[f"{name}.weight"], found[f"{name}.bias"] = 1 + array(HIDDEN), array(HIDDEN)
    return found


def plain_bert(weights, ids):
    """The model in float64, written from its definition."""

    def linear(name, states):
        return states @ weights[f"{name}.weight"].T.astype(float) + weights[f"{name}.bias"]

    def norm(name, states):
        centred = states - states.mean(axis=-1, keepdims=True)
        return (
            centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True)) * weights[f"{name}.weight"]
            + weights[f"{name}.bias"]
        )

    def heads(states):
        return states.reshape(len(ids), SHAPE.heads, -1).transpose(1, 0, 2)

    erf = np.vectorize(math.erf)
    states = weights["embeddings.word_embeddings.weight"][ids].astype(float)
    states = states + weights["embeddings.position_embeddings.weight"][: len(ids)]
    states = norm("embeddings.LayerNorm", states + weights["embeddings.token_type_embeddings.weight"][0])
    for layer in range(SHAPE.layers):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            heads(linear(f"{name}.attention.self.{part}", states)) for part in ("query", "key", "value")
        )
        shares = np.exp(query @ key.transpose(0, 2, 1) / math.sqrt(HIDDEN / SHAPE.heads))
        mixed = (shares / shares.sum(axis=-1, keepdims=True)) @ value
        context = mixed.transpose(1, 0, 2).reshape(len(ids), HIDDEN)
        states = norm(f"{name}.attention.output.LayerNorm", states + linear(f"{name}.attention.output.dense", context))
        wide = linear(f"{name}.intermediate.dense", states)
        wide = wide * (1 + erf(wide / math.sqrt(2))) / 2
        states = norm(f"{name}.output.LayerNorm", states + linear(f"{name}.output.dense", wide))
    mean = states.mean(axis=0)
    return mean / np.linalg.norm(mean)


in_integers = pytest.mark.skipif(
    not integers_are_exact(),
    reason="this processor cuts off sums of 8-bit products; SpreadGuide uses none of them on it",
)


@pytest.mark.parametrize("ids", [[3], [1, 2, 3, 4, 5], list(range(30, 42))])
def test_the_graph_computes_what_the_definition_says(weights, ids):
    session = open_session(bert_model(weights, SHAPE))
    vectors = session.run(["vectors"], {"ids": np.array([ids, ids[::-1]])})[0]
    np.testing.assert_allclose(vectors[0], plain_bert(weights, ids), atol=1e-5)
    np.testing.assert_allclose(vectors[1], plain_bert(weights, ids[::-1]), atol=1e-5)


@in_integers
def test_with_integers_it_comes_close(weights):
    session = open_session(bert_model(weights, SHAPE, INTEGERS))
    texts = np.random.default_rng(8).integers(0, WORDS, (40, 9))
    vectors = session.run(["vectors"], {"ids": texts})[0]
    expected = np.array([plain_bert(weights, ids) for ids in texts])
    assert (vectors * expected).sum(axis=1).min() > 0.998
    assert not np.allclose(vectors, expected, atol=1e-6)


def test_short_texts_are_computed_in_float32_and_long_ones_in_integers(weights):
    session = open_session(bert_model(weights, SHAPE, replace(INTEGERS, longer_than=8)))
    integers = open_session(bert_model(weights, SHAPE, INTEGERS))
    texts = np.random.default_rng(9).integers(0, WORDS, (10, 9))
    short = session.run(["vectors"], {"ids": texts[:, :8]})[0]
    np.testing.assert_allclose(short, [plain_bert(weights, ids) for ids in texts[:, :8]], atol=1e-5)
    np.testing.assert_array_equal(
        session.run(["vectors"], {"ids": texts})[0], integers.run(["vectors"], {"ids": texts})[0]
    )


@in_integers
def test_a_large_channel_is_divided_before_it_is_rounded(weights):
    loud = {name: value.copy() for name, value in weights.items()}
    loud["encoder.layer.0.output.LayerNorm.bias"][5] = 60
    texts = np.random.default_rng(10).integers(0, WORDS, (40, 9))
    expected = np.array([plain_bert(loud, ids) for ids in texts])

    def farthest(layers):
        vectors = open_session(bert_model(loud, SHAPE, layers)).run(["vectors"], {"ids": texts})[0]
        return 1 - (vectors * expected).sum(axis=1).min()

    of_heads = IntegerLayers(heads=(1,))
    assert farthest(replace(of_heads, outliers=((5, 20.0),))) < farthest(of_heads) / 4


def test_the_same_weights_give_the_same_bytes_and_a_missing_one_is_named(weights):
    first, second = bert_model(weights, SHAPE, INTEGERS), bert_model(weights, SHAPE, INTEGERS)
    assert first.graph == second.graph
    assert {name: value.tobytes() for name, value in first.weights.items()} == {
        name: value.tobytes() for name, value in second.weights.items()
    }
    less = {name: value for name, value in weights.items() if name != "encoder.layer.1.output.dense.bias"}
    with pytest.raises(KeyError, match=r"layer\.1\.output\.dense\.bias"):
        bert_model(less, SHAPE, INTEGERS)


def test_whether_integers_are_exact_can_be_told():
    assert integers_are_exact() in (True, False)


@pytest.fixture
def tokenizer():
    found = Tokenizer(models.WordLevel({str(number): number for number in range(WORDS)}, unk_token="0"))  # noqa: S106 - a word, not a password
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    found.enable_truncation(SHAPE.positions)
    return found


class RecordingSession:
    """A session whose batches are kept."""

    def __init__(self, session):
        self.session, self.shapes = session, []

    def run(self, outputs, inputs):
        self.shapes.append(inputs["ids"].shape)
        return self.session.run(outputs, inputs)


def test_texts_of_one_length_go_together_within_the_budget(weights, tokenizer, monkeypatch):
    monkeypatch.setattr(onnx_documents, "BATCH_TOKENS", 8)
    monkeypatch.setattr(onnx_documents, "WINDOW", 7)
    session = RecordingSession(open_session(bert_model(weights, SHAPE)))
    random = np.random.default_rng(9)
    rows = [random.integers(0, WORDS, length).tolist() for length in (3, 1, 3, 12, 3, 1, 2, 12, 4, 4, 4, 30)]
    texts = [" ".join(map(str, ids)) for ids in rows]
    done = []
    vectors = embed_in_batches(texts, tokenizer, session, HIDDEN, progress=done.append)
    for vector, ids in zip(vectors, rows, strict=True):
        np.testing.assert_allclose(vector, plain_bert(weights, ids[: SHAPE.positions]), atol=1e-5)
    expected = [(1, 12), (2, 3), (1, 3), (1, 2), (2, 1), (1, 12), (1, 12), (2, 4), (1, 4)]
    assert sorted(session.shapes) == sorted(expected)
    assert done == [count for count, _ in expected]


def test_no_texts_need_no_call(tokenizer):
    assert embed_in_batches([], tokenizer, None, HIDDEN).shape == (0, HIDDEN)
