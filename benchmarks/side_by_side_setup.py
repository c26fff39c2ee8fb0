"""Makes one virtual environment per peer, outside the checkout, with pinned versions and our build of llama.cpp."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

from side_by_side_systems import PEERS, SCRIPTS, python_of

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
from llama_wheel import cached_wheel, wheel_key  # noqa: E402 - a script's folder is no package
from set_up import TORCH, TORCH_INDEX  # noqa: E402

LAST_CHARACTERS = 2000
"""How much of a failed installation is shown."""


def set_up(environments: Path) -> None:
    """Install each peer into ``environments``; ends the program with advice where that is not possible.

    llama-cpp-python is not built anew: the wheel that `scripts/llama_wheel.py` keeps is used.
    """
    if environments.resolve().is_relative_to(ROOT):
        raise SystemExit(f"{environments} is in the checkout. Name a folder outside of it.")
    wheel = cached_wheel(wheel_key())
    if wheel is None:
        raise SystemExit(
            "There is no llama.cpp built for this processor yet.\n"
            "What to do: run scripts/llama_wheel.py with the Python of your environment, then this again."
        )
    for name, short in PEERS.items():
        print(f"Installing {name} …", flush=True)
        folder = environments / short
        if not python_of(environments, name).exists():
            venv.create(folder, with_pip=True)
        pip = [str(python_of(environments, name)), "-m", "pip", "install", "--quiet", "--no-compile"]
        index = os.environ.get(TORCH_INDEX)
        if index:
            _run([*pip, "--no-deps", "--index-url", index, TORCH.partition("==")[0]])
        torch = TORCH.partition("==")[0] if index else TORCH
        _run([*pip, torch, str(wheel), "--requirement", str(SCRIPTS / f"{short}.txt")])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"pip could not do it:\n{done.stderr.strip()[-LAST_CHARACTERS:]}\n"
            "What to do: check the network and pip's settings, then run this again."
        )
