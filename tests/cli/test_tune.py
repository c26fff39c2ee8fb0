"""`tune`: what it prints, what it keeps, and what it forgets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import run

from spreadguide.adapters.llama_calibration import TrialProcess
from spreadguide.adapters.llama_tuned import Tuned
from spreadguide.doctor import examine
from spreadguide.models.catalogue import load_catalogue
from spreadguide.models.files import is_present, models_dir
from spreadguide.settings import load_settings

MODEL = "smollm2-135m-instruct"


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The real folder of models, on a machine where reading 512 tokens in one go is faster; with a cache of its own."""
    folder = models_dir()
    if not is_present(load_catalogue().get(MODEL), folder):
        pytest.skip(f"the model is not here: run `spreadguide models pull {MODEL}`")

    def measure(_: TrialProcess, settings: Tuned, read: int, write: int) -> tuple[float, float]:
        assert read > 0 < write
        return (0.01, 0.1) if settings.batch == 512 else (0.02, 0.1)

    monkeypatch.setattr(TrialProcess, "measure", measure)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def test_what_was_tried_and_chosen_is_told_kept_and_forgotten(models: Path, tmp_path: Path) -> None:
    def tune(*options: str) -> str:
        done = run("tune", "--model", MODEL, *options, cwd=tmp_path, models_dir=models)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def doctor() -> str:
        findings = examine(load_settings(model=MODEL, models_dir=models, index_dir=tmp_path / "no"))
        (line,) = (finding.what for finding in findings if "tuned to this machine" in finding.what)
        return line

    assert "was not tuned" in doctor()
    lines = tune().splitlines()
    (taken,) = (line for line in lines if "yes: It saves time." in line)
    assert taken.startswith("512 tokens read in one go")
    assert "+25.3%" in taken
    assert "reads 100 tokens a second here and writes 10.0" in lines[-3]
    assert "batch 512" in lines[-2]
    assert "512 tokens read in one go" in doctor()
    assert json.loads(tune("--json"))["chosen"]["batch"] == 512
    assert "forgotten" in tune("--forget")
    assert json.loads(tune("--forget", "--json")) == {"forgotten": False}
    assert "was not tuned" in doctor()
