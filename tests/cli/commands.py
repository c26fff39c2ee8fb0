"""Runs the commands as a person does, with no setting of this machine in their way.

`run_process` starts a real process, which takes seconds to import what it needs. `run` calls the same entry point with
the same words in this process. Each command has a test of each kind.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from spreadguide.cli import main

REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 300
"""Longest time for one command, on a machine that is busy with other work."""


COLUMNS = "120"
"""Width of the terminal that the commands are told of."""


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-W", "error::ResourceWarning", "-m", "spreadguide", *map(str, arguments)]


def environment(**settings: str | Path) -> dict[str, str]:
    """Return this process's environment, with only the given SPREADGUIDE_ settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SPREADGUIDE_")}
    folders = os.pathsep.join(str(REPOSITORY / name) for name in ("src", "ui"))
    own = {f"SPREADGUIDE_{name.upper()}": str(value) for name, value in settings.items()}
    return {**kept, "PYTHONPATH": folders, "COLUMNS": COLUMNS, **own}


class _Terminal(io.TextIOWrapper):
    """Standard output or error of a command in this process, as a pipe is to a command of its own."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    @property
    def text(self) -> str:
        return cast(io.BytesIO, self.buffer).getvalue().decode("utf-8")


@contextmanager
def _as_command(words: list[str], cwd: Path, settings: dict[str, str | Path]) -> Iterator[tuple[_Terminal, _Terminal]]:
    """Give this process a command's words, folder, settings and terminal for as long as the context lasts."""
    out, err = _Terminal(), _Terminal()
    with chdir(cwd), Path(os.devnull).open(encoding="utf-8") as nothing, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SPREADGUIDE_")]:
            patch.delenv(name)
        for name, value in {"SPREADGUIDE_" + key.upper(): value for key, value in settings.items()}.items():
            patch.setenv(name, str(value))
        patch.setenv("COLUMNS", COLUMNS)
        patch.setattr(sys, "argv", ["spreadguide", *words])
        for name, stream in (("stdin", nothing), ("stdout", out), ("stderr", err)):
            patch.setattr(sys, name, stream)
        yield out, err


def run(*arguments: str | Path, cwd: Path, **settings: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one command to its end in the folder ``cwd``, in this process; what it does not foresee fails the test."""
    words = [str(argument) for argument in arguments]
    code: Any = 0
    with _as_command(words, cwd, settings) as (out, err):
        try:
            main()
        except SystemExit as ending:
            code = ending.code or 0
    assert isinstance(code, int), code
    assert "Traceback" not in out.text + err.text, err.text
    return subprocess.CompletedProcess(words, code, out.text, err.text)


def run_process(*arguments: str | Path, cwd: Path, **settings: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one command to its end as a process in the folder ``cwd``; a traceback is never what a user should see."""
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


def run_badly(*arguments: str | Path, cwd: Path, process: bool = False, **settings: str | Path) -> str:
    """Run a command that must fail with exit code 1 and say what went wrong and what to do; return what it said."""
    done = (run_process if process else run)(*arguments, cwd=cwd, **settings)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.endswith("…")]
    assert lines[0].startswith("Error: "), done.stderr
    assert lines[1].startswith("What to do: "), done.stderr
    return " ".join(lines)
