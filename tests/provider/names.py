"""A name server for these tests: a real one over UDP, whose answers a test chooses."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections import Counter
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest
from dns.nameserver import Do53Nameserver

NAME = "provider.test"


class NameServer:
    """Answers for ``NAME`` for as long as its ``with`` block lasts.

    Attributes:
        addresses: What the name resolves to; None for no answer, as of a server that hangs.
        ttl: Seconds.
        fails: Whether the server answers SERVFAIL.
        delay: Seconds before each answer.
        silent: The kinds that get no answer.
        asked: How often each kind was asked for.
    """

    def __init__(self, *addresses: str, ttl: int = 300) -> None:
        self.addresses: tuple[str, ...] | None = addresses
        self.ttl = ttl
        self.fails = False
        self.delay = 0.0
        self.silent: set[str] = set()
        self.asked: Counter[str] = Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()

    def install(self, patch: pytest.MonkeyPatch) -> Self:
        """Take the place of the name servers of ``/etc/resolv.conf``."""
        install(patch, self)
        return self

    @property
    def port(self) -> int:
        """The UDP port."""
        port: int = self._socket.getsockname()[1]
        return port

    def _serve(self) -> None:
        while True:
            datagram, address = self._socket.recvfrom(4096)
            if not datagram:
                return
            question = dns.message.from_wire(datagram)
            kind = dns.rdatatype.to_text(question.question[0].rdtype)
            self.asked[kind] += 1
            time.sleep(self.delay)
            if self.addresses is not None and kind not in self.silent:
                self._socket.sendto(self._answer(question, kind), address)

    def _answer(self, question: dns.message.Message, kind: str) -> bytes:
        answer = dns.message.make_response(question)
        name = question.question[0].name
        if str(name) != f"{NAME}.":
            answer.set_rcode(dns.rcode.NXDOMAIN)
        family = {"A": 4, "AAAA": 6}[kind]
        if self.fails:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer.to_wire()
        found = [a for a in self.addresses or () if ipaddress.ip_address(a).version == family]
        if found:
            answer.answer.append(dns.rrset.from_text(name, self.ttl, "IN", kind, *found))
        return answer.to_wire()


def install(patch: pytest.MonkeyPatch, *servers: NameServer) -> None:
    """Let these be the name servers of ``/etc/resolv.conf``, in this order."""

    def configure(resolver: dns.resolver.Resolver, _file: object) -> None:
        resolver.nameservers = [Do53Nameserver("127.0.0.1", server.port) for server in servers]

    patch.setattr(dns.resolver.Resolver, "read_resolv_conf", configure)
