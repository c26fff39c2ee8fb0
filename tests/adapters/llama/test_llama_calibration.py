"""The settings that fit a machine: measured in turn, taken only where they win clearly, kept for what they are for."""

import json
import os
from contextlib import contextmanager

import psutil
import pytest

from spreadguide.adapters import llama_calibration
from spreadguide.adapters.llama_calibration import MOST_SECONDS, Change, TrialProcess, calibrate, changes
from spreadguide.adapters.llama_settings import WAITING, LlamaSettings, usable_cores
from spreadguide.adapters.llama_tuned import (
    Calibration,
    forget_calibration,
    keep_calibration,
    kept_calibration,
    start_settings,
    tuned,
)
from spreadguide.adapters.local_generator import LocalGenerator
from spreadguide.errors import GeneratorUnavailable
from spreadguide.models.files import ResolvedModel

BATCH = Change("twice the batch", {"batch": 512})
SLEEP = Change("sleep at once", {"waiting": "sleep"}, crowded=True)


class Machine:
    """Takes as long as ``seconds`` says for given settings, and becomes slower with each measurement."""

    def __init__(self, seconds, drift=1.0):
        self._seconds = seconds
        self._drift = drift
        self.now = 0.0
        self.measured = []

    def measure(self, settings, read, write):
        slower = self._drift ** len(self.measured)
        self.measured.append(settings)
        took = self._seconds(settings) * slower
        self.now += took * (read + write)
        return took, took

    def calibrated(self, *tried):
        return calibrate(self.measure, tried, lambda _: None, clock=lambda: self.now)


def calibration(**sets):
    chosen = start_settings().model_copy(update=sets)
    return Calibration(chosen=chosen, trials=(), prompt_rate=50.0, writing_rate=10.0, seconds=60.0)


def test_a_change_that_wins_clearly_is_taken_and_the_next_is_tried_on_top_of_it():
    machine = Machine(lambda s: 0.008 if s.batch == 512 else 0.01)
    found = machine.calibrated(BATCH, Change("no flash", {"flash": "off"}))
    assert (found.chosen.batch, found.chosen.flash) == (512, "auto")
    assert [(trial.taken, trial.gain) for trial in found.trials] == [(True, 0.2), (False, 0.0)]
    assert found.writing_rate == pytest.approx(125)
    assert all(settings.batch == 512 for settings in machine.measured if settings.flash == "off")


def test_a_small_gain_is_noise_and_a_great_loss_is_given_up_at_once():
    small = Machine(lambda s: 0.0096 if s.batch == 512 else 0.01).calibrated(BATCH)
    assert not small.trials[0].taken
    assert "less than 5%" in small.trials[0].why
    great = Machine(lambda s: 0.02 if s.batch == 512 else 0.01).calibrated(BATCH)
    assert great.trials[0].pairs == 1


@pytest.mark.parametrize("drift", [0.97, 1.03])
def test_a_machine_that_becomes_slower_or_faster_favours_neither(drift):
    found = Machine(lambda _: 0.01, drift).calibrated(BATCH)
    assert found.trials[0].gain == pytest.approx(0, abs=0.01)


def test_what_is_slow_beside_a_busy_program_is_not_taken(monkeypatch):
    busy = []

    @contextmanager
    def one_core_busy():
        busy.append(True)
        yield
        busy.clear()

    monkeypatch.setattr(llama_calibration, "one_core_busy", one_core_busy)
    found = Machine(lambda s: (0.03 if busy else 0.008) if s.waiting == "sleep" else 0.01).calibrated(SLEEP)
    assert found.trials[0].busy == -2.0
    assert not found.trials[0].taken
    assert found.chosen.waiting == "brief"


def test_when_time_runs_out_or_the_model_does_not_run_it_is_said():
    def seconds(settings):
        if settings.batch == 512:
            raise GeneratorUnavailable("It does not run.")
        return MOST_SECONDS / 150

    found = Machine(seconds).calibrated(BATCH, SLEEP, SLEEP)
    assert [trial.pairs for trial in found.trials] == [0, 2, 0]
    assert "does not run" in found.trials[0].why
    assert "no time" in found.trials[2].why


def test_what_is_tried_can_be_tried():
    tried = list(changes(start_settings().model_copy(update={"threads": 2}), 4))
    assert {change.sets.get("threads") for change in tried} == {None, 1, 4}
    for change in tried:
        start_settings().model_validate({**start_settings().model_dump(), **change.sets})
    assert all(change.crowded for change in tried if {"threads", "threads_batch", "waiting"} & change.sets.keys())


def test_what_was_chosen_is_kept_for_this_file_used_and_forgotten(tmp_path):
    model, folder = tmp_path / "model.gguf", tmp_path / "engine"
    model.write_bytes(b"GGUF")
    plain = LlamaSettings(kept=folder)
    assert tuned(plain, model) == plain
    keep_calibration(folder, model, calibration(threads=3, threads_batch=5, flash="off", waiting="sleep"))
    found = tuned(plain, model)
    assert (found.threads, found.threads_batch, found.flash, found.waiting) == (3, 5, "off", "sleep")
    named = tuned(LlamaSettings(kept=folder, threads=7), model)
    assert (named.threads, named.threads_batch, named.flash) == (7, 7, "off")
    assert forget_calibration(folder, model)
    assert not forget_calibration(folder, model)
    keep_calibration(folder, model, calibration(threads=3))
    model.write_bytes(b"GGUF and more")
    assert tuned(plain, model) == plain


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"calibration": {"chosen": 1}}', "threads"])
def test_a_damaged_calibration_is_left_out(tmp_path, damage):
    model, folder = tmp_path / "model.gguf", tmp_path / "engine"
    model.write_bytes(b"GGUF")
    place = keep_calibration(folder, model, calibration())
    assert kept_calibration(folder, model) is not None
    if damage == "threads":
        content = json.loads(place.read_text())
        content["calibration"]["chosen"]["threads"] = 100_000
        damage = json.dumps(content)
    place.write_text(damage)
    assert kept_calibration(folder, model) is None


@pytest.mark.llm
def test_the_real_model_is_measured_and_then_started_with_what_was_chosen(smollm, tmp_path):
    trial = TrialProcess(smollm, 512)
    try:
        both = [trial.measure(start_settings().model_copy(update=sets), 8, 2) for sets in ({}, {"threads": 1})]
        assert all(0 < seconds < 10 for rates in both for seconds in rates)
        eight_bits = start_settings().model_copy(update={"cache_type": "q8_0", "flash": "on"})
        assert trial.measure(eight_bits, 8, 2)[0] > 0
    finally:
        trial.close()
    model, folder = tmp_path / "model.gguf", tmp_path / "engine"
    os.link(smollm, model)
    keep_calibration(folder, model, calibration(threads=1, cache_type="q8_0", flash="on", waiting="sleep"))
    generator = LocalGenerator(
        lambda: ResolvedModel("m", model, "chatml", 512), "m", LlamaSettings(context=512, kept=folder)
    )
    generator.start()
    try:
        assert generator.wait(60)
        worker = psutil.Process(generator.pid)
        assert worker.environ()["OMP_WAIT_POLICY"] == WAITING["sleep"]["OMP_WAIT_POLICY"]
        options = json.loads(worker.cmdline()[-1])
        assert (options["threads"], options["cache_type"], options["flash"]) == (1, "q8_0", "on")
        assert options["threads_batch"] == usable_cores()
    finally:
        generator.close()
