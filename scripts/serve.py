"""Serve the chat at once, and bring the generator in the background: ``python scripts/serve.py [serve options]``.

Until the generator is there, the server answers with quotes; it finds llama.cpp and the model by itself when they
arrive. Ctrl-C ends both parts. Standard library only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent

NICENESS = 15
"""The background part takes only what the server leaves (0 to 19)."""

STOP_SECONDS = 15.0
"""How long a part may take to end before it is killed."""


class GeneratorSetUp:
    """Installs llama.cpp and brings the model, one after the other, at low priority."""

    def __init__(self) -> None:
        self._steps = [
            [sys.executable, str(SCRIPTS / "llama_wheel.py")],
            [sys.executable, "-m", "spreadguide", "models", "pull"],
        ]
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End what is running; what was fetched so far is kept for the next time."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is not None:
            end(process)
        self._thread.join()

    def _run(self) -> None:
        for command in self._steps:
            with self._lock:
                if self._stopping.is_set():
                    return
                # A session of its own: Ctrl-C reaches the server first, and no bar is drawn over its messages.
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            os.setpriority(os.PRIO_PROCESS, self._process.pid, NICENESS)
            self._relay(self._process)
            code = self._process.wait()
            if self._stopping.is_set():
                return
            if code != 0:
                print("[generator] Not set up. Answers are quotes until then; `make run` tries again.", flush=True)
                return

    @staticmethod
    def _relay(process: subprocess.Popen[bytes]) -> None:
        for line in process.stdout or ():
            text = line.decode("utf-8", "replace").strip()
            if text:
                print(f"[generator] {text}", flush=True)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, then insist."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> int:
    """Run both parts until the server ends; return its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    set_up = GeneratorSetUp()
    server = subprocess.Popen([sys.executable, "-m", "spreadguide", "serve", *sys.argv[1:]])
    set_up.start()
    try:
        return server.wait()
    except KeyboardInterrupt:
        print("\nStopping …", flush=True)
        # The terminal has sent Ctrl-C to the server too.
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            end(server)
        return 0
    finally:
        end(server)
        set_up.stop()


if __name__ == "__main__":
    sys.exit(main())
