"""Where the endpoint is, what may be told to it, and how long it may take."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from spreadguide.errors import ConfigError

BYTES_PER_TOKEN = 4.0
"""Bytes of UTF-8 that count as one token, because an endpoint's tokeniser is not known here. On the lines of the
shipped briefs the tokenisers of the catalogue have 4.2 (SmolLM2) and 4.3 (Qwen2.5): the sum is guessed 7 to 9% high.
The guess only bounds how many lines are read; with 3 bytes, a third of them would be left out."""

OWN_NETWORKS = tuple(
    ipaddress.ip_network(block)
    for block in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
"""Loopback and the private networks of RFC 1918 and RFC 4193: the only addresses that may go without encryption."""

LAST_PORT = 65535

_HOST = re.compile(rb"[A-Za-z0-9._:-]+")
_KEY = re.compile(r"[\x21-\x7e]{1,4096}")
_ADDRESS_HINT = "Give it like this: https://gateway.example/v1, or http://127.0.0.1:8080/v1 for this machine."


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """How an endpoint is reached and used; times in seconds. Raises `ConfigError` for what cannot work.

    ``address`` is the part before ``/chat/completions``; where it has no path, ``/v1`` is meant. ``key`` is never
    shown. ``parallel`` requests may run at once. The first text must come within ``first_text``, each next piece within
    ``between``, and everything within ``whole``, further attempts included. ``look_every`` is how often a healthy
    endpoint is looked at.
    """

    address: str
    model: str
    key: str = field(default="", repr=False)
    parallel: int = 4
    connect: float = 5.0
    first_text: float = 30.0
    between: float = 15.0
    whole: float = 120.0
    attempts: int = 3
    retry_wait: float = 0.3
    failures: int = 3
    rest: float = 30.0
    look_every: float = 30.0

    def __post_init__(self) -> None:
        checked_address(self.address)
        if not self.model:
            raise ConfigError(
                "The setting endpoint is there, and endpoint_model is not.",
                hint="Set endpoint_model to the name that the endpoint gives its model.",
            )
        if self.key and not _KEY.fullmatch(self.key):
            raise ConfigError(
                "The endpoint's key has a character that no key can have, such as a blank or a new line.",
                hint="Copy it again to SPREADGUIDE_ENDPOINT_KEY, without quotes and blanks.",
            )

    @property
    def base(self) -> httpx.URL:
        """The address that paths are added to."""
        return checked_address(self.address)


def checked_address(text: str) -> httpx.URL:
    """Return the endpoint's base address; raises `ConfigError` unless what is sent there is safe on its way.

    ``https`` goes everywhere. ``http`` goes only to ``localhost``, and to loopback and private addresses written as
    numbers: where a name leads to can change.
    """
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL:
        # The library's own error repeats the address, which may hold a password.
        raise _no_address() from None
    if url.scheme not in {"http", "https"} or not _HOST.fullmatch(url.raw_host) or (url.port or 1) > LAST_PORT:
        raise _no_address()
    if url.userinfo:
        raise ConfigError(
            "The setting endpoint holds a user name or password.", hint="Give the key in SPREADGUIDE_ENDPOINT_KEY."
        )
    if url.query or url.fragment:
        raise ConfigError("The setting endpoint has a part after ? or #.", hint=_ADDRESS_HINT)
    if url.scheme == "http" and not _is_own(url.host):
        raise ConfigError(
            "The setting endpoint would send questions unencrypted to another network.",
            hint="Use https://. Only localhost, and addresses of your own network written as numbers, may have http://.",
        )
    return url.copy_with(path=url.path.rstrip("/") or "/v1")


def _no_address() -> ConfigError:
    return ConfigError("The setting endpoint is not a web address.", hint=_ADDRESS_HINT)


def _is_own(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in OWN_NETWORKS)


def estimated_tokens(texts: Sequence[str]) -> list[int]:
    """Return a cautious guess of each text's length in tokens: its bytes of UTF-8 by `BYTES_PER_TOKEN`, rounded up."""
    return [math.ceil(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN) for text in texts]
