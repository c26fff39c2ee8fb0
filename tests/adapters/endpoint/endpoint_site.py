"""A real HTTP server on loopback in the place of an OpenAI-compatible endpoint; each test writes its manners."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from spreadguide.adapters.endpoint_generator import EndpointGenerator
from spreadguide.errors import GeneratorUnavailable
from spreadguide.types import Draft, Prompt

KEY = "sk-the-key-of-this-test"
WAIT_SECONDS = 20.0
"""Longest wait for what must come."""
HANG_UP_SECONDS = 1.0
"""Within this time after a cancel the connection must be closed."""
PROMPT = Prompt("You answer.", (("One?", "1."),), "Say hello.")

Make = Callable[..., EndpointGenerator]
"""Starts a generator on the site, with these settings."""


def chunk(text: str | None = None, finish: str | None = None, **more: Any) -> bytes:
    """One event of a stream, as OpenAI's reference has it."""
    delta = {} if text is None else {"content": text}
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return event({"object": "chat.completion.chunk", "choices": choices, **more})


def event(data: Any) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


USAGE = event({"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 2}})
DONE = b"data: [DONE]\n\n"
GOOD = (chunk(""), chunk("Hello"), chunk(" there."), chunk(finish="stop"), USAGE, DONE)
"""A whole answer."""


@dataclass
class Site:
    """A running server: what it does with each request in turn (the last manner stays), and what came."""

    url: str = ""
    manners: list[Callable[[Exchange], None]] = field(default_factory=list)
    models: Callable[[Exchange], None] = lambda exchange: exchange.reply(200, {"object": "list", "data": []})
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    looks: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    """Set when `Exchange.hold` is reached."""
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set when the other side closed a connection that was held."""
    over: threading.Event = field(default_factory=threading.Event)


class Exchange(BaseHTTPRequestHandler):
    """One request."""

    site: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.site.looks += 1
        self._keep()
        self._behave(self.site.models)

    def do_POST(self):
        self._keep()
        self.site.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        manners = self.site.manners
        self._behave(manners.pop(0) if len(manners) > 1 else manners[0])

    def _keep(self):
        self.site.headers.append({name.lower(): value for name, value in self.headers.items()} | {"": self.path})

    def _behave(self, manner):
        self.close_connection = True
        with contextlib.suppress(OSError):  # the other side may hang up, as it should
            manner(self)

    def reply(self, status: int, body: Any, kind: str = "application/json", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response_only(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def begin(self, kind: str = "text/event-stream; charset=utf-8") -> None:
        self.send_response_only(200)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        self.end_headers()

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.wfile.write(part)
            self.wfile.flush()

    def hold(self) -> None:
        """Send nothing until the other side closes the connection, or the test is over."""
        self.site.reached.set()
        self.connection.settimeout(0.05)
        while not self.site.over.is_set():
            try:
                if self.connection.recv(1) == b"":
                    self.site.hung_up.set()
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                self.site.hung_up.set()
                return

    def log_message(self, *_):
        """Stay silent."""


def streams(*parts: bytes, then_hold: bool = False) -> Callable[[Exchange], None]:
    """Send the parts of a stream, and perhaps fall silent with the connection open."""

    def manner(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(*parts)
        if then_hold:
            exchange.hold()

    return manner


def replies(status: int, body: Any = b"", kind: str = "application/json", **headers: str) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.reply(status, body, kind, **headers)


def endless(part: bytes) -> Callable[[Exchange], None]:
    """Send ``part`` over and over until the other side hangs up."""

    def manner(exchange: Exchange) -> None:
        exchange.begin()
        try:
            while not exchange.site.over.wait(0.002):
                exchange.send(part)
        except OSError:
            exchange.site.hung_up.set()

    return manner


class _Server(ThreadingHTTPServer):
    daemon_threads = False


@contextlib.contextmanager
def site() -> Iterator[Site]:
    """Run a site on a free port."""
    found = Site(manners=[streams(*GOOD)])
    server = _Server(("127.0.0.1", 0), type("Handler", (Exchange,), {"site": found}))
    found.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        found.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Clock:
    """Time that only the test moves, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def written(generator: EndpointGenerator, **more: object) -> tuple[list[str], Draft]:
    *pieces, draft = generator.generate(PROMPT, max_tokens=9, **more)
    return pieces, draft


def trouble(generator: EndpointGenerator) -> GeneratorUnavailable:
    with pytest.raises(GeneratorUnavailable) as raised:
        list(generator.generate(PROMPT, max_tokens=9))
    assert raised.value.hint
    return raised.value
