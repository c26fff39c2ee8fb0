"""Network connections that go only where they may, and end in time."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from spreadguide.errors import FetchFailed
from spreadguide.fetching.addresses import Permits, Resolve
from spreadguide.fetching.failures import SAVE_IT

MOST_TRIED = 4
"""How many addresses of one server are tried; large sites have more, but their network is one."""


class Deadline:
    """The moment at which a fetch must be over, however lively the server is."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def passed(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._end

    def cap(self, timeout: float | None) -> float:
        """Return ``timeout`` in seconds, or what is left where that is less; raises `FetchFailed` with none left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.failure()
        return left if timeout is None else min(timeout, left)

    def failure(self) -> FetchFailed:
        """Return the error that says that time is up."""
        hint = "Run the same command again: if the server allows it, what has arrived is kept."
        return FetchFailed(f"The fetch was stopped after {self._seconds:.0f} seconds.", hint=hint)


class GuardedBackend(httpcore.NetworkBackend):
    """Looks a host up once, checks every address it has, and connects to one of exactly those.

    Checking here, below HTTP, leaves no gap between the check and the connection: each redirect passes through, and
    a name server that answers differently the second time (DNS rebinding) is not asked a second time. TLS lies above
    and still compares the certificate with the name.
    """

    def __init__(self, permits: Permits, resolve: Resolve, deadline: Deadline) -> None:
        self._permits = permits
        self._resolve = resolve
        self._deadline = deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a permitted address of ``host``; raises `FetchFailed` when one of them is not permitted."""
        addresses = self._resolve(host, port)
        for address in addresses:
            if not self._permits(address):
                raise FetchFailed(
                    f"{host} is not on the public internet ({address}), and is not asked.",
                    hint=f"If it is a server of your own organisation: {SAVE_IT[0].lower()}{SAVE_IT[1:]}",
                )
        problem: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses[:MOST_TRIED]:
            try:
                stream = self._plain.connect_tcp(
                    str(address), port, self._deadline.cap(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
            else:
                return _TimedStream(stream, self._deadline)
        raise problem


class _TimedStream(httpcore.NetworkStream):
    """A connection on which every step ends with the deadline: a server that drips bytes cannot hold it open."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.cap(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.cap(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.cap(timeout))
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
