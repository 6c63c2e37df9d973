"""From which address a request comes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Hops that are looked at; a chain of trusted proxies is shorter.
MOST_HOPS = 16
# What one subscriber of IPv6 has at least: single addresses would be as many as anyone wants.
SUBSCRIBER_BITS = 64
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([0-9.]+):\d+")


def networks(raw: str) -> tuple[Network, ...]:
    """CIDRs and addresses, separated by commas."""
    try:
        return tuple(ip_network(part.strip()) for part in raw.split(",") if part.strip())
    except ValueError:
        raise ValueError("give addresses or CIDRs such as 10.0.0.0/8, separated by commas") from None


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Iterable[Network]) -> Address | None:
    """The first address, from the connection outwards, that is no trusted proxy's.

    `forwarded` are the values of X-Forwarded-For, each proxy's word at the right. What stands left of an address that
    is not trusted was written by anyone. None where the peer has no address (a Unix socket).
    """
    address = _address(peer or "")
    if address is None:
        return None
    trusted = tuple(trusted)
    for hop in reversed(",".join(forwarded).split(",")[-MOST_HOPS:]):
        if not _within(address, trusted):
            return address
        before = _address(hop)
        if before is None:
            return address
        address = before
    return address


def subject(address: Address) -> str:
    """What is counted: an IPv4 address, or the network of an IPv6 subscriber."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, SUBSCRIBER_BITS), strict=False))
    return str(address)


def _within(address: Address, trusted: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in trusted)


def _address(raw: str) -> Address | None:
    raw = raw.strip()
    if found := _WITH_PORT.fullmatch(raw):
        raw = found[1] or found[2]
    try:
        address = ip_address(raw)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
