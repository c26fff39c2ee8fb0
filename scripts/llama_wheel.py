"""Install llama-cpp-python into the environment that runs this script, from a cache of wheels built for this CPU.

llama-cpp-python is published as source only. The first run on a machine compiles it, which takes about five minutes
on two cores, and keeps the wheel outside the checkout; a second checkout installs it in seconds.

    python scripts/llama_wheel.py

Exit code 0: installed and loadable. 1: not possible; the message says what to do, and SpreadGuide answers with
quotes until then. 130: stopped by Ctrl-C; nothing is left half done. Standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from status_line import StatusLine

VERSION = "0.3.36"
"""The one place where the version is pinned."""

CMAKE_ARGS = "-DLLAVA_BUILD=OFF -DGGML_OPENMP=ON"
"""Without the image code. OpenMP, because its waiting threads can be told to sleep (see llama_settings.py)."""

NO_COMMON = "set(LLAMA_BUILD_COMMON OFF)\n"
"""Included at the start of llama.cpp's own project: llama-cpp-python forces this option on, and Python needs none of
the helper library behind it. A plain variable wins over the cached option, and that halves the build."""

LAST_LINES = 15
"""Lines of a failed build that are shown; the whole log is kept."""

STOP_SECONDS = 10.0
"""How long an interrupted build may take to end before it is killed."""

STEP = re.compile(r"\[(\d+)/(\d+)\] ")
STAGES = {
    "Collecting": "fetching the source",
    "Downloading": "fetching the source",
    "Installing build dependencies": "fetching the build tools",
    "Preparing metadata": "reading the source",
    "*** Configuring CMake": "looking at this machine",
    "*** Installing": "packing",
}


class Failed(Exception):
    """The step cannot be done; the message says why and what to do."""


def cache_folder() -> Path:
    """Return the folder of built wheels."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "spreadguide" / "wheels"


def cmake_args() -> str:
    """Return our CMake options and the owner's."""
    return f"{CMAKE_ARGS} {os.environ.get('CMAKE_ARGS', '')}".strip()


def wheel_key() -> str:
    """Return what a built wheel depends on: version, platform, and a hash of C library, CPU features and options."""
    parts = ["".join(platform.libc_ver()), _cpu_features(), cmake_args(), NO_COMMON]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    return f"{VERSION}-{sysconfig.get_platform()}-{digest}"


def _cpu_features() -> str:
    """Return the first core's features in a stable order; the build uses all of them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    features = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return " ".join(sorted(features.partition(":")[2].split()))


def installed(key: str) -> bool:
    """Return whether the right build is installed here already: ours for this machine, or one of the owner's."""
    try:
        found = importlib.metadata.distribution("llama-cpp-python")
    except importlib.metadata.PackageNotFoundError:
        return False
    origin = found.read_text("direct_url.json") or ""
    ours = "spreadguide/wheels" in origin
    return found.version == VERSION and (not ours or key in origin) and _loads()


def _loads() -> bool:
    # A wheel from another CPU crashes the interpreter, so it is tried in another one.
    check = "import llama_cpp; llama_cpp.llama_print_system_info()"
    return subprocess.run([sys.executable, "-P", "-c", check], capture_output=True, check=False).returncode == 0


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Let one process at a time build for one key."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up is building llama.cpp on this machine; waiting for it …", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cached_wheel(key: str) -> Path | None:
    """Return the wheel built earlier for ``key``."""
    return next(iter((cache_folder() / key).glob("*.whl")), None)


def build(key: str) -> Path:
    """Compile the wheel for this machine and put it into the cache; raises `Failed`."""
    _need_compiler()
    scratch = cache_folder() / f"{key}.build"
    # Whoever holds the lock is alone here: what lies in the folder is left from a run that was killed.
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "out").mkdir(parents=True)
    try:
        log = cache_folder() / f"{key}.log"
        with StatusLine("Building llama.cpp for this processor, once (about 5 minutes on 2 cores)") as line:
            _run_build(scratch, log, line)
        if not list((scratch / "out").glob("*.whl")):
            raise Failed(f"The build of llama.cpp left no wheel. The whole log: {log}")
        target = cache_folder() / key
        shutil.rmtree(target, ignore_errors=True)
        (scratch / "out").replace(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    wheel = cached_wheel(key)
    if wheel is None:
        raise Failed(f"The wheel that was just built has gone from {target}.")
    return wheel


def _need_compiler() -> None:
    names = {"C": ("CC", "cc", "gcc", "clang"), "C++": ("CXX", "c++", "g++", "clang++")}
    for language, (variable, *usual) in names.items():
        own = shlex.split(os.environ.get(variable, ""))[:1]
        if not any(shutil.which(name) for name in (own or usual)):
            raise Failed(
                f"There is no {language} compiler, which llama.cpp needs once.\n"
                "What to do: install one (on Debian or Ubuntu: apt-get install build-essential) and run this again."
            )


def _run_build(scratch: Path, log: Path, line: StatusLine) -> None:
    include = scratch / "no-common.cmake"
    include.write_text(NO_COMMON)
    (scratch / "tmp").mkdir()
    environment = {
        **os.environ,
        "CMAKE_ARGS": f"{cmake_args()} -DCMAKE_PROJECT_llama.cpp_INCLUDE={include}",
        "TMPDIR": str(scratch / "tmp"),
    }
    package = f"llama-cpp-python=={VERSION}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-v",
        "--no-deps",
        "--no-cache-dir",
        "--no-binary",
        "llama-cpp-python",
    ]
    last: deque[str] = deque(maxlen=LAST_LINES)
    with (
        log.open("w") as file,
        subprocess.Popen(
            [*command, "--wheel-dir", str(scratch / "out"), package],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process,
    ):
        try:
            for text in process.stdout or ():
                file.write(text)
                last.append(text.rstrip()[:300])
                if stage := _stage(text):
                    line.show(stage)
            code = process.wait()
        finally:
            _end(process)
    if code != 0:
        shown = "\n".join(f"    {text}" for text in last)
        raise Failed(
            f"llama.cpp could not be built. The last lines were:\n{shown}\nThe whole log: {log}\n"
            "What to do: a package index must be reachable, and the log names what is missing "
            "(on Debian or Ubuntu, apt-get install build-essential cmake brings the tools). Then run this again."
        )


def _stage(text: str) -> str | None:
    if found := STEP.search(text):
        return f"step {found[1]} of {found[2]}"
    plain = text.strip()
    return next((stage for start, stage in STAGES.items() if plain.startswith(start)), None)


def _end(process: subprocess.Popen[str]) -> None:
    """End the build and every compiler it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            print("The build does not stop by itself; ending it.", flush=True)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def install(wheel: Path) -> None:
    """Install the wheel with its few dependencies; raises `Failed`."""
    pip = [sys.executable, "-m", "pip"]
    with StatusLine("Installing llama.cpp"):
        # pip leaves an installed wheel of the same version alone, even if it was built for another processor.
        subprocess.run([*pip, "uninstall", "--yes", "--quiet", "llama-cpp-python"], capture_output=True, check=False)
        done = subprocess.run([*pip, "install", "--quiet", str(wheel)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"llama.cpp was built but could not be installed:\n{done.stderr.strip()[-2000:]}")
    if not _loads():
        shutil.rmtree(wheel.parent, ignore_errors=True)
        raise Failed(
            "The installed llama.cpp cannot be loaded, so its wheel was thrown away. Run this again to rebuild."
        )


def main() -> int:
    """Install what is cached, or build it first; return the exit code."""
    key = wheel_key()
    try:
        if installed(key):
            print(f"llama.cpp (llama-cpp-python {VERSION}) is installed.")
            return 0
        with _only_one(cache_folder() / f"{key}.lock"):
            wheel = cached_wheel(key)
            if wheel is not None:
                print("Using the llama.cpp that was built for this processor earlier.")
            install(wheel or build(key))
    except Failed as failed:
        print(f"{failed}\nSpreadGuide works without it: it answers with quotes from your reports.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Nothing is left half done.", file=sys.stderr)
        return 130
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # `make run` ends its background part with SIGTERM; the build must be ended with it.
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())
