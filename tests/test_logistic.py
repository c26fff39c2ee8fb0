"""Logistic regressions: the sum, its limits, and the files that ship."""

import json
import math
import sys
from importlib.resources import files

import pytest
from index_samples import WordEmbedder, build

from spreadguide.adapters.index_files import open_index
from spreadguide.answering import gate, verification
from spreadguide.answering.evidence import EvidenceSettings, ask_for, gather
from spreadguide.answering.verification import Premise, check
from spreadguide.answering.wanted import parts
from spreadguide.logistic import Logistic, load, load_fitted
from spreadguide.retrieval.search import RetrievalSettings, Retriever

QUESTION = "How long are partner organisations funded?"


def test_the_probability_is_what_the_formula_says():
    regression = Logistic({"near": 2.0, "missing": -1.0}, bias=0.5, least=0.5, even=0.5)
    # 0.5 + 2 × 1 − 1 × 3 = −0.5, and 1 ÷ (1 + e^0.5) = 0.377541
    assert regression.probability({"near": 1.0, "missing": 3.0}) == pytest.approx(0.377541, abs=1e-6)
    # 0.5 + 2 × 0.25 − 1 × 0 = 1, and 1 ÷ (1 + e^−1) = 0.731059
    assert regression.probability({"near": 0.25, "missing": 0.0}) == pytest.approx(0.731059, abs=1e-6)


def test_a_model_of_embeddings_is_read_for_its_own_embedder_only():
    assert load_fitted("answering/shape.json", "another@00000000") is None
    embedder_id = json.loads((files("spreadguide") / "answering/shape.json").read_text("utf-8"))["embedder"]
    found = load_fitted("answering/shape.json", embedder_id)
    assert found is not None
    assert found["embedder"] == embedder_id


def test_signals_without_a_weight_do_not_count():
    regression = Logistic({"near": 1.0}, bias=-1.0, least=0.5, even=0.5)
    assert regression.probability({"near": 1.0, "else": 99.0}) == 0.5


def test_a_missing_signal_is_named():
    regression = Logistic({"near": 1.0, "missing": 1.0}, bias=0.0, least=0.5, even=0.5)
    with pytest.raises(KeyError, match="missing"):
        regression.probability({"near": 1.0})


@pytest.mark.parametrize("value", [1e3, 1e9, sys.float_info.max, math.inf])
def test_extreme_values_neither_overflow_nor_leave_the_range(value):
    regression = Logistic({"near": 1.0}, bias=0.0, least=0.5, even=0.5)
    most, least = regression.probability({"near": value}), regression.probability({"near": -value})
    assert 0.0 < least < 1e-20
    assert most == pytest.approx(1.0, abs=1e-15)
    assert most <= 1.0


@pytest.fixture(scope="module")
def gate_signals(tmp_path_factory):
    """What the gate finds for a question that a small real index answers."""
    folder = tmp_path_factory.mktemp("index")
    build(folder)
    index = open_index(folder, embedder_id="words@1")
    retriever = Retriever(index.dense, index.lexical, index.store, WordEmbedder(), RetrievalSettings())
    hits = retriever.search(QUESTION, 5)
    settings = EvidenceSettings()
    vector = retriever.query_vector(QUESTION)
    ask = ask_for(parts(QUESTION)[0], QUESTION, vector, QUESTION, lambda _: 1.0, settings)
    found = gate.signals(ask, gather(ask, hits, index.store, settings), [1.0, -2.0], hits, index.store)
    index.close()
    return found


def test_the_passages_read_whole_count_by_the_best_and_by_their_mean(gate_signals):
    assert gate_signals["answers_passage"] == 1.0
    assert gate_signals["answers_passages"] == -0.5
    assert gate_signals[gate.PASSAGES] > 1


@pytest.mark.parametrize(("passages", "file"), [(1, gate.WEIGHTS_OF_ONE), (2, gate.WEIGHTS), (12, gate.WEIGHTS)])
def test_a_single_passage_is_judged_by_a_regression_of_its_own(passages, file):
    assert gate.weights_for(passages) == file


@pytest.mark.parametrize("file", [gate.WEIGHTS, gate.WEIGHTS_OF_ONE])
def test_the_gate_reads_only_signals_that_there_are(gate_signals, file):
    regression = load(file)
    assert regression.weights
    assert regression.weights.keys() <= gate_signals.keys()
    assert 0 < regression.least < 1
    assert 0 <= regression.probability(gate_signals) <= 1


def test_the_verifier_reads_only_signals_that_there_are():
    regression = load(verification.WEIGHTS)
    premise = Premise("The charity funds partner organisations for up to three years.", title="Money")
    signals = check("Partner organisations get money for up to three years.", premise, 0.8, odds=2.0).signals
    assert regression.weights
    assert regression.weights.keys() <= signals.keys()
    assert 0 < regression.least < 1


@pytest.mark.parametrize(
    ("file", "name"),
    [(gate.WEIGHTS, "answers_passage"), (gate.WEIGHTS_OF_ONE, "answers_passage"), (verification.WEIGHTS, "odds")],
)
def test_what_the_cross_encoder_says_counts_in_favour(file, name):
    assert load(file).weights[name] > 0


def test_what_was_loaded_cannot_be_changed():
    with pytest.raises(TypeError):
        load(gate.WEIGHTS).weights["answers_passage"] = 0.0
