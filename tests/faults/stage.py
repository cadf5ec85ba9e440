"""The real web processes, a provider that can misbehave, and whatever Redis a fault wants."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.faults.ledger import Ledger, Row
from tests.faults.load import Load
from tests.system.leaky_provider import LeakyProvider
from tests.system.observed_service import variables
from tests.system.server_process import Web
from tests.waiting import wait_until

CALLBACKS = {"CALLBACK_PATH_SECRET": ""}
DEADLINE = 2
STEADY = 20
"""Logins that go well before a fault begins, and after it has ended."""
TABLE: list[Row] = []


@dataclass
class Stage:
    """One service, and what it needs."""

    folder: Path
    redis_url: str
    more: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.provider = LeakyProvider()
        given = {
            "REDIS_URL": self.redis_url,
            "REDIS_TIMEOUT": "0.5",
            "PROVIDER_DEADLINE": f"{DEADLINE}",
            "PROVIDER_CONNECT_TIMEOUT": "1",
            "PROVIDER_BREAKER": "5/1",
            "LOG_LEVEL": "WARNING",
            **CALLBACKS,
            **self.more,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        self.web = Web("wsgi:app", self.folder / "web", variables(1, self.provider.url, **given))

    def ready(self) -> None:
        self.web.ready()
        wait_until(lambda: self.web.ask("GET", "/readyz", key=None).status == 200, 30)

    def end(self) -> None:
        self.web.process.kill()
        self.web.process.wait()
        self.provider.close()

    def code(self, number: str) -> str | None:
        call = self.provider.calls.get(number)
        return call.code if call else None

    @contextmanager
    def under_load(self, fault: str, *, kind: str = "start") -> Iterator[Fault]:
        """Logins before, during and after a fault; then the books are closed.

        Args:
            fault: Its name in the table.
            kind: Whose first good answer after it says that it is over.
        """
        before = len(self.provider.heard)
        load = Load(self.web.port, self.code)
        one = Fault(fault, load.ledger)
        with load.running() as ledger:
            wait_until(lambda: ledger.finished >= STEADY, 30)
            yield one
            settled = ledger.finished + STEADY
            wait_until(lambda: ledger.finished >= settled, 40)
        one.calls = Counter(call.number for call in self.provider.heard[before:])
        TABLE.append(one.row(kind))
        one.adds_up()


@dataclass
class Fault:
    """One fault, and the books about it."""

    name: str
    ledger: Ledger
    healed: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)

    def heal(self) -> None:
        """From now on nothing is in the way any more."""
        self.healed = time.monotonic()

    def row(self, kind: str) -> Row:
        return summed(self.name, self.ledger, self.calls, self.ledger.recovery(self.healed, kind))

    @property
    def double_calls(self) -> int:
        return sum(count - 1 for count in self.calls.values())

    def adds_up(self) -> None:
        """What holds whatever breaks: each request is accounted for, and nothing came twice."""
        book = self.ledger
        assert len(book.sent) == book.answered + book.count(503) + book.count(0)
        assert book.given_up == []
        assert set(book.statuses) <= {0, 200, 201, 404, 409, 429, 502, 503}, book.statuses
        assert self.double_calls == 0
        assert book.accepted_twice() == 0
        assert book.guesses_over() == 0
        placed = [
            number
            for number, answer in book.started.items()
            if answer["call"]["state"] in ("placed", "delivered")
        ]
        assert set(placed) <= set(self.calls), "a call was told that was never placed"

    def in_redis(self, client: redis.Redis) -> None:
        """No call without a reservation, and each start that was told is there."""
        kept = {
            (client.hget(key, "number") or "").removeprefix("+") for key in client.scan_iter("v:*")
        }
        assert set(self.calls) <= kept, "a call without a reservation"
        assert set(self.ledger.started) <= kept, "a start that was told and is not kept"


def summed(fault: str, book: Ledger, calls: Counter[str], seconds: float) -> Row:
    """Return the row of one fault."""
    return Row(
        fault,
        *(len(book.sent), book.answered, book.count(503), book.count(0)),
        *(calls.total(), sum(count - 1 for count in calls.values())),
        *(book.accepted_twice(), book.guesses_over(), seconds),
    )
