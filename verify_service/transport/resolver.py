"""Addresses of a host: found under the deadline, without a thread, and not for each connection.

``getaddrinfo`` can be interrupted by nothing, and gevent gives even an address in digits to a
thread. The library dnspython asks the name servers of ``/etc/resolv.conf`` over ordinary sockets.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from verify_service.transport.deadline import Deadline

HOSTS_FILE = Path("/etc/hosts")
MAX_AGE_SECONDS = 60.0
"""How long addresses are used. A shorter TTL counts."""
STALE_SECONDS = 30.0
"""How long expired addresses are used when no name server answers. Source: RFC 8767, section 5."""


class Resolver:
    """Finds the addresses of one host in ``/etc/hosts`` or by DNS.

    Attributes:
        last: The address that connected last.
    """

    def __init__(self, host: str) -> None:
        self.last = ""
        self._host = host
        self._found: list[str] = []
        self._until = 0.0
        self._turn = threading.Lock()

    def addresses(self, deadline: Deadline) -> list[str]:
        """Return the addresses, ``last`` first, then IPv6 and IPv4 in turn (RFC 8305, section 4).

        One caller at a time looks them up, and those that wait use its result.

        Raises:
            OSError: There are none, or no name server answers; ``deadline.peer`` says which.
        """
        began = time.monotonic()
        if self._until <= began:
            peer, deadline.peer = deadline.peer, f"A name server for {self._host}"
            if not self._turn.acquire(timeout=deadline.left()):
                raise TimeoutError
            try:
                if self._until <= began:
                    self._look_up(deadline)
            except socket.gaierror:
                deadline.peer = peer
                raise
            finally:
                self._turn.release()
        return sorted(self._found, key=lambda address: address != self.last)

    def forget(self) -> None:
        """Look the host up again before the next connection."""
        self._found, self._until = [], 0.0

    def _look_up(self, deadline: Deadline) -> None:
        try:
            local = _without_dns(self._host)
            seconds, self._found = local or _by_dns(self._host, deadline, known=bool(self._found))
        except socket.gaierror:  # an answer: the name has no address any more
            self._found = []
            raise
        except OSError:
            if not self._found:
                raise
            seconds = STALE_SECONDS
        self._until = time.monotonic() + seconds


def _without_dns(host: str) -> tuple[float, list[str]] | None:
    """Return the addresses that no name server is asked for: in digits, or in the hosts file."""
    with suppress(ValueError):
        ip_address(host)
        return math.inf, [host]
    text = HOSTS_FILE.read_text("utf-8", "replace") if HOSTS_FILE.exists() else ""
    lines = [line.partition("#")[0].lower().split() for line in text.splitlines()]
    found = [line[0] for line in lines if host in (name.rstrip(".") for name in line[1:])]
    return (MAX_AGE_SECONDS, found) if found else None


def _by_dns(host: str, deadline: Deadline, *, known: bool) -> tuple[float, list[str]]:
    from verify_service.transport import name_servers  # noqa: PLC0415 - see there

    seconds, found = name_servers.look_up(host, deadline, known=known)
    return min(seconds, MAX_AGE_SECONDS), found
