"""Fetches one document: break, resume, check, and hand over under a safe name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.request import getproxies

import httpcore
import httpx
from filelock import FileLock, Timeout

from spreadguide.durable import put_in_place
from spreadguide.errors import FetchFailed
from spreadguide.fetching.addresses import Permits, Resolve, is_public, resolve
from spreadguide.fetching.exchange import BROKEN, answered, checked_url, trusted
from spreadguide.fetching.failures import LATER, SAVE_IT, shown
from spreadguide.fetching.guarded import Deadline, GuardedBackend
from spreadguide.fetching.kinds import PAGE, Kind, kind_of, kind_of_ending
from spreadguide.fetching.names import suggested_name
from spreadguide.fetching.partial import Part, sweep
from spreadguide.fetching.receiving import Meter, Received, StartOver, receive
from spreadguide.protocols import Progress

MEGABYTE = 1024 * 1024

ATTEMPTS = 4
"""Most attempts at one transfer; one that breaks is taken up again as long as each attempt brought something."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds on one fetch.

    ``file_bytes`` is the largest document. ``connect_seconds`` bounds each connection, ``stall_seconds`` the silence
    of a server, and ``whole_seconds`` everything together, attempts included: 25 MB arrive in ten minutes even at
    50 kB a second.
    """

    file_bytes: int = 25 * MEGABYTE
    connect_seconds: float = 10.0
    stall_seconds: float = 30.0
    whole_seconds: float = 600.0


class Fetcher:
    """Fetches documents one at a time; what has arrived of one that broke off waits in the hidden folder ``parts``.

    ``permits`` says which addresses may be asked, and ``resolve`` looks names up. ``progress`` counts bytes.
    """

    def __init__(
        self,
        parts: Path,
        limits: FetchLimits,
        *,
        progress: Progress | None = None,
        permits: Permits = is_public,
        resolve: Resolve = resolve,
    ) -> None:
        self._parts = parts
        self._limits = limits
        self._progress = progress
        self._permits = permits
        self._resolve = resolve

    def __call__(self, url: str, folder: Path, wanted: str | None = None) -> Path:
        """Fetch ``url`` into ``folder`` and return the file, whose bytes are on the disk and of a kind that is read.

        ``wanted`` is the ending that the file must have, such as ".pdf"; without it, the content decides. Raises
        `FetchFailed`; what has arrived by then is kept for the next time, unless it is of no use.
        """
        address = checked_url(url)
        with self._held():
            part = Part(self._parts, url)
            received = self._attempts(address, part)
            name = suggested_name(received.url, received.disposition)
            try:
                ending = _ending(kind_of(part.file), wanted, name, address)
            except FetchFailed:
                part.drop()
                raise
            stem = name[: -len(PurePosixPath(name).suffix)] if _has_ending(name) else name
            target = folder / f"{stem}{ending}"
            put_in_place(part.file, target)
            part.drop()
            return target

    def _attempts(self, address: httpx.URL, part: Part) -> Received:
        """Receive the document, taking it up again where a connection breaks."""
        deadline = Deadline(self._limits.whole_seconds)
        backend = GuardedBackend(self._permits, self._resolve, deadline)
        meter = Meter(self._progress, address)
        problem: Exception | None = None
        with httpcore.ConnectionPool(trusted(), max_keepalive_connections=0, network_backend=backend) as pool:
            for _ in range(ATTEMPTS):
                before = part.size
                try:
                    with answered(pool, address, part.resume_headers(), self._timeouts()) as reply:
                        return receive(reply, part, self._limits.file_bytes, meter)
                except StartOver:
                    part.drop()
                except BROKEN as error:
                    if deadline.passed:
                        raise deadline.failure() from error
                    problem = error
                    if part.size <= before:
                        break
        raise self._broken(problem, address) from problem

    def _timeouts(self) -> dict[str, float]:
        stall = self._limits.stall_seconds
        return {"connect": self._limits.connect_seconds, "read": stall, "write": stall, "pool": stall}

    def _broken(self, problem: Exception | None, address: httpx.URL) -> FetchFailed:
        match problem:
            case httpcore.ConnectTimeout():
                return FetchFailed(
                    f"{address.host} did not answer within {self._limits.connect_seconds:.0f} seconds.",
                    hint=_way_out(),
                )
            case httpcore.ConnectError() if "CERTIFICATE" in str(problem).upper():
                return FetchFailed(f"{address.host} could not prove who it is ({problem}).", hint=SAVE_IT)
            case httpcore.ConnectError():
                return FetchFailed(f"{address.host} cannot be reached ({problem}).", hint=_way_out())
            case httpcore.ReadTimeout():
                silent = f"The server of {shown(address)} sent nothing for {self._limits.stall_seconds:.0f} seconds."
                return FetchFailed(silent, hint=LATER)
            case httpcore.RemoteProtocolError() | httpcore.ReadError() | httpcore.WriteError():
                return FetchFailed(f"The connection to {shown(address)} broke ({problem}).", hint=LATER)
            case _:
                return FetchFailed(f"{shown(address)} could not be fetched ({problem or 'no answer'}).", hint=LATER)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the folder of parts: two commands that write the same part would spoil it."""
        try:
            self._parts.mkdir(exist_ok=True)
            lock = FileLock(self._parts / "lock", timeout=0)
            lock.acquire()
        except Timeout as error:
            hint = "Wait until that command is done, then run this one again."
            raise FetchFailed("Another command is fetching into this folder.", hint=hint) from error
        try:
            sweep(self._parts)
            yield
        finally:
            lock.release()


def _has_ending(name: str) -> bool:
    return kind_of_ending(PurePosixPath(name).suffix.lower()) is not None


def _ending(kind: Kind, wanted: str | None, name: str, address: httpx.URL) -> str:
    """Return the ending for a file of ``kind``; raises `FetchFailed` where that is not what was to be expected."""
    named = PurePosixPath(name).suffix.lower()
    if not kind.endings:
        raise FetchFailed(f"{shown(address)} gave {kind.words}, which cannot be read.", hint=SAVE_IT)
    expected = kind_of_ending(wanted or named)
    if expected and kind is not expected and (wanted or kind is PAGE):
        if kind is PAGE:
            hint = f"It may be a log-in, or a page about the report. {SAVE_IT}"
        else:
            hint = f"In sources.toml, let the name of the report end in {kind.endings[0]}."
        raise FetchFailed(f"{shown(address)} gave {kind.words}, not {expected.words}.", hint=hint)
    preferred = wanted or named
    return preferred if preferred in kind.endings else kind.endings[0]


def _way_out() -> str:
    """Say what to do where the network does not let us through."""
    hint = "Check the address, and that this machine has a connection to the internet."
    proxy = {"http", "https", "all"} & set(getproxies())
    return f"This machine reaches the web through a proxy, which is not used here. {SAVE_IT}" if proxy else hint
