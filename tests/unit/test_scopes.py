"""What counts as one client."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from verify_service.domain.scopes import network_of

CARRIED = [
    "198.51.100.7",
    "::ffff:198.51.100.7",
    "::ffff:c633:6407",
    "::198.51.100.7",
    "::ffff:0:198.51.100.7",
    "64:ff9b::198.51.100.7",
    "64:ff9b::c633:6407",
    "64:ff9b:1::198.51.100.7",
    "64:ff9b:1:fffe::198.51.100.7",
    "64:ff9b:1:c633:64:700::",
    "64:ff9b:1:aac6:33:6407::",
    "64:ff9b:1:aabb:c6:3364:700:0",
    "2002:c633:6407::1",
    "2002:c633:6407:1234:abcd::1",
    "2001:0:4136:e378:8000:63bf:39cc:9bf8",
    "2001::f227:39cc:9bf8",
]
OWN = {
    "::": "::/64",
    "::1": "::/64",
    "2001:db8::1": "2001:db8::/64",
    "2001:db8::ffff:198.51.100.7": "2001:db8::/64",
    "2001:db8::5efe:198.51.100.7": "2001:db8::/64",
    "64:ff9a::198.51.100.7": "64:ff9a::/64",
    "64:ff9b:2::198.51.100.7": "64:ff9b:2::/64",
    "2003:c633:6407::1": "2003:c633:6407::/64",
    "fe80::1%eth0": "fe80::/64",
}


@pytest.mark.parametrize("address", CARRIED)
def test_an_address_that_carries_an_ipv4_address_counts_by_it(address: str) -> None:
    """RFC 4291, 2765, 6052, 8215, 3056 and 4380."""
    assert network_of(ip_address(address)) == "198.51.100.7"


@pytest.mark.parametrize(("address", "network"), OWN.items())
def test_any_other_ipv6_address_counts_by_its_network(address: str, network: str) -> None:
    """ISATAP too: a client can choose the last 64 bits, and would have a budget for each choice."""
    assert network_of(ip_address(address)) == network
