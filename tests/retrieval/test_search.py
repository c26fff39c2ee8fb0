"""The retriever over real FAISS, bm25s and SQLite files."""

from dataclasses import replace

import numpy as np
import pytest
from index_samples import WordEmbedder, build, document, reports

from spreadguide.adapters.index_files import open_index
from spreadguide.retrieval.search import RetrievalSettings, Retriever


@pytest.fixture
def index(tmp_path):
    build(tmp_path)
    found = open_index(tmp_path, embedder_id="words@1")
    yield found
    found.close()


@pytest.fixture
def retriever(index):
    return Retriever(index.dense, index.lexical, index.store, WordEmbedder(), RetrievalSettings())


def test_the_passage_that_answers_comes_first_with_both_ranks(retriever):
    best = retriever.search("How long are partner organisations funded?", 3)[0]
    assert "up to three years" in best.passage.text
    assert best.source.path == "funding.md"
    assert best.ranks == {"dense": 1, "lexical": 1}
    assert best.score == pytest.approx(2 / 61)


def test_a_passage_that_one_retriever_missed_has_one_rank(retriever):
    hits = retriever.search("questionnaire", 10)
    assert set(hits[0].ranks) == {"dense", "lexical"}
    assert {tuple(hit.ranks) for hit in hits[1:]} == {("dense",)}
    assert sorted(hit.ranks["dense"] for hit in hits) == list(range(1, len(hits) + 1))


def test_at_most_k_hits_best_first_and_never_the_same_passage_twice(retriever):
    hits = retriever.search("networks spread programmes", 2)
    assert len(hits) == 2
    assert hits[0].score >= hits[1].score
    assert hits[0].passage.passage_id != hits[1].passage.passage_id


def test_a_question_without_a_known_word_is_searched_by_meaning_alone(retriever):
    assert {tuple(hit.ranks) for hit in retriever.search("zebra crossing", 3)} == {("dense",)}


def test_depth_limits_what_each_retriever_hands_over(index):
    shallow = Retriever(index.dense, index.lexical, index.store, WordEmbedder(), RetrievalSettings(depth=1))
    assert len(shallow.search("trial of wards", 1)) == 1
    assert max(rank for hit in shallow.search("trial of wards", 2) for rank in hit.ranks.values()) <= 2


def test_a_vector_that_the_caller_has_already_is_used(retriever):
    vector = retriever.query_vector("remote monitoring technology")
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert retriever.search("remote monitoring technology", 4) == retriever.search(
        "remote monitoring technology", 4, vector=vector
    )
    assert retriever.search("charity", 4, vector=vector)[0].ranks != retriever.search("charity", 4)[0].ranks


@pytest.mark.parametrize("settings", [{"depth": 0}, {"rrf_k": -1}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match="at least"):
        RetrievalSettings(**settings)


def test_k_must_be_positive(retriever):
    with pytest.raises(ValueError, match="at least 1"):
        retriever.search("wards", 0)


@pytest.fixture
def copies(tmp_path):
    """Three reports: a text, nearly the same text in a newer edition, and in another report's two sections."""
    text = (
        "The nursing service spread to forty hospitals within three years, because each new hospital was given a named "
        "adviser, a handbook and a small grant."
    )
    newer = document("new.md", "Nursing, new edition", "# What happened", text)
    newer = replace(newer, metadata=replace(newer.metadata, supersedes=("old.md",)))
    build(
        tmp_path,
        [
            document("old.md", "Nursing", "# What happened", text),
            newer,
            document("other.md", "A digest", "# Summary", text, "# Conclusion", text),
            *reports(),
        ],
    )
    found = open_index(tmp_path, embedder_id="words@1")
    yield Retriever(found.dense, found.lexical, found.store, WordEmbedder(), RetrievalSettings())
    found.close()


def _paths(hits):
    return [(hit.source.path, [other.path for other in hit.also_in]) for hit in hits if "forty" in hit.passage.text]


def test_the_same_text_is_found_once_also_within_one_report(copies):
    (found,) = _paths(copies.search("forty hospitals and a nursing service", 10))
    assert found in (("new.md", ["other.md"]), ("other.md", ["new.md"]))


def test_a_superseded_report_hides_none_that_stands(copies):
    found = dict(_paths(copies.search("forty hospitals and a nursing service", 10, superseded=True)))
    assert set(found) & {"new.md", "other.md"}
    assert all("old.md" not in others for others in found.values())
