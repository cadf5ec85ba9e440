"""The comparison for one fault: clients, provider and Redis must agree."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import redis

from tests.faults.ledger import GUESSES, Ledger, Row
from tests.waiting import wait_until
from verify_service.domain.ids import VerificationKey
from verify_service.store import keys

PATIENCE = 60
_START = {0, 201, 409, 502, 503}
_CHECK = {0, 200, 409, 503}


@dataclass
class Fault:
    """One fault, from the first login of its load to the last."""

    name: str
    ledger: Ledger
    forgetful: int = 0
    """Codes in use at the moment at which Redis may forget: each may be right once more."""
    began: float = 0.0
    healed: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    """How often each number was to be called, by the provider's requests."""

    def wait_until_struck(self, *statuses: int, times: int, kind: str = "") -> None:
        """Wait until this many requests since the beginning ended with one of these statuses, or
        any."""

        def struck() -> bool:
            done = self.ledger.done_since(self.began, kind)
            return sum(one.status in statuses or not statuses for one in done) >= times

        wait_until(struck, PATIENCE)

    def begin(self) -> None:
        """Note that the fault begins now."""
        self.began = time.monotonic()

    def heal(self) -> None:
        """Note that the fault is over now."""
        self.healed = time.monotonic()

    def row(self, kind: str) -> Row:
        return summed(self.name, self.ledger, self.calls, self.ledger.recovery(self.healed, kind))

    def check_sums(self) -> None:
        """Check what holds in every fault: each request ended, and nothing happened twice."""
        book = self.ledger
        unknown = {404} if self.forgetful else set()
        for kind, allowed in {"start": _START, "check": _CHECK | unknown}.items():
            assert {one.status for one in book.done_since(0, kind)} <= allowed
        assert book.given_up == []
        assert set(self.calls) <= set(book.starts), "a call that was never requested"
        assert set(self.calls.values()) <= {1}, "a number was called twice"
        assert book.accepted_twice() <= self.forgetful
        assert book.guesses_over() <= self.forgetful
        returned = {n for n, one in book.started.items() if one.answer["call"]["state"] in _RANG}
        assert returned <= set(self.calls), "a call was returned that was never placed"

    def in_redis(self, client: redis.Redis, but: tuple[float, float] = (0.0, 0.0)) -> None:
        """Compare with the data in Redis, verification by verification.

        Args:
            client: Of the master that has our data.
            but: The period whose data it may have forgotten. Logins with an answer in this period
                are not compared.
        """
        book, kept = self.ledger, _kept(client)
        meant = {number for number in book.starts if not book.was_active(number, *but)}
        assert not {n for n in meant if len(kept[n]) > 1}, "one start, two verifications"
        there = {n: kept[n][0] for n in meant if kept[n]}
        assert meant & set(self.calls) <= set(there), "a call without a reservation"
        assert meant & set(book.started) <= set(there), "a start that was returned and is not kept"
        approved = {number for number, one in there.items() if one["state"] == "approved"}
        assert approved == meant & book.verified, "codes used, and codes returned to be right"
        compared = {number: GUESSES - one["left"] for number, one in there.items()}
        assert compared == {n: book.compared(n) for n in there}, "guesses counted, and guesses made"


_RANG = ("placed", "delivered", "undelivered")


def _kept(client: redis.Redis) -> defaultdict[str, list[dict[str, Any]]]:
    """Return the verifications by number, without the plus."""
    kept: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in verifications(client):
        kept[one["number"].removeprefix("+")].append(one)
    return kept


def verifications(client: redis.Redis) -> list[dict[str, Any]]:
    """Return all verifications in Redis."""
    texts = [
        client.get(key) for key in client.scan_iter(keys.verification(VerificationKey("*", "*")))
    ]
    # One that has expired since the scan is no longer there.
    return [json.loads(text) for text in texts if text]


def summed(name: str, book: Ledger, calls: Counter[str], seconds: float) -> Row:
    """Return the table's row for one fault."""
    return Row(
        name,
        *(len(book.sent), book.answered, book.count(503), book.count(0)),
        *(calls.total(), sum(count - 1 for count in calls.values())),
        *(book.accepted_twice(), book.guesses_over(), seconds),
    )
