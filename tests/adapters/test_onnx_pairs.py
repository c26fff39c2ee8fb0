"""The pair graph with small random weights: against the same model in transformers, and what the file holds."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper
from transformers import BertConfig, BertForSequenceClassification

from spreadguide.adapters.onnx_bert import QUANTA, SAFE_QUANTA, BertShape
from spreadguide.adapters.onnx_pairs import pair_model
from spreadguide.adapters.onnx_session import open_session

HIDDEN, WORDS, LAYERS = 32, 60, 2
SHAPE = BertShape(layers=LAYERS, heads=4, positions=16, epsilon=1e-12)

AS_LARGE_AS = 0.06
"""Largest difference of a logit that 8 bits may make, as a share of the spread of all logits."""


def small_bert(loud=None):
    """A model with random weights, biases and norms of its own; channel ``loud`` is large after the first block."""
    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=SHAPE.heads,
        intermediate_size=4 * HIDDEN,
        max_position_embeddings=20,
        num_labels=2,
    )
    model = BertForSequenceClassification(config).eval()
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            middle = 1.0 if name.endswith("LayerNorm.weight") else 0.0
            tensor.copy_(middle + 0.2 * torch.randn(tensor.shape, generator=generator))
        if loud is not None:
            model.bert.encoder.layer[0].output.LayerNorm.bias[loud] = 60.0
    return model


def weights_of(model):
    return {name.removeprefix("bert."): tensor.numpy() for name, tensor in model.state_dict().items()}


def pairs_of_ids(count=40, pieces=9, seed=3):
    """Random word pieces; the second text of each pair begins at another place."""
    random = np.random.default_rng(seed)
    begins = random.integers(1, pieces, count)
    kinds = (np.arange(pieces) >= begins[:, None]).astype(np.int64)
    return random.integers(0, WORDS, (count, pieces)), kinds


def wanted(model, ids, kinds):
    with torch.no_grad():
        found = model(input_ids=torch.from_numpy(ids), token_type_ids=torch.from_numpy(kinds))
    return found.logits.numpy()


@pytest.fixture(scope="module")
def model():
    return small_bert()


@pytest.fixture(scope="module")
def content(model):
    return pair_model(weights_of(model), SHAPE)


@pytest.fixture(scope="module")
def session(content):
    return open_session(content)


@pytest.fixture(scope="module")
def tensors(content):
    return {tensor.name: tensor for tensor in onnx.load_from_string(content).graph.initializer}


def logits(session, ids, kinds):
    return session.run(["logits"], {"ids": ids, "kinds": kinds})[0]


@pytest.mark.parametrize("pieces", [2, 9, SHAPE.positions])
def test_the_logits_are_close_to_those_of_the_model(model, session, pieces):
    ids, kinds = pairs_of_ids(pieces=pieces)
    expected = wanted(model, ids, kinds)
    found = logits(session, ids, kinds)
    assert (found.shape, found.dtype) == ((len(ids), 2), np.float32)
    assert np.abs(found - expected).max() < AS_LARGE_AS * (expected.max() - expected.min())
    for column in (0, 1):
        assert np.corrcoef(found[:, column], expected[:, column])[0, 1] > 0.995
    # In float32 they would be nearly the same: the file must really be the small one.
    assert not np.allclose(found, expected, atol=1e-5)


def test_the_kind_of_a_piece_matters(model, session):
    ids, kinds = pairs_of_ids()
    found, other = logits(session, ids, kinds), logits(session, ids, 1 - kinds)
    expected = wanted(model, ids, kinds) - wanted(model, ids, 1 - kinds)
    assert np.abs(expected).max() > 0.5
    assert np.corrcoef((found - other).ravel(), expected.ravel())[0, 1] > 0.98


def test_a_pair_gets_the_same_logits_alone_and_among_others(session):
    ids, kinds = pairs_of_ids()
    together = logits(session, ids, kinds)
    for place in (0, 17, 39):
        alone = logits(session, ids[place : place + 1], kinds[place : place + 1])[0]
        np.testing.assert_allclose(together[place], alone, atol=1e-5)


def test_no_integer_weight_is_so_large_that_a_processor_overflows(tensors):
    integers = {name: numpy_helper.to_array(tensor) for name, tensor in tensors.items() if name.endswith(".integers")}
    assert len(integers) == 4 * LAYERS  # heads, attended, wide and back of each block
    for name, values in integers.items():
        assert values.dtype == np.int8, name
        assert np.abs(values.astype(int)).max() == SAFE_QUANTA, name
    # The only other integers are the words, which are looked up and never multiplied as integers.
    small = {name for name, tensor in tensors.items() if tensor.data_type == TensorProto.INT8}
    assert small == {*integers, "words"}


def test_the_words_are_kept_in_8_bits_with_a_scale_each(model, tensors):
    words, scales = numpy_helper.to_array(tensors["words"]), numpy_helper.to_array(tensors["word_scales"])
    assert (words.dtype, words.shape) == (np.int8, (WORDS, HIDDEN))
    assert (scales.dtype, scales.shape) == (np.float32, (WORDS, 1))
    assert (np.abs(words.astype(int)).max(axis=1) == QUANTA).all()
    table = weights_of(model)["embeddings.word_embeddings.weight"]
    assert (np.abs(words * scales - table) <= scales * 0.501).all()


def test_a_word_of_zeros_stays_zero(model):
    weights = weights_of(model)
    table = weights["embeddings.word_embeddings.weight"].copy()
    table[0] = 0
    session = open_session(pair_model(weights | {"embeddings.word_embeddings.weight": table}, SHAPE))
    found = logits(session, np.zeros((1, 5), dtype=np.int64), np.zeros((1, 5), dtype=np.int64))
    assert np.isfinite(found).all()


def test_a_large_channel_is_divided_before_it_is_rounded():
    model = small_bert(loud=5)
    ids, kinds = pairs_of_ids(count=200)
    expected = wanted(model, ids, kinds)

    def away(outliers):
        session = open_session(pair_model(weights_of(model), SHAPE, outliers))
        return np.abs(logits(session, ids, kinds) - expected).mean()

    assert away(((5, 6.0),)) < away(()) * 0.85


def test_the_same_weights_give_the_same_bytes(model, content):
    assert pair_model(weights_of(model), SHAPE) == content


@pytest.mark.parametrize(
    "name",
    [
        "embeddings.word_embeddings.weight",
        "embeddings.token_type_embeddings.weight",
        "encoder.layer.1.output.dense.bias",
        "pooler.dense.weight",
        "classifier.bias",
    ],
)
def test_a_missing_weight_is_named(model, name):
    less = {key: value for key, value in weights_of(model).items() if key != name}
    with pytest.raises(KeyError, match=name.replace(".", r"\.")):
        pair_model(less, SHAPE)
