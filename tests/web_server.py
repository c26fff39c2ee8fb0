"""A real web server on loopback whose manners each page of it can change."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PATIENCE_SECONDS = 60.0


@dataclass
class Page:
    """What one address gives, and how it misbehaves."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = False
    """Whether parts are sent on request, when If-Range names the page's ETag or Last-Modified."""
    blind: bool = False
    """Whether parts are sent whatever If-Range says."""
    length: int | None = None
    """The Content-Length that is claimed; -1 for none."""
    cut: int | None = None
    """Break the connection after that many bytes of each answer."""
    wait: threading.Event | None = None
    """After ``cut`` bytes, wait for this event first."""
    drip: bool = False
    """Send one byte every twentieth of a second."""


@dataclass
class Site:
    """A running server: its pages by path, and the requests that came (path, headers with names in lower case)."""

    url: str
    port: int
    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)
    """Set when a page has sent its ``cut`` bytes."""
    over: threading.Event = field(default_factory=threading.Event)

    def asked(self, header: str) -> list[str | None]:
        return [headers.get(header) for _, headers in self.requests]


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self):
        self.site.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        page = self.site.pages.get(self.path.partition("?")[0], Page(status=404))
        start = self._start(page)
        self.send_response_only(206 if start else page.status)
        self.send_header("Date", formatdate(usegmt=True))
        for name, value in page.headers.items():
            self.send_header(name, value)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(page.body) - 1}/{len(page.body)}")
        length = len(page.body) - start if page.length is None else page.length
        if length >= 0:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        with contextlib.suppress(OSError):  # the other side may have hung up, as it should
            self._send(page, start)
        self.close_connection = True

    def _start(self, page):
        wanted, condition = self.headers.get("Range"), self.headers.get("If-Range")
        marks = (page.headers.get("ETag"), page.headers.get("Last-Modified"))
        if not wanted or not (page.blind or (page.ranges and condition in marks)):
            return 0
        return int(wanted.removeprefix("bytes=").rstrip("-"))

    def _send(self, page, start):
        end = len(page.body) if page.cut is None else start + page.cut
        if page.drip:
            for place in range(start, end):
                self.wfile.write(page.body[place : place + 1])
                if self.site.over.wait(0.05):
                    return
        self.wfile.write(page.body[start:end])
        if page.cut is not None:
            self.site.reached.set()
        if page.wait is not None:
            page.wait.wait(PATIENCE_SECONDS)

    def log_message(self, *_):
        """Stay silent."""


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, *_):
        """Clients of these tests break connections on purpose."""


@contextlib.contextmanager
def serving(host: str = "127.0.0.1", tls: tuple[Path, Path] | None = None) -> Iterator[Site]:
    """Run a site on ``host``; ``tls`` are the files of a certificate and its key."""
    handler = type("Handler", (_Handler,), {})
    server = _Server((host, 0), handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    site = Site(f"{'https' if tls else 'http'}://{host}:{server.server_port}", server.server_port)
    handler.site = site
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.over.set()
        for page in site.pages.values():
            if page.wait is not None:
                page.wait.set()
        server.shutdown()
        thread.join()
        server.server_close()
