"""Addresses of a host: found under the deadline, without a thread, and not for each connection.

``getaddrinfo`` can be interrupted by nothing, and gevent gives even an address in digits to a
thread. The library dnspython asks the name servers of ``/etc/resolv.conf`` over ordinary sockets.
"""

from __future__ import annotations

import math
import socket
import time
from pathlib import Path

from dns.exception import DNSException
from dns.inet import is_address
from dns.resolver import Resolver as NameServers

from verify_service.transport.deadline import Deadline

HOSTS_FILE = Path("/etc/hosts")
MAX_AGE_SECONDS = 60.0
"""How long addresses are used. A shorter TTL counts."""
TRY_SECONDS = 1.0
"""Until a name server is asked again: a datagram may be lost."""


class Resolver:
    """Finds the addresses of one host in ``/etc/hosts`` or by DNS."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._found: list[str] = []
        self._until = 0.0

    def addresses(self, deadline: Deadline) -> list[str]:
        """Return the addresses, those of IPv6 first. Raises OSError if there are none."""
        if time.monotonic() >= self._until:
            seconds, self._found = _in_hosts_file(self._host) or _by_dns(self._host, deadline)
            self._until = time.monotonic() + seconds
        return self._found

    def forget(self) -> None:
        """Look the host up again before the next connection."""
        self._until = 0.0


def _in_hosts_file(host: str) -> tuple[float, list[str]] | None:
    """Return the addresses from the file; of an address, itself."""
    if is_address(host):
        return math.inf, [host]
    text = HOSTS_FILE.read_text("utf-8", "replace") if HOSTS_FILE.exists() else ""
    lines = [line.partition("#")[0].lower().split() for line in text.splitlines()]
    found = [line[0] for line in lines if host in line[1:]]
    return (MAX_AGE_SECONDS, found) if found else None


def _by_dns(host: str, deadline: Deadline) -> tuple[float, list[str]]:
    seconds, found = MAX_AGE_SECONDS, list[str]()
    for kind, share in (("AAAA", 0.5), ("A", 1.0)):  # some servers are silent about IPv6
        lifetime = deadline.left() * share
        try:
            servers = NameServers()
            servers.timeout = TRY_SECONDS
            answer = servers.resolve(
                host, kind, search=True, raise_on_no_answer=False, lifetime=lifetime
            )
        except DNSException:
            continue
        found += [record.address for record in answer]
        seconds = min(seconds, answer.chaining_result.minimum_ttl)
    deadline.left()
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
    return seconds, found
