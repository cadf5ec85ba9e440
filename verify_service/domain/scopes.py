"""The scopes of the limits over many numbers: a number's prefix and a client's network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

DIGITS_BELOW_PREFIX = 4
"""A prefix is a number without these last digits: a block of 10,000 numbers."""
IPV6_PREFIX_BITS = 64
"""A person with IPv6 has at least a /64, and can use all of its addresses."""


def prefix_of(number: str) -> str:
    """Return ``+7917913`` for ``+79179136787``."""
    return number[:-DIGITS_BELOW_PREFIX]


_LAST_32_BITS = tuple(
    map(
        IPv6Network,
        (
            "::ffff:0:0/96",  # IPv4-mapped: RFC 4291, 2.5.5.2
            "::/96",  # IPv4-compatible: RFC 4291, 2.5.5.1
            "::ffff:0:0:0/96",  # IPv4-translated: RFC 2765, 2.1
            "64:ff9b::/96",  # the well-known prefix of translators: RFC 6052, 2.1
        ),
    )
)
"""Networks whose addresses end in an IPv4 address."""
_LOCAL_TRANSLATORS = IPv6Network("64:ff9b:1::/48")
"""RFC 8215. An operator chooses a prefix of 48, 56, 64 or 96 bits in it."""
_NO_HOST = IPv4Network("0.0.0.0/8")
"""RFC 1122, 3.2.1.3. So ``::`` and ``::1`` carry no IPv4 address."""


def network_of(address: IPv4Address | IPv6Address) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of an IPv6 address.

    An IPv6 address that carries the client's IPv4 address counts by that one.
    """
    found = _carried(address) if isinstance(address, IPv6Address) else address
    if found is not None and found not in _NO_HOST:
        return str(found)
    return str(IPv6Network((int(address), IPV6_PREFIX_BITS), strict=False))


def _carried(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address in an IPv6 address.

    ISATAP (RFC 5214) is not among them: there the IPv4 address is in the last 64 bits, which a
    client can choose. Translators with a prefix of the operator's own are not either: nothing in
    such an address shows them.
    """
    if any(address in network for network in _LAST_32_BITS):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _LOCAL_TRANSLATORS:
        return _translated(int(address))
    if address.teredo:
        return address.teredo[1]  # RFC 4380: its server, and the client
    return address.sixtofour  # RFC 3056


def _translated(address: int) -> IPv4Address:
    """Return the IPv4 address of a local-use prefix (RFC 6052, 2.2).

    With a prefix under 96 bits, the IPv4 address is written around the bits 64 to 71, and zeros
    follow it. With 96 bits it is at the end, and no host's address ends in 24 zero bits.
    """
    # Without the bits 64 to 71: 64 bits, then 56.
    joined = (address >> 64 << 56) | (address & ((1 << 56) - 1))
    for prefix in (48, 56, 64):
        after = 120 - prefix - 32
        if joined % (1 << after) == 0:
            return IPv4Address(joined >> after & 0xFFFF_FFFF)
    return IPv4Address(address & 0xFFFF_FFFF)
