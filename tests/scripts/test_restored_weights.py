"""Training can go on from the file that ships: its weights are read back, and what it adds outlives the rounding."""

import numpy as np
import pytest
from export_cross_encoder import OUTLIERS, SHIPPED
from restored_weights import restored

from spreadguide.adapters.cross_encoder import MAX_PIECES
from spreadguide.adapters.onnx_bert import BertShape, Steps
from spreadguide.adapters.onnx_pairs import pair_model
from spreadguide.adapters.onnx_session import open_session

SHAPE = BertShape(layers=6, heads=12, positions=MAX_PIECES, epsilon=1e-12)
LAYER = "encoder.layer.5.attention.output.dense.weight"


def named(tensors):
    return {name.removeprefix("bert."): tensor for name, tensor in tensors.items()}


@pytest.fixture(scope="module")
def weights():
    return named(restored(SHIPPED, SHAPE.layers))


def logits(content):
    random = np.random.default_rng(5)
    inputs = {"ids": random.integers(1000, 20000, (8, 40)), "kinds": np.repeat([[0] * 12 + [1] * 28], 8, axis=0)}
    return open_session(content).run(["logits"], inputs)[0]


@pytest.mark.parametrize("seed", [None, 7])
def test_a_file_that_is_read_back_and_written_again_says_the_same(weights, seed):
    again = pair_model(weights, SHAPE, OUTLIERS, seed=seed)
    assert np.abs(logits(again) - logits(SHIPPED.read_bytes())).max() < 0.01


def test_what_training_adds_is_lost_without_chance_and_kept_with_it(weights, tmp_path):
    # A fifth of a step: as much as training moved a weight by.
    added = np.abs(weights[LAYER]).max(axis=1, keepdims=True) / 63 / 5
    moved = weights | {LAYER: weights[LAYER] + added * (np.abs(weights[LAYER]) < 0.8 * added * 63 * 5)}

    def kept(seed):
        file = tmp_path / f"{seed}.onnx"
        file.write_bytes(pair_model(moved, SHAPE, OUTLIERS, seed=seed))
        again = named(restored(file, SHAPE.layers))
        return float(((again[LAYER] - weights[LAYER]) / added).mean())

    assert kept(None) == pytest.approx(0.0, abs=0.02)
    assert kept(7) == pytest.approx(1.0, abs=0.05)


def test_chance_leaves_a_weight_on_a_step_where_it_is():
    exact = np.arange(-63.0, 64.0)[None].astype(np.float32)
    assert Steps(63, seed=1).rounded("layer", exact).tolist() == exact.tolist()


def test_chance_is_the_same_for_a_seed_and_a_layer_and_never_leaves_the_steps():
    exact = np.full((40, 40), 62.7, dtype=np.float32)
    first, again, other = (Steps(63, seed=1).rounded(name, exact) for name in ("one", "one", "two"))
    assert (first == again).all()
    assert (first != other).any()
    assert set(np.unique(first)) == {62, 63}
