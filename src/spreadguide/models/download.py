"""Fetch one file over HTTP, carrying on where an earlier attempt stopped."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from spreadguide.models.transfer import Meter, SourceFailed, in_words, size_of

CONNECT_SECONDS = 5.0
"""How long a connection may take. Short, because where a hub is blocked the next source should have its turn soon."""

READ_SECONDS = 30.0
"""How long a server may stay silent in the middle of a file."""

ATTEMPTS = 4
"""How often a transfer that breaks is taken up again, as long as each attempt brought something."""

MAX_REDIRECTS = 5
"""Most redirects followed; hubs use one or two."""

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


def address_in_words(url: str) -> str:
    """Return ``url`` without passwords and query, fit to be shown."""
    try:
        pieces = urlsplit(url)
    except ValueError:
        return "an address that is not valid"
    return f"{pieces.scheme}://{pieces.hostname or ''}{pieces.path}"


def download(url: str, part: Path, size: int, meter: Meter) -> None:
    """Bring the file at ``url``, which must have ``size`` bytes, into ``part``.

    Bytes that ``part`` already holds are kept when the server can send the rest. No more than ``size`` bytes are
    ever written. Raises `SourceFailed`; what has arrived by then stays in ``part``.
    """
    with _client() as client:
        for _ in range(ATTEMPTS):
            before = size_of(part)
            try:
                _stream(client, url, part, size, meter)
            except httpx.TransportError as problem:
                if size_of(part) <= before:
                    raise SourceFailed(_reason(problem)) from problem
            except httpx.InvalidURL as problem:
                raise SourceFailed("the address is not valid") from problem
            else:
                return
    raise SourceFailed(f"the connection broke {ATTEMPTS} times")


def _client() -> httpx.Client:
    """Return a client that trusts the machine's certificates beside the usual ones and never redirects by itself."""
    try:
        trust = httpx.create_ssl_context()
        trust.load_default_certs()  # organisations add their own authority here
        return httpx.Client(
            verify=trust,
            follow_redirects=False,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            headers={"Accept-Encoding": "identity"},  # offsets and sizes count the file's own bytes
        )
    except (ImportError, ValueError, OSError) as problem:
        raise SourceFailed(f"the proxy or certificate settings of this machine cannot be used ({problem})") from problem


def _stream(client: httpx.Client, url: str, part: Path, size: int, meter: Meter) -> None:
    if size_of(part) > size:
        part.unlink()
    offset = size_of(part)
    if offset == size:
        meter.reach(size)
        return
    response = _open(client, url, offset)
    try:
        start = _start(response, offset, size)
        meter.reach(start)
        with part.open("ab" if start else "wb") as file:
            for chunk in response.iter_raw():
                if start + len(chunk) > size:
                    part.unlink()  # what came before cannot be the model either
                    raise SourceFailed("it sends more bytes than the model has", wrong_bytes=True)
                file.write(chunk)
                start += len(chunk)
                meter.reach(start)
    finally:
        response.close()
    if start < size:
        raise SourceFailed(f"the file ended after {in_words(start)} of {in_words(size)}")


def _open(client: httpx.Client, url: str, offset: int) -> httpx.Response:
    """Send the request, following redirects only from one protected address (https) to another."""
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    request = client.build_request("GET", url, headers=headers)
    for _ in range(MAX_REDIRECTS + 1):
        response = client.send(request, stream=True)
        onward = response.next_request
        if onward is None:
            return response
        response.close()
        if (request.url.scheme, onward.url.scheme) != ("https", "https"):
            raise SourceFailed("it redirects over an unprotected connection, which is not followed")
        request = onward
    raise SourceFailed(f"it redirects more than {MAX_REDIRECTS} times")


def _start(response: httpx.Response, offset: int, size: int) -> int:
    """Return the offset at which the response's bytes begin, having checked that it offers a file of ``size``."""
    total = response.headers.get("Content-Length") if response.status_code == httpx.codes.OK else None
    start = 0
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != offset:
            raise SourceFailed("the server sent another piece of the file than was asked for")
        start, total = offset, found[2]
    elif response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise SourceFailed("the file there is shorter than the model", wrong_bytes=True)
    elif response.status_code != httpx.codes.OK:
        raise SourceFailed(_refusal(response.status_code))
    if total is not None and total.isdecimal() and int(total) != size:
        raise SourceFailed(
            f"the file there has {int(total):,} bytes and the model has {size:,}, so it is another file",
            wrong_bytes=True,
        )
    return start


def _refusal(status: int) -> str:
    known = {401: "asks for a password", 403: "refuses access", 404: "does not have the file", 429: "is too busy"}
    return f"the server {known.get(status, 'cannot send the file')} (status {status})"


def _reason(problem: httpx.TransportError) -> str:
    match problem:
        case httpx.ConnectTimeout():
            return f"no connection within {CONNECT_SECONDS:.0f} seconds"
        case httpx.ReadTimeout():
            return f"the server sent nothing for {READ_SECONDS:.0f} seconds"
        case httpx.ConnectError():
            return f"the server cannot be reached ({problem})"
        case httpx.UnsupportedProtocol():
            return "the address must begin with https:// or http://"
        case _:
            return f"the connection broke ({problem})"
