"""Shared by the tests: one exchange with a scripted server, and the search for secrets."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from verify_service.domain.calls import CallOutcome, Failed, Placed
from verify_service.domain.errors import TooManyCallsInFlight
from verify_service.provider.call_provider import CallProvider
from verify_service.provider.flash_call import FlashCall
from verify_service.transport.client import HttpClient
from verify_service.transport.route import Route

from .proxy import BASIC, PASSWORD
from .server import PATIENCE, Received, Server, Step, reply, send

NUMBER = "+79161112233"
CODE = "4859"
PREFIX = "7917913"
CALLER = PREFIX + CODE
TOKEN = "canary-token-Zq3"

SLACK = 2.0
"""Seconds an answer may come after the deadline on a busy machine."""
SOON = 0.2
"""A deadline for exchanges that never end by themselves."""


@dataclass(frozen=True)
class Seen:
    """The result of one exchange, at both ends."""

    outcome: CallOutcome
    requests: list[Received]
    connections: int
    seconds: float


def answer(status: int, fields: object, *headers: str) -> Step:
    """Answer with JSON."""
    return send(reply(status, json.dumps(fields).encode(), *headers))


def success(*headers: str, **more: Any) -> Step:
    """Answer as the provider does when it accepts a call."""
    return answer(200, {"requestId": "r-1", "from": CALLER, **more}, *headers)


def provider_at(url: str, **settings: Any) -> CallProvider:
    """A client with one call slot, long timeouts and no proxy, unless others are given."""
    connect_timeout, deadline = settings.pop("connect_timeout", 2.0), settings.pop("deadline", None)
    route = Route(url, connect_timeout, settings.pop("proxy", None), settings.pop("ca_file", None))
    slots = settings.pop("max_in_flight", 1)
    ordinary = {"access_key": TOKEN, "auth": "x-accesskey", "call_timeout": 30_000}
    dialect = FlashCall(f"{url}/api", **ordinary | settings)
    return CallProvider(dialect, HttpClient(dialect.endpoint, route, deadline or PATIENCE), slots)


def place(provider: CallProvider) -> CallOutcome:
    """Place a call, and check that its outcome shows no secret."""
    with provider.reserve_slot() as slot:
        outcome = slot.place(NUMBER, CODE)
    assert_silent(outcome)
    return outcome


def assert_silent(*things: object) -> None:
    """Check that none of them shows the code, the caller's number, the token or the proxy's
    password."""
    for thing in things:
        for words in (repr(thing), str(thing)):
            for secret in (CODE, TOKEN, PASSWORD, quote(PASSWORD, safe=""), BASIC):
                assert secret not in words


def exchange(*script: Step, posts: int = 1, **options: Any) -> Seen:
    """Place a call with a server that follows the script; check the deadline and the number of
    POSTs.

    Args:
        posts: How many whole requests the server must have received at the end.
        options: Of :class:`Server` (``tls``, ``gate``, ``reads``, ``keep_alive``), or of
            :func:`provider_at`.
    """
    ours = {
        name: options.pop(name) for name in ("tls", "gate", "reads", "keep_alive") & options.keys()
    }
    with Server(*script, **ours) as server:
        provider = provider_at(server.url, **options)
        began = time.monotonic()
        outcome = place(provider)
        seconds = time.monotonic() - began
        assert free_slots(provider) == 1
    assert seconds < options.get("deadline", PATIENCE) + SLACK
    assert len(server.requests) == posts
    assert server.connections <= 1
    return Seen(outcome, server.requests, server.connections, seconds)


def refused(*script: Step, **options: Any) -> Failed:
    """Return the outcome of the exchange, which is a refusal."""
    outcome = exchange(*script, **options).outcome
    assert isinstance(outcome, Failed)
    return outcome


def placed(*script: Step, **options: Any) -> Placed:
    """Return the outcome of the exchange, which is a placed call."""
    outcome = exchange(*script, **options).outcome
    assert isinstance(outcome, Placed)
    return outcome


def free_slots(provider: CallProvider) -> int:
    """Return how many more calls could be placed now, by reserving every free slot."""
    with ExitStack() as stack:
        free = 0
        while True:
            try:
                stack.enter_context(provider.reserve_slot())
            except TooManyCallsInFlight:
                return free
            free += 1
