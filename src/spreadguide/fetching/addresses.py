"""Which internet addresses may be asked: only those of the public internet."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from spreadguide.errors import FetchFailed

Address = IPv4Address | IPv6Address

Permits = Callable[[Address], bool]
"""Says whether an address may be connected to."""

Resolve = Callable[[str, int], Sequence[Address]]
"""Looks up all addresses of a host name, for a port; raises `FetchFailed` when there are none."""

_GLOBAL_IPV6 = ip_network("2000::/3")
"""The only part of IPv6 that IANA has given out for the public internet."""

_NAT64 = ip_network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are the IPv4 address that is meant."""

_SIX_TO_FOUR = ip_network("2002::/16")
"""RFC 3056: the 32 bits after the prefix are the IPv4 address of the relay."""

_ALSO_REFUSED = (
    ip_network("192.0.0.0/24"),
    ip_network("192.88.99.0/24"),
    ip_network("168.63.129.16/32"),
    ip_network("3fff::/20"),
)
"""Protocol assignments, abandoned 6to4 relays, the management service of the host below a machine in Microsoft's cloud,
and the newer range for documentation: the standard library of Python 3.11 does not know all of these."""


def is_public(address: Address) -> bool:
    """Return whether ``address`` belongs to the public internet.

    Not public are loopback, private, link-local, shared (carrier-grade NAT), documentation, benchmark, multicast,
    reserved and unspecified addresses (the special-purpose registries of IANA, as the standard library has them),
    and IPv6 addresses that stand for such an IPv4 address.
    """
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
        if address not in _GLOBAL_IPV6:
            return False
    refused = address.is_multicast or address.is_reserved or address.is_link_local
    return address.is_global and not refused and not any(address in network for network in _ALSO_REFUSED)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that packets to ``address`` end up at, where the form of the address tells."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour if address in _SIX_TO_FOUR else None


def resolve(host: str, port: int) -> list[Address]:
    """Look up ``host`` once, as the operating system does; numbers in any spelling come back as plain addresses."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        hint = "Check the address, and that this machine has a connection to the internet."
        raise FetchFailed(f"No server called {host} was found.", hint=hint) from error
    return list(dict.fromkeys(ip_address(place[4][0]) for place in found))
