"""A store under test, with the clock that its functions read."""

from __future__ import annotations

import itertools
import json
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import redis
from time_machine import Traveller

from tests.redis_clients import store_client
from tests.statuses import call_status
from verify_service.domain.calls import CallOutcome, Placed
from verify_service.domain.errors import DestinationBlocked, LimitReached
from verify_service.domain.idempotency import Nonce
from verify_service.domain.ids import VerificationIds
from verify_service.domain.limits import (
    BLOCKED,
    ConversionThreshold,
    Notice,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import (
    Binding,
    CheckedGuess,
    DeliveryReport,
    NewVerification,
    Verification,
)
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store.connection.client import Client
from verify_service.store.functions import Functions
from verify_service.store.operator import RedisOperator
from verify_service.store.outbox import OutboxOperator, RedisOutbox
from verify_service.store.policy import encode
from verify_service.store.statistics import RedisStatistics
from verify_service.store.verifications import RedisStore

NUMBER = "+79179136787"
OTHER_NUMBER = "+79179136788"
APP = "login"
RIGHT, WRONG = "right".ljust(22, "-"), "wrong".ljust(22, "-")
"""Digests, as long as real ones."""
OPEN = WideLimits(
    client_ip=(),
    prefix=(),
    country=(),
    app=(),
    day=(),
    conversion_prefix=ConversionThreshold(10**9, 0.2, blocks=True),
    conversion_country=ConversionThreshold(10**9, 0.2, blocks=False),
)
"""No limit but a number's own."""
CLOCK_KEY = "test:clock"
COUNTED = ("{verify}:limit:", "{verify}:conversion:", "{verify}:guesses")
"""The prefixes of the keys that count over all numbers."""

STATISTICS = ("{verify}:counts", "{verify}:timeline")
"""The prefixes of the keys that only count and log what happened. No decision reads them."""


class Clock(Protocol):
    """Time that passes only when a test advances it."""

    def milliseconds(self) -> int: ...
    def advance(self, seconds: float) -> None: ...


class TravelingClock:
    """The process' own time, which fakeredis reads for TIME and for expiry.

    Half a millisecond is added throughout, so that no rounding of floats decides a test.
    """

    START = 1_790_000_000.0005

    def __init__(self, traveler: Traveller) -> None:
        self._traveler = traveler

    def milliseconds(self) -> int:
        return int(time.time() * 1000)

    def advance(self, seconds: float) -> None:
        self._traveler.shift(timedelta(milliseconds=round(seconds * 1000)))


class KeptClock:
    """A time kept in a real server, which the functions are made to read instead of TIME.

    The server's own expiry cannot be moved, so what has become due is deleted instead. Time starts
    at the real present and only moves on: the server never expires a key early.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._now = int(time.time()) * 1000
        self.advance(0)

    def milliseconds(self) -> int:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += round(seconds * 1000)
        self._client.set(CLOCK_KEY, self._now, ex=86_400)
        for key in self._client.scan_iter():
            if key != CLOCK_KEY and 0 <= int(self._client.pexpiretime(key)) <= self._now:
                self._client.delete(key)


class ServerClock:
    """The server's own time. It cannot be moved, so a test waits only a short time."""

    LONGEST = 0.2

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def milliseconds(self) -> int:
        seconds, microseconds = self._client.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def advance(self, seconds: float) -> None:
        time.sleep(min(seconds, self.LONGEST))


@dataclass(frozen=True)
class UsedUp:
    """The used part of a number's budget."""

    starts: int = 0
    failures: int = 0


class World:
    """Short methods for what tests do with one store."""

    def __init__(
        self,
        client: redis.Redis,
        clock: Clock | None,
        number_limits: NumberLimits,
        wide_limits: WideLimits | None = None,
        *,
        connected: Client | None = None,
    ) -> None:
        self.client = client
        self.wide_limits = wide_limits or OPEN
        self.notices: list[Notice] = []
        self.ids = VerificationIds(b"number-secret-of-the-store-tests")
        self.number_limits = number_limits
        self.connected = connected or store_client(client)
        self.functions = Functions(self.connected, encode(number_limits, self.wide_limits))
        self.webhook_apps: set[str] = set()
        self.added: list[tuple[str, int]] = []
        self.store = RedisStore(
            self.functions,
            self.ids,
            self.wide_limits,
            self.notices.append,
            webhook_apps=self.webhook_apps,
            events_added=lambda *added: self.added.append(added),
        )
        self.outbox = RedisOutbox(self.functions)
        self.outboxes = OutboxOperator(self.functions, self.ids)
        self.operator = RedisOperator(self.functions, self.ids, number_limits, self.wide_limits)
        self.statistics = RedisStatistics(self.functions, self.ids)
        self._clock = clock
        self._requests = itertools.count(1)
        self._new: dict[str, NewVerification] = {}

    @property
    def now(self) -> int:
        """Unixtime in milliseconds."""
        assert self._clock
        return self._clock.milliseconds()

    def advance(self, seconds: float) -> None:
        assert self._clock
        self._clock.advance(seconds)

    def under(self, number_limits: NumberLimits) -> World:
        """Return the same world under other limits."""
        return World(
            self.client, self._clock, number_limits, self.wide_limits, connected=self.connected
        )

    def within(self, wide_limits: WideLimits) -> World:
        """Return the same world under other limits over all numbers."""
        return World(
            self.client, self._clock, self.number_limits, wide_limits, connected=self.connected
        )

    def new(
        self,
        number: str = NUMBER,
        *,
        app: str = APP,
        reference: str | None = None,
        device: str = "",
        key: str = "",
    ) -> NewVerification:
        """Return what a start would reserve; ``key`` is its Idempotency-Key's digest."""
        binding = Binding(key, "body") if key else None
        verification_id = self.ids.create(number)
        new = NewVerification(
            verification_id, app, number, reference, RIGHT, device=device, idempotency=binding
        )
        self._new[verification_id] = new
        return new

    def reserve(
        self,
        number: str = NUMBER,
        *,
        app: str = APP,
        reference: str | None = None,
        device: str = "",
    ) -> Verification:
        """Reserve, the call still being placed."""
        new = self.new(number, app=app, reference=reference, device=device)
        return self.store.reserve(new).verification

    def record(self, verification: Verification, outcome: CallOutcome) -> Verification:
        """Record the outcome of a call that :meth:`new` began."""
        return self.store.record(self._new[verification.id], outcome)

    def start(
        self,
        number: str = NUMBER,
        *,
        app: str = APP,
        request: str | None = None,
        device: str = "",
    ) -> Verification:
        """Reserve and record a placed call."""
        request = request or f"request-{next(self._requests)}"
        reserved = self.reserve(number, app=app, device=device)
        return self.record(reserved, Placed(request, "7917913", 11))

    def refusal(self, number: str = NUMBER, *, device: str = "") -> tuple[str, int] | None:
        """Try to reserve; return the limit and its seconds, or None if it was let through."""
        try:
            self.reserve(number, device=device)
        except LimitReached as refused:
            return refused.limit, refused.retry_after
        except DestinationBlocked as block:
            return BLOCKED, block.seconds
        return None

    def check(
        self, verification: Verification, *digests: str, app: str = APP, nonce: str | None = None
    ) -> CheckedGuess:
        """Check with the digests of a guess; the code's own is ``RIGHT``."""
        nonce = nonce or secrets.token_urlsafe(8)
        return self.store.check(verification.id, app, digests or (RIGHT,), Nonce(nonce))

    def status(self, verification: Verification, app: str = APP) -> Verification:
        return self.store.status(verification.id, app)

    def used(self, number: str = NUMBER) -> UsedUp:
        """Return what strangers have used, by the longest windows."""
        budgets = self.operator.diagnose(number, "RU", []).budgets
        if not budgets:
            return UsedUp()
        return UsedUp(budgets[0].starts[-1].used, budgets[0].guesses[-1].used)

    def report(
        self, status: FlashCallStatus, stamp: int = 100, *, request: str, number: str = NUMBER
    ) -> bool:
        """Deliver a callback; return whether it was applied."""
        return self.store.record_callback(
            DeliveryReport(request, number, call_status(status), stamp)
        )

    def dump(self) -> dict[str, tuple[object, int]]:
        """Return all data that decisions read, with every key's expiry.

        If only a number's own limits are in force, the counts over all numbers are left out.
        """
        return {
            key: (self._value(key), self.client.pexpiretime(key))
            for key in self.client.scan_iter()
            if key != CLOCK_KEY
            and not key.startswith(STATISTICS)
            and not (self.wide_limits is OPEN and key.startswith(COUNTED))
        }

    def _value(self, key: str) -> object:
        if self.client.type(key) == "hash":
            return {name: json.loads(text) for name, text in self.client.hgetall(key).items()}
        return json.loads(self.client.get(key))


def keys_without_ttl(client: redis.Redis) -> list[str]:
    """Return the keys that would stay for ever."""
    return [key for key in client.scan_iter() if client.pttl(key) == -1]
