"""The generator's process under every fault that can be arranged, with a scripted child in llama.cpp's place."""

import subprocess
import sys
import threading

import pytest
from llama_helpers import PATIENCE, SCRIPTED_CHILD, ask, is_running, ready, wait_until

from spreadguide.adapters.llama_process import LlamaProcess
from spreadguide.adapters.llama_settings import GeneratorStatus, LlamaSettings, usable_cores
from spreadguide.errors import ConfigError, GeneratorUnavailable
from spreadguide.types import Draft, FinishReason


def written(process, text):
    *_, draft = process.generate(ask(text), max_tokens=5)
    return draft.text


def test_it_answers_with_pieces_and_then_one_draft(scripted):
    process = ready(scripted())
    assert list(process.generate(ask("hello"), max_tokens=5)) == ["hello", Draft("hello", FinishReason.STOP, 3, 1)]
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


def test_a_child_that_cannot_start_is_tried_a_few_times_and_then_left(scripted):
    process = scripted("crash", max_crashes=2)
    process.start()
    assert not process.wait_ready(PATIENCE)
    assert process.state.status is GeneratorStatus.CRASHED
    assert "exit code 3" in process.state.reason
    assert "stays off" in process.state.reason
    process.start()
    assert process.state.status is GeneratorStatus.CRASHED
    assert process.pid is None


def test_after_the_window_it_may_be_tried_again(scripted):
    process = scripted("crash", max_crashes=1, crash_window=0.5)
    process.start()
    wait_until(lambda: "stays off" in process.state.reason)
    wait_until(lambda: process.start() or process.state.status is GeneratorStatus.LOADING or process.pid)


def test_a_load_that_takes_too_long_is_ended(scripted):
    process = scripted("never", max_crashes=1, start_timeout=0.5)
    process.start()
    assert not process.wait_ready(PATIENCE)
    assert "did not load in time" in process.state.reason


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
    assert list(pieces) == [Draft("one", FinishReason.CANCELLED, 3, 1)]


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
    answers = []
    waiting = []
    for name in ("first", "second"):
        thread = threading.Thread(target=lambda name=name: answers.extend(process.generate(ask(name), max_tokens=5)))
        thread.start()
        waiting.append(thread)
        wait_until(lambda: process.waiting == len(waiting))
    with pytest.raises(GeneratorUnavailable, match="busy"):
        next(process.generate(ask("third"), max_tokens=5))
    holding.close()
    for thread in waiting:
        thread.join(PATIENCE)
    assert [answer for answer in answers if isinstance(answer, str)] == ["first", "second"]


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
