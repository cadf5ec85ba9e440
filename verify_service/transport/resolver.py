"""Addresses of a host: found under the deadline, without a thread, and not for each connection.

``getaddrinfo`` can be interrupted by nothing, and gevent gives even an address in digits to a
thread. The library dnspython asks the name servers of ``/etc/resolv.conf`` over ordinary sockets.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from itertools import chain, zip_longest
from pathlib import Path

from dns.exception import DNSException
from dns.inet import is_address
from dns.resolver import Answer, LifetimeTimeout, NoNameservers
from dns.resolver import Resolver as NameServers

from verify_service.transport.deadline import Deadline

HOSTS_FILE = Path("/etc/hosts")
MAX_AGE_SECONDS = 60.0
"""How long addresses are used. A shorter TTL counts."""
STALE_SECONDS = 30.0
"""How long expired addresses are used when no name server answers. Source: RFC 8767, section 5."""
TRY_SECONDS = 1.0
"""Until the next name server is asked, or the only one again: a datagram may be lost."""


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
    if is_address(host):
        return math.inf, [host]
    text = HOSTS_FILE.read_text("utf-8", "replace") if HOSTS_FILE.exists() else ""
    lines = [line.partition("#")[0].lower().split() for line in text.splitlines()]
    found = [line[0] for line in lines if host in (name.rstrip(".") for name in line[1:])]
    return (MAX_AGE_SECONDS, found) if found else None


def _by_dns(host: str, deadline: Deadline, *, known: bool) -> tuple[float, list[str]]:
    """Ask for IPv4, then for IPv6. If addresses are ``known``, do not wait long for others."""
    try:
        servers = NameServers()
    except DNSException as error:
        raise OSError(None, "/etc/resolv.conf names none") from error
    servers.timeout = TRY_SECONDS
    servers.lifetime = TRY_SECONDS * (len(servers.nameservers) + 1)
    # dnspython sleeps after the last one of the list, and no lifetime cuts its sleep short.
    servers.nameservers = [*servers.nameservers] * 3
    deadline.stage(deadline.peer, servers.lifetime if known else math.inf)
    failure: OSError = socket.gaierror(socket.EAI_NONAME, "the name has no address")
    seconds, found = MAX_AGE_SECONDS, dict[str, list[str]](A=[], AAAA=[])
    for kind, addresses in found.items():
        try:
            answer = _ask(servers, host, kind, deadline)
        except OSError as error:
            failure = error
        except DNSException:  # there is no such name
            continue
        else:
            addresses += [record.address for record in answer]
            seconds = min(seconds, answer.chaining_result.minimum_ttl)
    if not any(found.values()):
        raise failure
    pairs = zip_longest(found["AAAA"], found["A"])
    return seconds, [address for address in chain.from_iterable(pairs) if address]


def _ask(servers: NameServers, host: str, kind: str, deadline: Deadline) -> Answer:
    while True:
        lifetime = min(servers.lifetime, deadline.left())
        try:
            return servers.resolve(
                host, kind, search=True, raise_on_no_answer=False, lifetime=lifetime
            )
        except LifetimeTimeout as error:
            if kind == "AAAA":  # some servers are silent about IPv6
                raise TimeoutError from error
        except NoNameservers as error:
            raise ConnectionError(None, "it gives no answer") from error
