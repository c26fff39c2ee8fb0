"""The generator's process under every fault that can be arranged, with a scripted child in llama.cpp's place."""

import subprocess
import sys
import threading

import pytest
from llama_helpers import PATIENCE, SCRIPTED_CHILD, ask, is_running, ready, told, wait_until

from spreadguide.adapters.llama_process import LlamaProcess
from spreadguide.adapters.llama_requests import FIRST_TURN_SECONDS, LEAST_LEFT_SECONDS
from spreadguide.adapters.llama_settings import GeneratorStatus, LlamaSettings, usable_cores
from spreadguide.errors import ConfigError, GeneratorUnavailable
from spreadguide.types import Draft, FinishReason, Queued


def written(process, text):
    *_, draft = process.generate(ask(text), max_tokens=5)
    return draft.text


def ends(caplog):
    """Return how often the supervisor said that the crashing child has ended."""
    return len([message for message in caplog.messages if "exit code 3" in message])


def test_it_answers_with_pieces_and_then_one_draft(scripted):
    process = ready(scripted())
    assert list(process.generate(ask("hello"), max_tokens=5)) == ["hello", Draft("hello", FinishReason.STOP, 3, 1, 2)]
    assert process.count_tokens(["a b", "c"]) == [2, 1]
    assert process.count_tokens([]) == []
    assert process.context_tokens == 512


def test_before_the_start_every_call_says_why_it_cannot_be_done(scripted):
    process = scripted()
    assert not process.ready
    with pytest.raises(GeneratorUnavailable, match="not been started"):
        next(process.generate(ask("hello"), max_tokens=5))
    with pytest.raises(GeneratorUnavailable, match="not been started"):
        process.count_tokens(["a"])


def test_a_missing_file_is_noticed_when_it_arrives(tmp_path):
    command = [sys.executable, str(SCRIPTED_CHILD), "good"]
    model = tmp_path / "later.gguf"
    process = LlamaProcess(model, "later", chat_format=None, settings=LlamaSettings(), command=command)
    try:
        process.start()
        assert process.state.status is GeneratorStatus.MISSING
        assert "not on this machine" in process.state.reason
        assert process.state.hint
        assert not process.wait_ready(PATIENCE)
        model.write_bytes(b"GGUF")
        ready(process)
    finally:
        process.close()


def test_an_unknown_chat_format_is_refused_at_once(tmp_path):
    with pytest.raises(ConfigError, match="no chat format called tulip"):
        LlamaProcess(tmp_path / "m.gguf", "m", chat_format="tulip", settings=LlamaSettings())


def test_a_child_that_cannot_start_is_left_alone_for_longer_and_longer(scripted, caplog):
    process = scripted("crash", restart_wait=0.01, longest_restart_wait=PATIENCE)
    process.start()
    state = told(process, "number 5 in a row")
    assert state.status is GeneratorStatus.CRASHED
    assert "exit code 3" in state.reason
    assert "spreadguide doctor" in state.hint
    assert ends(caplog) >= 5


def test_while_it_waits_it_starts_nothing_and_can_be_closed(scripted, caplog):
    process = scripted("crash", restart_wait=PATIENCE, longest_restart_wait=PATIENCE)
    process.start()
    wait_until(lambda: ends(caplog) == 2 and process.state.status is GeneratorStatus.CRASHED)
    process.start()
    assert process.state.status is GeneratorStatus.CRASHED
    assert process.pid is None
    process.close()
    assert process.state.status is GeneratorStatus.MISSING
    assert ends(caplog) == 2


def test_a_load_that_takes_too_long_is_ended(scripted, caplog):
    process = scripted("never", start_timeout=0.5)
    process.start()
    wait_until(lambda: any("did not load in time" in message for message in caplog.messages))


@pytest.mark.parametrize("fault", ["die", "garbage"])
def test_a_child_that_ends_in_the_middle_fails_that_request_only(scripted, fault):
    process = ready(scripted())
    first = process.pid
    with pytest.raises(GeneratorUnavailable) as caught:
        list(process.generate(ask(fault), max_tokens=5))
    assert caught.value.hint
    assert process.wait_ready(PATIENCE)
    assert process.pid != first
    assert written(process, "again") == "again"


def test_a_child_that_ends_ten_times_comes_back_each_time(scripted):
    process = ready(scripted(restart_wait=0.01, longest_restart_wait=0.05))
    for _ in range(10):
        with pytest.raises(GeneratorUnavailable):
            list(process.generate(ask("die"), max_tokens=5))
        wait_until(lambda: process.ready)
        assert written(process, "again") == "again"


def test_a_silent_child_is_replaced(scripted, caplog):
    process = ready(scripted(stall_timeout=0.5))
    first = process.pid
    pieces = process.generate(ask("stall"), max_tokens=5)
    assert next(pieces) == "one"
    with pytest.raises(GeneratorUnavailable, match="silent"):
        next(pieces)
    wait_until(lambda: process.ready and process.pid != first)
    assert any("fell silent" in message for message in caplog.messages)
    assert written(process, "again") == "again"


def test_an_error_for_one_request_leaves_the_child_alone(scripted):
    process = ready(scripted())
    first = process.pid
    with pytest.raises(GeneratorUnavailable, match="too long"):
        list(process.generate(ask("long"), max_tokens=5))
    assert process.ready
    assert process.pid == first


def test_cancelling_ends_the_request_with_what_was_written(scripted):
    process = ready(scripted())
    cancel = threading.Event()
    pieces = process.generate(ask("hold"), max_tokens=5, cancelled=cancel.is_set)
    assert next(pieces) == "one"
    cancel.set()
    assert list(pieces) == [Draft("one", FinishReason.CANCELLED, 3, 1, 2)]


def test_closing_the_iterator_frees_the_turn(scripted):
    process = ready(scripted(max_queue=0))
    pieces = process.generate(ask("hold"), max_tokens=5)
    next(pieces)
    pieces.close()
    assert written(process, "next") == "next"


def test_the_queue_has_a_bound_and_keeps_its_order(scripted):
    process = ready(scripted(max_queue=2))
    holding = process.generate(ask("hold"), max_tokens=5)
    next(holding)
    first, second = (process.generate(ask(text), max_tokens=5) for text in ("hold", "second"))
    assert [next(one).place for one in (first, second)] == [1, 2]
    with pytest.raises(GeneratorUnavailable, match="busy"):
        next(process.generate(ask("third"), max_tokens=5))
    holding.close()
    assert next(first) == "one"
    assert process.waiting == 1
    first.close()
    assert [piece for piece in second if isinstance(piece, str)] == ["second"]


def test_those_who_wait_are_told_their_place_and_about_how_long(scripted):
    process = ready(scripted(max_queue=2))
    holding = process.generate(ask("hold"), max_tokens=5)
    assert next(holding) == "one"
    one, other = (process.generate(ask(text), max_tokens=5) for text in ("hold", "last"))
    first, second = next(one), next(other)
    assert (first.place, second.place) == (1, 2)
    assert LEAST_LEFT_SECONDS <= first.expected_seconds <= FIRST_TURN_SECONDS
    assert second.expected_seconds > FIRST_TURN_SECONDS
    holding.close()
    assert next(one) == "one"
    moved = next(other)
    assert moved.place == 1
    # The turn that has just ended was short, so the next ones are expected to be shorter, too.
    assert moved.expected_seconds < first.expected_seconds
    one.close()
    assert next(other) == "last"
    other.close()


def test_a_turn_that_lasts_longer_than_usual_is_expected_to_end_soon(scripted):
    process = ready(scripted())
    for _ in range(20):
        written(process, "short")
    holding = process.generate(ask("hold"), max_tokens=5)
    next(holding)
    waiting = process.generate(ask("next"), max_tokens=5)
    assert next(waiting) == Queued(1, LEAST_LEFT_SECONDS)
    waiting.close()
    assert process.waiting == 0
    holding.close()


def test_a_request_can_be_cancelled_while_it_waits(scripted):
    process = ready(scripted())
    holding = process.generate(ask("hold"), max_tokens=5)
    next(holding)
    assert list(process.generate(ask("hello"), max_tokens=5, cancelled=lambda: True)) == [
        Draft("", FinishReason.CANCELLED, 0, 0)
    ]
    holding.close()


def test_waiting_requests_are_told_when_the_generator_closes(scripted):
    process = ready(scripted())
    holding = process.generate(ask("hold"), max_tokens=5)
    next(holding)
    process.close()
    with pytest.raises(GeneratorUnavailable):
        next(holding)
    with pytest.raises(GeneratorUnavailable, match="shut down"):
        next(process.generate(ask("hello"), max_tokens=5))


@pytest.mark.parametrize("mode", ["good", "deaf", "never"])
def test_close_ends_the_child_whatever_it_does_and_can_be_repeated(scripted, mode):
    process = scripted(mode)
    process.start()
    if mode == "never":
        wait_until(lambda: process.pid is not None)
    else:
        assert process.wait_ready(PATIENCE)
    child = process.pid
    process.close()
    process.close()
    assert not is_running(child)
    process.start()
    assert not process.ready


def test_neither_llama_cpp_nor_torch_is_imported_here():
    check = "import sys, spreadguide.adapters.llama_process; sys.exit(bool({'llama_cpp', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_usable_cores_is_at_least_one():
    assert usable_cores() >= 1
