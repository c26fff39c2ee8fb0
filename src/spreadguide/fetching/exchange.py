"""Asks for an address and follows where it leads; plain HTTP, without cookies, accounts or proxies."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpcore
import httpx

from spreadguide import __version__
from spreadguide.errors import FetchFailed
from spreadguide.fetching.failures import LATER, SAVE_IT, shown

USER_AGENT = f"SpreadGuide/{__version__} (fetches single reports at their owner's wish)"

MOST_REDIRECTS = 8
"""A DOI leads over two or three hosts, and some publishers add as many steps again."""

_REDIRECTS = {301, 302, 303, 307, 308}

BROKEN = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)
"""What httpcore raises when a connection fails; a later attempt may succeed."""


LAST_PORT = 65535

_COPY = "Copy it again, from https:// on."


@dataclass(frozen=True, slots=True)
class Reply:
    """The head of an answer, ``headers`` with names in lower case, and the body that waits to be read."""

    url: httpx.URL
    status: int
    headers: Mapping[str, str]
    body: Iterator[bytes]


def checked_url(text: str) -> httpx.URL:
    """Return the address; raises `FetchFailed` when it is none that may be fetched."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise FetchFailed("The address is not valid.", hint=_COPY) from error
    if url.port is not None and not 0 < url.port <= LAST_PORT:
        raise FetchFailed("The address is not valid.", hint=_COPY)
    if url.scheme not in ("http", "https") or not url.host:
        raise FetchFailed(f"{text:.100} is not an address of the web.", hint="It must begin with https:// or http://.")
    if url.userinfo:
        hint = "Leave them out. What is behind a log-in, save in a browser, and add the file."
        raise FetchFailed("The address holds a user name or a password.", hint=hint)
    return url


def trusted() -> ssl.SSLContext:
    """Return the certificates to trust: the usual ones, and those that this machine's organisation added."""
    try:
        context = httpx.create_ssl_context()
        context.load_default_certs()
    except (ValueError, OSError) as error:
        hint = "Correct the variables SSL_CERT_FILE and SSL_CERT_DIR, or remove them."
        raise FetchFailed("The certificate settings of this machine cannot be used.", hint=hint) from error
    return context


@contextmanager
def answered(
    pool: httpcore.ConnectionPool, url: httpx.URL, headers: Mapping[str, str], timeouts: Mapping[str, float]
) -> Iterator[Reply]:
    """Ask for ``url``, follow redirects, and give the answer whose body has not been read yet.

    Raises `FetchFailed` for a redirect that is not followed, and one of `BROKEN`.
    """
    sent = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close", **headers}
    asked = url
    for _ in range(MOST_REDIRECTS + 1):
        with pool.stream(
            "GET",
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=[(b"Host", url.netloc), *((name.encode(), value.encode()) for name, value in sent.items())],
            extensions={"timeout": dict(timeouts)},
        ) as response:
            found = {_text(name).lower(): _text(value) for name, value in response.headers}
            if response.status not in _REDIRECTS:
                yield Reply(url, response.status, found, response.iter_stream())
                return
        url = _onward(url, found.get("location", ""))
    hint = f"It may be a log-in. {SAVE_IT}"
    raise FetchFailed(f"{shown(asked)} leads on to another address more than {MOST_REDIRECTS} times.", hint=hint)


def refusal(status: int, url: httpx.URL) -> FetchFailed:
    """Return the error for an answer that brings no document."""
    known = {
        401: ("asks for a log-in", SAVE_IT),
        403: ("refuses to send the document", SAVE_IT),
        404: ("has no document at this address", "Check the address: reports move."),
        410: ("no longer has the document", "Look for its new address."),
        429: ("is too busy", LATER),
        503: ("is too busy", LATER),
    }
    what, hint = known.get(status, ("cannot send the document", LATER if status >= 500 else SAVE_IT))
    return FetchFailed(f"The server of {shown(url)} {what} (status {status}).", hint=hint)


def _onward(url: httpx.URL, location: str) -> httpx.URL:
    """Return where a redirect leads. From a protected address it never leads to an unprotected one."""
    if not location:
        raise FetchFailed(f"{shown(url)} leads on, but does not say where.", hint=SAVE_IT)
    try:
        target = checked_url(str(url.join(location)))
    except httpx.InvalidURL as error:
        raise FetchFailed(f"{shown(url)} leads on to an address that is not valid.", hint=SAVE_IT) from error
    if url.scheme == "https" and target.scheme == "http":
        if target.port is not None:
            raise FetchFailed(f"{shown(url)} leads on to an address without encryption.", hint=SAVE_IT)
        # Old entries of the DOI system name http:// for servers that have had https:// for years.
        return target.copy_with(scheme="https")
    return target


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
