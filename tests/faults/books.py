"""The books about one fault: what clients, the provider and Redis say must add up."""

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
    """Codes in use at the moment in which Redis may forget: each may be right once more."""
    began: float = 0.0
    healed: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    """How often each number was to be called, as the provider heard it."""

    def strikes(self, *statuses: int, times: int, kind: str = "") -> None:
        """Last until so many requests sent since it began came to this, or to anything."""

        def struck() -> bool:
            done = self.ledger.done_since(self.began, kind)
            return sum(one.status in statuses or not statuses for one in done) >= times

        wait_until(struck, PATIENCE)

    def begin(self) -> None:
        """From now on something is in the way."""
        self.began = time.monotonic()

    def heal(self) -> None:
        """From now on nothing is in the way any more."""
        self.healed = time.monotonic()

    def row(self, kind: str) -> Row:
        return summed(self.name, self.ledger, self.calls, self.ledger.recovery(self.healed, kind))

    def adds_up(self) -> None:
        """What holds whatever breaks: each request came to something, and nothing came twice."""
        book = self.ledger
        unknown = {404} if self.forgetful else set()
        for kind, allowed in {"start": _START, "check": _CHECK | unknown}.items():
            assert {one.status for one in book.done_since(0, kind)} <= allowed
        assert book.given_up == []
        assert set(self.calls) <= set(book.starts), "a call that was never asked for"
        assert set(self.calls.values()) <= {1}, "a number was called twice"
        assert book.accepted_twice() <= self.forgetful
        assert book.guesses_over() <= self.forgetful
        told = {n for n, one in book.started.items() if one.answer["call"]["state"] in _RANG}
        assert told <= set(self.calls), "a call was told that was never placed"

    def in_redis(self, client: redis.Redis, but: tuple[float, float] = (0.0, 0.0)) -> None:
        """Compare with what Redis keeps, verification by verification.

        Args:
            client: Of the master that has our data.
            but: The moments between which it may have forgotten something. Logins that went on
                within are not compared, the others are.
        """
        book, kept = self.ledger, _kept(client)
        meant = {number for number in book.starts if not book.went_on(number, *but)}
        assert not {n for n in meant if len(kept[n]) > 1}, "one start, two verifications"
        there = {n: kept[n][0] for n in meant if kept[n]}
        assert meant & set(self.calls) <= set(there), "a call without a reservation"
        assert meant & set(book.started) <= set(there), "a start that was told and is not kept"
        approved = {number for number, one in there.items() if one["state"] == "approved"}
        assert approved == meant & book.verified, "codes used, and codes told to be right"
        compared = {number: GUESSES - one["left"] for number, one in there.items()}
        assert compared == {n: book.compared(n) for n in there}, "guesses counted, and guesses made"


_RANG = ("placed", "delivered", "undelivered")


def _kept(client: redis.Redis) -> defaultdict[str, list[dict[str, Any]]]:
    """By number, without the plus."""
    kept: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in verifications(client):
        kept[one["number"].removeprefix("+")].append(one)
    return kept


def verifications(client: redis.Redis) -> list[dict[str, Any]]:
    """Return all that Redis keeps."""
    texts = [
        client.get(key) for key in client.scan_iter(keys.verification(VerificationKey("*", "*")))
    ]
    # One that has ended since the scan saw it is no longer there.
    return [json.loads(text) for text in texts if text]


def summed(name: str, book: Ledger, calls: Counter[str], seconds: float) -> Row:
    """Return the row of one fault."""
    return Row(
        name,
        *(len(book.sent), book.answered, book.count(503), book.count(0)),
        *(calls.total(), sum(count - 1 for count in calls.values())),
        *(book.accepted_twice(), book.guesses_over(), seconds),
    )
