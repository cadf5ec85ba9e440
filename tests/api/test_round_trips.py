"""What a request costs in exchanges with Redis, counted at the application's own client."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import redis
from werkzeug.test import TestResponse

from tests.trips import sent_by

from . import keyed
from .service import Service, wrong
from .standin import StandIn

Count = Callable[[Callable[[], TestResponse]], int]


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Counts the exchanges that a request makes."""
    sent = sent_by(monkeypatch)

    def ask(request: Callable[[], TestResponse]) -> int:
        sent.clear()
        assert request().status_code < 500
        return len(sent)

    return ask


def test_a_check_is_one_round_trip(service: Service, provider: StandIn, trips: Count) -> None:
    """Wrong, right, used up or unknown; a script's first run also loads it."""
    vid = service.started()
    service.check(vid, "0000")
    service.check(vid, "0001")
    vid = service.started("+79160000001")
    guesses = [wrong(provider.code), provider.code, provider.code]
    assert [trips(lambda code=code: service.check(vid, code)) for code in guesses] == [1, 1, 1]
    assert trips(lambda: service.check("A" * 40, "1234")) == 1
    assert trips(lambda: service.check("no id", "1234")) == 0


def test_a_start_is_two(service: Service, provider: StandIn, trips: Count) -> None:
    """One that reserves and one that records, whatever else is told to the guards meanwhile."""
    for number in ("+79160000001", "+79160000002"):  # a script's first run also loads it
        service.check(service.started(number), provider.code)
    assert trips(service.start) == 2
    assert trips(lambda: service.start("+79160000003")) == 2


def test_the_breaker_is_asked_once_a_second(
    make: Callable[..., Service], valkey: redis.Redis, provider: StandIn, trips: Count
) -> None:
    """By each process; while all is well it is told nothing."""
    service = make(valkey, PROVIDER_BREAKER="5/10")
    breaker = service.app.extensions["verify_service"].verifications.breaker
    service.started("+79160000001")
    breaker._known_until = time.monotonic() + 60  # what it has learned stays young
    assert trips(service.start) == 2
    breaker._known_until = 0
    assert trips(lambda: service.start("+79160000002")) == 3


def test_the_longest_start_is_five(
    make: Callable[..., Service], valkey: redis.Redis, provider: StandIn, trips: Count
) -> None:
    """Claim, the breaker's question, reserve; record, and what the breaker has to hear. That many
    the server's configuration counts with."""
    service = make(valkey, PROVIDER_BREAKER="5/10")
    provider.loses()
    for key in ("warm", "five"):
        number = f"+7916000000{len(provider.calls)}"
        asked = trips(lambda key=key, number=number: keyed.start(service, key, number))
    assert asked == 5


def test_a_refused_start_is_one(service: Service, provider: StandIn, trips: Count) -> None:
    """Nobody is called, and nothing has to be given back."""
    service.started()
    service.start()
    assert trips(service.start) == 1
    assert len(provider.calls) == 1


def test_a_known_device_in_a_full_prefix_is_two(
    make, valkey, provider: StandIn, trips: Count
) -> None:
    """As any start; and a made-up one's, which is refused, is one."""
    service = make(valkey, STARTS_PER_PREFIX="1/3600", START_COOLDOWNS="0")
    vid = service.started(deviceId="owner")
    service.check(vid, provider.code)
    assert service.start(deviceId="nobody").json["limit"] == "prefix"
    calls = len(provider.calls)
    assert trips(lambda: service.start(deviceId="nobody")) == 1
    assert len(provider.calls) == calls
    assert trips(lambda: service.start(deviceId="owner")) == 2
    assert len(provider.calls) == calls + 1


def test_an_idempotency_key_is_one_more(service: Service, provider: StandIn, trips: Count) -> None:
    """A repeated start has two: whose the key is, and how its verification stands."""
    vid = keyed.start(service, "warm", "+79160000001").json["verificationId"]
    service.status(vid)
    keyed.check(service, "warm", vid, "0000")
    assert trips(lambda: keyed.start(service, "one")) == 3
    assert trips(lambda: keyed.start(service, "one")) == 2
    assert trips(lambda: keyed.check(service, "one", vid, "0000")) == 2
