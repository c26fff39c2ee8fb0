"""Make the virtual environment and install what SpreadGuide needs; what is up to date is left alone.

    python3 scripts/set_up.py run       to serve and index
    python3 scripts/set_up.py dev       the linters and test tools as well
    python3 scripts/set_up.py system    Debian packages for the tests, where this user may install them

Needs Python 3.11 or newer and nothing else. ``SPREADGUIDE_TORCH_INDEX`` names a package index to take PyTorch from.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from status_line import StatusLine

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMPS = ROOT / ".make"
LOG = STAMPS / "pip.log"

OLDEST_PYTHON = (3, 11)

TORCH = "torch==2.13.0"
"""The version that our machines keep on disk as a CPU build; elsewhere the index decides which build it is."""

TORCH_INDEX = "SPREADGUIDE_TORCH_INDEX"

DEBIAN_PACKAGES = {
    "chromium": ("chromium", "chromium-driver"),
    "c++": ("build-essential",),
    "tesseract": ("tesseract-ocr",),
}
"""Program that the tests use, and the Debian packages that bring it."""

LAST_LINES = 12
"""Lines of a failed pip run that are shown."""

_COLLECTING = re.compile(r"^\s*(?:Collecting|Processing) (\S+)")
_DOWNLOADING = re.compile(r"^\s*Downloading (\S+) \((.+)\)")
_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)")


class Failed(Exception):
    """The step cannot be done; the message says why and what to do."""


def make_environment() -> None:
    """Create the virtual environment, also in place of a broken one or one of another Python."""
    if sys.version_info < OLDEST_PYTHON:
        raise Failed(
            f"SpreadGuide needs Python 3.11 or newer, and this is {sys.version.split()[0]}.\n"
            "What to do: install a newer one and name it, for example: make run PYTHON=python3.12"
        )
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    if PYTHON.exists() and _output([str(PYTHON), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]) == wanted:
        return
    with StatusLine(f"Making the virtual environment in .venv (Python {wanted})") as line:
        shutil.rmtree(VENV, ignore_errors=True)
        for stamp in STAMPS.glob("packages-*"):
            stamp.unlink()
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            shutil.rmtree(VENV, ignore_errors=True)
            raise Failed(
                f"The virtual environment cannot be made:\n{(made.stdout + made.stderr).strip()[-1500:]}\n"
                "What to do: on Debian or Ubuntu, apt-get install python3-venv, then run this again."
            )
        line.show("bringing pip up to date")
        # The pip that comes with older Pythons cannot report its progress to us.
        _pip(["install", "--upgrade", "pip>=24.1"], line)


def install_packages(extras: str) -> None:
    """Install PyTorch's CPU build, then SpreadGuide with ``extras``, unless nothing changed since the last time."""
    stamp = STAMPS / f"packages-{extras or 'run'}-{_fingerprint()}"
    if stamp.exists():
        return
    if not _torch_version():
        _install_torch()
    with StatusLine("Installing SpreadGuide and the packages it needs") as line:
        _pip(["install", "-e", f".[{extras}]" if extras else "."], line)
    _refuse_cuda()
    for old in STAMPS.glob(f"packages-{extras or 'run'}-*"):
        old.unlink()
    stamp.touch()


def _fingerprint() -> str:
    parts = [(ROOT / "pyproject.toml").read_bytes(), TORCH.encode(), sys.version.encode(), str(ROOT).encode()]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:16]


def _install_torch() -> None:
    index = os.environ.get(TORCH_INDEX)
    source = ["--index-url", index] if index else []
    with StatusLine("Installing PyTorch (CPU build)") as line:
        if not index:
            line.show("looking which build is offered")
            _refuse_cuda_offer()
        # PyTorch's own index does not hold all of its dependencies; they come from the usual one.
        _pip(["install", "--no-deps", *source, TORCH.partition("==")[0] if index else TORCH], line)
        _pip(["install", TORCH.partition("==")[0]], line)


def _refuse_cuda_offer() -> None:
    """Raise `Failed` when pip would take a CUDA build, which is several gigabytes of no use here."""
    report = STAMPS / "torch.json"
    options = ["--dry-run", "--no-deps", "--ignore-installed", "--quiet", "--report", str(report)]
    asked = subprocess.run(
        [str(PYTHON), "-m", "pip", "install", *options, TORCH], capture_output=True, text=True, check=False
    )
    if asked.returncode != 0:
        raise Failed(
            f"{TORCH} cannot be found:\n{asked.stderr.strip()[-1500:]}\n"
            "What to do: check the network and pip's settings, then run this again."
        )
    if is_cuda_build(json.loads(report.read_text())["install"][0]["metadata"]):
        raise Failed(f"The package index offers PyTorch with CUDA only, which is several gigabytes.\n{_cpu_advice()}")


def is_cuda_build(metadata: dict[str, Any]) -> bool:
    """Return whether a PyTorch wheel with this core metadata brings CUDA along."""
    needs = metadata.get("requires_dist") or []
    return any(need.startswith(("nvidia", "cuda")) for need in needs)


def _refuse_cuda() -> None:
    found = _torch_version()
    if found.endswith(" None"):
        return
    raise Failed(f"The installed PyTorch is a CUDA build or does not load ({found or 'no version'}).\n{_cpu_advice()}")


def _cpu_advice() -> str:
    return (
        f"What to do: set {TORCH_INDEX} to the address of PyTorch's index of CPU builds (the README tells how to find\n"
        "it), remove the folder .venv, and run this again. Or put a CPU wheel of torch where pip looks for files."
    )


def _torch_version() -> str:
    """Return ``VERSION CUDA`` of the installed PyTorch, or nothing."""
    return _output([str(PYTHON), "-c", "import torch; print(torch.__version__, torch.version.cuda)"])


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    return done.stdout.strip() if done.returncode == 0 else ""


def _pip(arguments: Sequence[str], line: StatusLine) -> None:
    """Run pip with one line of progress; the whole of what it says goes to a log. Raises `Failed`."""
    command = [str(PYTHON), "-m", "pip", arguments[0], "--disable-pip-version-check"]
    if "pip>=24.1" not in arguments:
        # Compiling every file of PyTorch ahead of use takes longer than compiling the used ones on first use.
        command += ["--progress-bar", "raw", "--no-compile"]
    last: deque[str] = deque(maxlen=LAST_LINES)
    progress = _PipProgress()
    with (
        LOG.open("a") as log,
        subprocess.Popen(
            [*command, *arguments[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=ROOT,
        ) as process,
    ):
        for text in process.stdout or ():
            if not text.startswith("Progress "):
                log.write(text)
                last.append(text.rstrip())
            line.show(progress.read(text))
    if process.returncode != 0:
        said = "\n".join(f"    {text}" for text in last)
        raise Failed(f"pip could not do it:\n{said}\nThe whole log: {LOG}")


class _PipProgress:
    """Makes one short line of pip's many."""

    def __init__(self) -> None:
        self._packages = 0
        self._file = ""
        self._shown = "starting"

    def read(self, text: str) -> str:
        """Take one line of pip's; return what to show."""
        if found := _PROGRESS.match(text):
            done, size = int(found[1]), int(found[2])
            self._shown = f"{self._file} {100 * done // size if size else 0}% of {size / 1e6:.0f} MB"
        elif found := _DOWNLOADING.match(text):
            self._file = found[1].rpartition("/")[2].split("-")[0]
        elif _COLLECTING.match(text):
            self._packages += 1
            self._shown = f"{self._packages} packages found"
        elif text.startswith("Installing collected packages"):
            self._shown = f"unpacking {text.count(',') + 1} packages"
        return self._shown


def install_system_packages() -> None:
    """Install the Debian packages that the tests use, where they are absent and this user may; else say so."""
    absent = [program for program in DEBIAN_PACKAGES if shutil.which(program) is None]
    if not absent:
        return
    packages = [package for program in absent for package in DEBIAN_PACKAGES[program]]
    wish = f"apt-get install {' '.join(packages)}"
    prefix = _root_prefix()
    if shutil.which("apt-get") is None or prefix is None:
        print(f"Not found: {', '.join(absent)}. Tests that need them are skipped. To run them too: {wish}")
        return
    with StatusLine(f"Installing {', '.join(packages)} with apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
            done = subprocess.run(
                [*prefix, "apt-get", *step], env=environment, capture_output=True, text=True, check=False
            )
    if done.returncode != 0:
        print(
            f"apt-get could not do it; tests that need {', '.join(absent)} are skipped:\n{done.stderr.strip()[-800:]}"
        )


def _root_prefix() -> list[str] | None:
    """Return what to put before a command to run it as root, or ``None`` where this user may not."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def main() -> int:
    """Do what the first argument asks for; return the exit code."""
    wanted = sys.argv[1:]
    if wanted not in (["run"], ["dev"], ["system"]):
        print(__doc__)
        return 2
    STAMPS.mkdir(exist_ok=True)
    try:
        if wanted == ["system"]:
            install_system_packages()
        else:
            make_environment()
            install_packages("dev" if wanted == ["dev"] else "")
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
