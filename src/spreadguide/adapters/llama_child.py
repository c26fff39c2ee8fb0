"""One child process that speaks JSON lines: start it, talk to it, and be sure that it ends."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

log = logging.getLogger(__name__)

STOP_SECONDS = 2.0
"""How long the child may take to end by itself, and again after SIGTERM, before it is killed."""

STDERR_LINES = 40
"""Lines of the child's own messages that are kept for error reports."""

STDERR_LINE_BYTES = 2000

EVENT_BYTES = 2**20
"""Longest line that is taken from the child; a longer one means that it went mad."""

_SIGNALS: dict[int, str] = {
    signal.SIGILL: "the installed llama.cpp was built for another processor",
    signal.SIGKILL: "it was ended from outside, most likely because memory ran out",
    signal.SIGSEGV: "llama.cpp crashed",
    signal.SIGABRT: "llama.cpp crashed",
    signal.SIGBUS: "the model file changed or its disk failed while it was read",
}


class Child:
    """A running child. `events` is for one thread; everything else may be called from any."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start ``command``; raises `OSError` when it cannot be started."""
        self._process = subprocess.Popen(  # noqa: S603 - the command is this interpreter and our own module
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            # Ctrl-C in the terminal is for the parent, which then ends the child in order.
            process_group=0,
        )
        self._send_lock = threading.Lock()
        self._killed_because = ""
        self._messages: deque[str] = deque(maxlen=STDERR_LINES)
        self._drain = threading.Thread(target=self._keep_messages, name="llama-stderr", daemon=True)
        self._drain.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, request: Mapping[str, Any]) -> bool:
        """Write one request; return false when the child is gone."""
        line = json.dumps(request).encode() + b"\n"
        try:
            with self._send_lock:
                stdin = self._stream(self._process.stdin)
                stdin.write(line)
                stdin.flush()
        except (OSError, ValueError):  # ValueError: `stop` has closed the stream.
            return False
        return True

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the child's events until it ends or stops making sense."""
        stdout = self._stream(self._process.stdout)
        while line := stdout.readline(EVENT_BYTES):
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if not isinstance(event, dict) or "event" not in event:
                self.kill("it wrote something that makes no sense")
                return
            yield event

    def kill(self, why: str) -> None:
        """End the child at once; `wait` will say ``why``."""
        self._killed_because = self._killed_because or why
        self._process.kill()

    def stop(self) -> None:
        """Ask the child to end by closing its input, then insist; returns when it is gone."""
        # A child that no longer reads can hold up a writer, and the writer the lock.
        if self._send_lock.acquire(timeout=STOP_SECONDS):
            try:
                self._stream(self._process.stdin).close()
            except BrokenPipeError:
                log.debug("the generator process had already ended")
            finally:
                self._send_lock.release()
        for insist in (self._process.terminate, self._process.kill):
            try:
                self._process.wait(STOP_SECONDS)
                break
            except subprocess.TimeoutExpired:
                insist()
        self.wait()

    def wait(self) -> str:
        """Wait for the child's end; return in plain words how it ended."""
        code = self._process.wait()
        self._drain.join(STOP_SECONDS)
        if self._killed_because:
            return self._killed_because
        if code >= 0:
            return f"it ended with exit code {code}"
        return _SIGNALS.get(-code, f"it was ended by signal {-code}")

    def messages(self) -> str:
        """Return the last lines that the child wrote for people."""
        return "\n".join(self._messages)

    def release(self) -> None:
        """Close the pipes of a child that has ended."""
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            try:
                self._stream(stream).close()
            except BrokenPipeError:
                log.debug("the generator process ended with a request unread")

    @staticmethod
    def _stream(stream: IO[bytes] | None) -> IO[bytes]:
        if stream is None:
            raise RuntimeError("the child was started without this pipe")
        return stream

    def _keep_messages(self) -> None:
        stderr = self._stream(self._process.stderr)
        while line := stderr.readline(STDERR_LINE_BYTES):
            self._messages.append(line.decode("utf-8", "replace").rstrip())
