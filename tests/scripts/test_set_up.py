"""Setting up the environment: what can be checked without installing anything."""

import sys

import pytest
import set_up


def test_pips_many_lines_become_one_short_one():
    progress = set_up._PipProgress()
    lines = [
        "Collecting gradio>=6.31",
        "  Downloading gradio-6.31.0-py3-none-any.whl (60.2 MB)",
        "Progress 15050000 of 60200000",
        "Collecting faiss-cpu>=1.15",
        "Installing collected packages: gradio, faiss-cpu",
    ]
    assert [progress.read(f"{line}\n") for line in lines] == [
        "1 packages found",
        "1 packages found",
        "gradio 25% of 60 MB",
        "2 packages found",
        "unpacking 2 packages",
    ]


def test_an_old_python_is_refused_with_a_way_out(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    with pytest.raises(set_up.Failed, match="PYTHON=python3"):
        set_up.make_environment()


@pytest.mark.parametrize(
    ("needs", "cuda"),
    [
        (["sympy", "nvidia-cublas==13.1; platform_system == 'Linux'"], True),
        (["sympy", "cuda-toolkit[cublas]==13.0"], True),
        (["sympy", "networkx>=2.5.1"], False),
        (None, False),
    ],
)
def test_a_cuda_build_is_known_by_what_it_needs(needs, cuda):
    assert set_up.is_cuda_build({"version": "2.13.0", "requires_dist": needs}) is cuda


def test_a_finished_set_up_is_left_alone_until_pyproject_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(set_up, "ROOT", tmp_path)
    monkeypatch.setattr(set_up, "STAMPS", tmp_path)
    monkeypatch.setattr(set_up, "PYTHON", tmp_path / "no-such-python")
    (tmp_path / "pyproject.toml").write_text("one")
    (tmp_path / f"packages-dev-{set_up._fingerprint()}").touch()
    set_up.install_packages("dev")
    (tmp_path / "pyproject.toml").write_text("two")
    with pytest.raises(FileNotFoundError, match="no-such-python"):
        set_up.install_packages("dev")
