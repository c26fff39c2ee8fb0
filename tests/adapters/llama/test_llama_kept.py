"""The memory of a prompt's fixed part is kept on disk, and whatever is not right is worked out anew."""

import contextlib
import json
import os
import stat
import sys
import threading
from dataclasses import asdict

import pytest

from spreadguide.adapters import llama_kept
from spreadguide.adapters.llama_child import Child
from spreadguide.adapters.llama_engine import EngineOptions
from spreadguide.adapters.llama_kept import ABANDONED_SECONDS, MOST_FILES, KeptStates, file_stamp
from spreadguide.adapters.llama_process import chat_messages
from spreadguide.types import Prompt

STATE = bytes(range(256)) * 40

FIXED = Prompt(
    system="You answer from reports. Copy numbers as they stand. " * 3,
    examples=(("What is the capital of Italy?", "The capital of Italy is Rome."),),
    user="What is the capital of France?",
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "engine"


def only(folder):
    (path,) = folder.iterdir()
    return path


def test_what_was_saved_comes_back_and_is_for_its_owner_alone(folder):
    kept = KeptStates(folder, {"model": "a", "tokens": [1, 2]})
    assert kept.load() is None
    assert kept.save(STATE)
    assert KeptStates(folder, {"tokens": [1, 2], "model": "a"}).load() == STATE
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(only(folder).stat().st_mode) == 0o600


def test_another_key_finds_nothing_even_under_the_same_name(folder):
    kept, other = KeptStates(folder, {"tokens": [1, 2]}), KeptStates(folder, {"tokens": [1, 3]})
    kept.save(STATE)
    path = only(folder)
    assert other.load() is None
    other.save(STATE[::-1])
    theirs = next(one for one in folder.iterdir() if one != path)
    theirs.replace(path)
    assert kept.load() is None
    assert not path.exists()


@pytest.mark.parametrize("damage", ["a bit", "the end", "the head", "empty", "readable by others"])
def test_what_is_damaged_or_open_to_others_is_removed(folder, damage):
    kept = KeptStates(folder, {"tokens": [1]})
    kept.save(STATE)
    path = only(folder)
    content = bytearray(path.read_bytes())
    content[-7] ^= 1 if damage == "a bit" else 0
    cut = {"the end": slice(0, -1), "the head": slice(1, None), "empty": slice(0, 0)}.get(damage, slice(None))
    path.write_bytes(content[cut])
    if damage == "readable by others":
        path.chmod(0o644)
    assert kept.load() is None
    assert not path.exists()
    assert kept.save(STATE)
    assert kept.load() == STATE


def test_a_link_is_not_followed(folder, tmp_path):
    kept = KeptStates(folder, {"tokens": [1]})
    kept.save(STATE)
    path = only(folder)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert kept.load() is None
    assert kept.save(STATE)
    assert kept.load() == STATE


def test_few_files_are_kept_and_half_written_ones_go(folder):
    for number in range(MOST_FILES + 3):
        kept = KeptStates(folder, {"tokens": [number]})
        kept.save(STATE)
        os.utime(folder / kept._name, (number, number))
    (folder / "old.half").write_bytes(b"x")
    os.utime(folder / "old.half", (1, 1))
    (folder / "new.half").write_bytes(b"x")
    last = KeptStates(folder, {"tokens": ["last"]})
    last.save(STATE)
    names = {path.name for path in folder.iterdir()}
    assert "new.half" in names
    assert "old.half" not in names
    assert len(names) == MOST_FILES + 1
    assert KeptStates(folder, {"tokens": [MOST_FILES + 2]}).load() == STATE
    assert KeptStates(folder, {"tokens": [0]}).load() is None
    assert ABANDONED_SECONDS > 60


def test_a_folder_that_cannot_be_written_and_a_huge_state_are_no_error(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    assert not KeptStates(tmp_path / "file" / "engine", {}).save(STATE)
    assert KeptStates(tmp_path / "file" / "engine", {}).load() is None
    monkeypatch.setattr(llama_kept, "MOST_BYTES", 100)
    assert not KeptStates(folder, {}).save(STATE)


def test_a_file_that_was_written_to_has_another_stamp(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"one")
    before, facts = file_stamp(path), path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert file_stamp(path) != before


class Started:
    """A worker of its own; ``kept`` is the folder in which it keeps states."""

    def __init__(self, model, kept):
        options = EngineOptions(str(model), "chatml", 1024, 128, 1, 0.0, 1.0, 1, kept=str(kept))
        command = [sys.executable, "-P", "-m", "spreadguide.adapters.llama_worker", json.dumps(asdict(options))]
        self.child = Child(command, os.environ)
        self._events = self.child.events()
        assert next(self._events)["event"] == "ready"
        self._numbers = iter(range(1, 100))

    def _do(self, **request):
        self.child.send({**request, "id": next(self._numbers)})
        text = ""
        for event in self._events:
            if event["event"] == "done":
                return event, text
            text += event.get("text", "")
        raise AssertionError(self.child.messages())

    def warm(self, prompt=FIXED):
        """Read the fixed part ahead; return how many tokens it has, and how many came from disk."""
        done, _ = self._do(op="warm", messages=[chat_messages(prompt, user) for user in ("a", "b")])
        return done["prompt_tokens"], done["reused_tokens"]

    def answer(self, prompt=FIXED):
        done, text = self._do(op="generate", messages=chat_messages(prompt), max_tokens=8, stop=[])
        return text, done["prompt_tokens"], done["reused_tokens"], done["completion_tokens"]

    def end(self):
        self.child.stop()
        self.child.release()


@pytest.fixture
def started():
    with contextlib.ExitStack() as stack:

        def make(model, kept):
            worker = Started(model, kept)
            stack.callback(worker.end)
            return worker

        yield make


@pytest.mark.llm
def test_an_answer_after_restoring_is_the_answer_after_reading(smollm, folder, started):
    first = started(smollm, folder)
    fixed, from_disk = first.warm()
    assert fixed > 40
    assert from_disk == 0
    again = started(smollm, folder)
    assert again.warm() == (fixed, fixed)
    said = first.answer()
    assert "Paris" in said[0]
    assert said[2] >= fixed
    assert again.answer() == said


@pytest.mark.llm
def test_damage_another_prompt_and_another_model_are_read_anew_and_kept_afresh(smollm, folder, started, tmp_path):
    model = tmp_path / "model.gguf"
    os.link(smollm, model)
    worker = started(model, folder)
    fixed, _ = worker.warm()
    path = only(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    assert worker.warm() == (fixed, 0)
    assert worker.warm() == (fixed, fixed)
    assert path.stat().st_size == len(whole)
    other = Prompt("You answer briefly.", (), "?")
    assert worker.warm(other)[1] == 0
    assert worker.warm(other)[1] > 0
    # The same bytes, but another file: nothing says that they are the same.
    model.unlink()
    model.write_bytes(smollm.read_bytes())
    assert started(model, folder).warm() == (fixed, 0)
    assert len(list(folder.iterdir())) == 3


@pytest.mark.llm
def test_two_that_start_at_once_do_each_other_no_harm(smollm, folder, started):
    workers = [started(smollm, folder) for _ in range(2)]
    threads = [threading.Thread(target=worker.warm) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert only(folder).suffix == ".kept"
    assert workers[0].answer() == workers[1].answer()
    fixed, from_disk = workers[0].warm()
    assert from_disk == fixed
