"""Runs the commands as a person does: real processes, with no setting of this machine in their way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 300
"""Longest time for one command, on a machine that is busy with other work."""


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-W", "error::ResourceWarning", "-m", "spreadguide", *map(str, arguments)]


def environment(**settings: str | Path) -> dict[str, str]:
    """Return this process's environment, with only the given SPREADGUIDE_ settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SPREADGUIDE_")}
    folders = os.pathsep.join(str(REPOSITORY / name) for name in ("src", "ui"))
    own = {f"SPREADGUIDE_{name.upper()}": str(value) for name, value in settings.items()}
    return {**kept, "PYTHONPATH": folders, "COLUMNS": "120", **own}


def run(*arguments: str | Path, cwd: Path, **settings: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one command to its end in the folder ``cwd``; a traceback is never what a user should see."""
    done = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


def run_badly(*arguments: str | Path, cwd: Path, **settings: str | Path) -> str:
    """Run a command that must fail with exit code 1 and say what went wrong and what to do; return what it said."""
    done = run(*arguments, cwd=cwd, **settings)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.endswith("…")]
    assert lines[0].startswith("Error: "), done.stderr
    assert lines[1].startswith("What to do: "), done.stderr
    return " ".join(lines)
