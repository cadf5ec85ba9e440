"""The scopes of the limits over many numbers: a number's prefix and a client's network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network

DIGITS_BELOW_PREFIX = 4
"""A prefix is a number without these last digits: a block of 10,000 numbers."""
IPV6_PREFIX_BITS = 64
"""A person with IPv6 has at least a /64, and can use all of its addresses."""


def prefix_of(number: str) -> str:
    """Return ``+7917913`` for ``+79179136787``."""
    return number[:-DIGITS_BELOW_PREFIX]


def network_of(address: IPv4Address | IPv6Address) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of an IPv6 address."""
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return str(mapped)
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), IPV6_PREFIX_BITS), strict=False))
