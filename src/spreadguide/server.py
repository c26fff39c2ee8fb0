"""Starts chat and API on one port, with an index that is there."""

from __future__ import annotations

import ctypes
import errno
import logging
import socket
import subprocess
import sys

import uvicorn

from spreadguide.adapters.llama_settings import GeneratorStatus
from spreadguide.api.app import create_app
from spreadguide.console import say
from spreadguide.errors import IndexMissing, PortInUse, SpreadGuideError
from spreadguide.settings import Settings
from spreadguide.wiring import Services
from spreadguide_ui import mount

BACKLOG = 128

_ARENA_MAX = -8
"""``M_ARENA_MAX`` of ``mallopt`` (glibc's malloc.h)."""

ARENAS = 2
"""Heaps that threads allocate from. By itself glibc makes eight for each core, and each keeps what it once took."""


def run(settings: Settings) -> None:
    """Serve until stopped; builds the index first where there is none.

    Raises `PortInUse`, or an `IndexingError` when the index cannot be used.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    _share_heaps()
    with _listen(settings.host, settings.port) as listener:
        services = _open(settings)
        try:
            _serve(services, listener)
        finally:
            services.close()


def _share_heaps() -> None:
    """Let the threads of the server share a few heaps, where the C library can be told so."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_ARENA_MAX, ARENAS)


def _serve(services: Services, listener: socket.socket) -> None:
    settings = services.settings
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}"
    generator = services.generator

    def model_is_settled() -> bool:
        return generator is None or generator.state.status is not GeneratorStatus.LOADING

    # The page is built once the model is there, or somebody opens it: both at once would take twice as long.
    app = mount(create_app(services), api_url=url, is_time=model_is_settled)
    say(f"SpreadGuide is ready: {url} (chat), {url}/docs (API). Press Ctrl-C to stop.")
    if settings.use_generator:
        say("The model loads in the background. Until it is ready, answers are quotes from the reports.")
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3)
    uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        hint = "Choose an address of this machine with --host, such as 127.0.0.1, and a port above 1023 with --port."
        if error.errno == errno.EADDRINUSE:
            hint = "Stop the other program, or choose another port with --port."
        raise PortInUse(f"Port {port} on {host} cannot be used: {error.strerror}.", hint=hint) from error
    return listener


def _open(settings: Settings) -> Services:
    try:
        return Services(settings)
    except IndexMissing:
        say(f"There is no index in {settings.index_dir} yet. Building it from {settings.corpus_dir} …")
    # A process of its own: building imports PyTorch, which would stay in the server's memory.
    command = [sys.executable, "-m", "spreadguide", "index", "build"]
    places = ["--corpus", str(settings.corpus_dir), "--index", str(settings.index_dir)]
    if subprocess.run([*command, *places], check=False).returncode:  # noqa: S603 - our own program
        raise SpreadGuideError("The index could not be built.", hint="The lines above say why.")
    return Services(settings)
