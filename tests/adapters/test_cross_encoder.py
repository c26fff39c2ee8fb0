"""The cross-encoder that ships, with its real file: what it tells apart, what it cuts, and damage."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import numpy as np
import pytest

from spreadguide.adapters import cross_encoder as module
from spreadguide.adapters.cross_encoder import FILE, MAX_PIECES, NICENESS, CrossEncoder
from spreadguide.adapters.onnx_session import THREADS
from spreadguide.errors import ModelCorrupt

MOST_BYTES = 35_000_000
"""Of the file: it is part of the package, and of every copy of the repository."""

PASSAGES = [
    "Starting with others. What adopters need. Teams that take up a service proved elsewhere need protected staff "
    "time, a coach who has done it before, and money for the first year of running both ways of working.",
    "Starting with others. How it was paid for. The foundation gave each of the twelve hospitals £75,000 over two "
    "years; the hospitals added as much from their own budgets.",
    "Starting with others. What went wrong. In five clinics the new service stopped within months, because the nurse "
    "who led it had left and nobody else had been trained.",
    "Starting with others. How it was measured. Researchers compared waiting times in the clinics with those in "
    "thirty similar clinics that had not changed anything.",
]

QUESTIONS = [
    "What support do teams need to adopt a service that was developed somewhere else?",
    "How much funding did each hospital receive?",
    "Why did some clinics give up the new service?",
    "How did the evaluators find out whether waiting times had changed?",
]

CLAIMS = [
    ("Nobody else had been trained when the nurse in charge left, so five clinics stopped the service.", 2),
    ("Each of the twelve hospitals was given £75,000 over two years by the foundation.", 1),
    ("Waiting times were compared with those of thirty similar clinics.", 3),
]


def reading_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("cross-encoder")]


@pytest.fixture(scope="module")
def reader():
    return CrossEncoder()


@pytest.mark.parametrize("place", range(len(QUESTIONS)))
def test_the_passage_that_answers_outranks_the_others(reader, place):
    odds = reader.answers(QUESTIONS[place], PASSAGES)
    assert odds.shape == (len(PASSAGES),)
    assert odds.argmax() == place


@pytest.mark.parametrize(("claim", "place"), CLAIMS)
def test_a_claim_is_supported_by_its_evidence_and_not_by_another_passage(reader, claim, place):
    own, other = reader.supports(claim, [PASSAGES[place], PASSAGES[(place + 1) % len(PASSAGES)]])
    assert own > other
    assert other < 0


def test_answers_and_supports_are_two_different_things(reader):
    text = QUESTIONS[0]
    assert not np.allclose(reader.answers(text, PASSAGES), reader.supports(text, PASSAGES))


def test_no_pairs_give_no_odds(reader):
    for judged in (reader.answers("Who paid?", []), reader.supports("The charity paid.", [])):
        assert judged.shape == (0,)
        assert judged.dtype == np.float32


def test_the_odds_of_a_pair_do_not_depend_on_its_neighbours(reader):
    together = reader.answers(QUESTIONS[1], [PASSAGES[0], "!" * 3000, PASSAGES[1], "", "x"])
    assert np.isfinite(together).all()
    for place, passage in ((0, PASSAGES[0]), (2, PASSAGES[1]), (4, "x")):
        assert together[place] == reader.answers(QUESTIONS[1], [passage])[0]


def test_it_can_be_asked_from_several_threads_at_once():
    reader = CrossEncoder()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda question: reader.answers(question, PASSAGES), QUESTIONS))
    for question, odds in zip(QUESTIONS, found, strict=True):
        np.testing.assert_array_equal(odds, reader.answers(question, PASSAGES))


def test_a_long_passage_is_cut(reader):
    long = " ".join([PASSAGES[1], *["care"] * 2000])
    cut, longer, short = reader.answers(QUESTIONS[1], [long, f"{long} £75,000 for each hospital", PASSAGES[1]])
    assert np.isfinite(cut)
    assert cut == longer
    assert cut != short


@pytest.mark.parametrize("pieces", [MAX_PIECES - 10, MAX_PIECES, 400, 660])
def test_a_long_question_is_cut_and_leaves_room_for_the_passage(reader, pieces):
    # Three characters for each piece: with 660 pieces it is as long as a question may be.
    question = ("Who paid? " + "a1 " * pieces)[:2000]
    filler = "The report describes how twelve hospitals took up the service, and what the staff there said about it. "
    odds = reader.answers(question, [filler + PASSAGES[1], filler + PASSAGES[2]])
    assert np.isfinite(odds).all()
    assert odds[0] != odds[1]


def test_it_is_named_by_its_file(reader):
    assert reader.judge_id == f"spreadguide-cross-encoder@{module.SHA256[:8]}"
    assert len(module.SHA256) == 64


def test_a_damaged_file_is_refused_when_it_is_first_used(monkeypatch):
    monkeypatch.setattr(module, "SHA256", "0" * 64)
    reader = CrossEncoder()
    with pytest.raises(ModelCorrupt, match=FILE) as caught:
        reader.answers("Who paid?", ["The charity paid."])
    assert "make run" in caught.value.hint


def test_the_file_is_small_enough_to_ship():
    size = len((files("spreadguide.adapters") / FILE).read_bytes())
    assert 0 < size <= MOST_BYTES


def test_many_questions_at_once_are_read_by_two_threads_that_stand_back_and_read_the_same(reader):
    alone = [reader.answers(question, PASSAGES) for question in QUESTIONS]
    before = {thread.ident for thread in reading_threads()}
    assert len(before) >= THREADS
    with ThreadPoolExecutor(len(QUESTIONS)) as askers:
        together = list(askers.map(lambda question: reader.answers(question, PASSAGES), QUESTIONS * 4))
    for number, odds in enumerate(together):
        assert (odds == alone[number % len(QUESTIONS)]).all()
    # Other tests' readers may have ended meanwhile; none has begun.
    assert {thread.ident for thread in reading_threads()} <= before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives each thread a priority of its own")
def test_what_reads_leaves_the_processor_to_the_model_that_writes(reader):
    reader.answers(QUESTIONS[0], PASSAGES)
    found = {os.getpriority(os.PRIO_PROCESS, thread.native_id) for thread in reading_threads()}
    assert found == {max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0))}
