"""What the name servers of ``/etc/resolv.conf`` answer. The library dnspython asks them.

It is imported with the first name: that takes 28 ms of CPU.
"""

from __future__ import annotations

import math
import socket
from itertools import chain, zip_longest

from dns.exception import DNSException
from dns.resolver import Answer, LifetimeTimeout, NoNameservers
from dns.resolver import Resolver as NameServers

from verify_service.transport.deadline import Deadline

TRY_SECONDS = 1.0
"""Until the next name server is asked, or the only one again: a datagram may be lost."""


def look_up(host: str, deadline: Deadline, *, known: bool) -> tuple[float, list[str]]:
    """Ask for IPv4, then for IPv6.

    Args:
        known: Whether addresses are known already: then it does not wait long for others.

    Returns:
        The seconds for which the answer may be used, and the addresses.

    Raises:
        OSError: There are none, or no name server answers.
    """
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
    seconds, found = math.inf, dict[str, list[str]](A=[], AAAA=[])
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
