"""What a request costs in exchanges with Redis, counted at the application's own client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import pytest
import redis
from werkzeug.test import TestResponse

from tests.trips import sent_by

from . import keyed
from .service import Service, wrong
from .standin import StandIn


class Count(Protocol):
    """Makes a request; checks its status, where one is named; returns the exchanges it made."""

    def __call__(self, request: Callable[[], TestResponse], status: int = 0) -> int: ...


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Counts the exchanges that a request makes."""
    sent = sent_by(monkeypatch)

    def ask(request: Callable[[], TestResponse], status: int = 0) -> int:
        sent.clear()
        answered = request().status_code
        assert answered == status or (not status and answered < 500)
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


@pytest.fixture
def default(make: Callable[..., Service], valkey: redis.Redis, provider: StandIn) -> Service:
    """The application with production's own breaker; what a script's first run loads is loaded."""
    service = make(valkey, PROVIDER_BREAKER="5/10", START_COOLDOWNS="600")
    for key in ("placed", "refused"):
        keyed.start(service, key, "+79160000001")
    provider.answers(403, {"errorCode": 6})
    service.start("+79160000002")
    provider.reset()
    service.start("+79160000003")
    provider.reset()
    return service


def numbers() -> Iterator[str]:
    """Numbers that nothing is known of."""
    return (f"+7917{count:07}" for count in range(100))


def test_the_breaker_costs_no_round_trip(
    default: Service, valkey: redis.Redis, provider: StandIn, trips: Count
) -> None:
    """Placed, refused, failed, held back, and the probe: it is asked by what reserves, and told
    with the outcome."""
    number = numbers()
    assert [trips(lambda: default.start(next(number))) for _ in range(3)] == [2, 2, 2]
    assert trips(lambda: default.start("+79160000001"), 429) == 1
    provider.loses()
    assert trips(lambda: default.start(next(number)), 201) == 2
    provider.answers(403, {"errorCode": 6})
    assert [trips(lambda: default.start(next(number)), 502) for _ in range(4)] == [2] * 4
    assert trips(lambda: default.start(next(number)), 503) == 1
    valkey.hset("b:{wide}", "until", "0")
    assert trips(lambda: default.start(next(number)), 502) == 2
    provider.reset()
    valkey.hset("b:{wide}", "until", "0")
    assert trips(lambda: default.start(next(number))) == 2
    assert trips(lambda: default.start(next(number))) == 2
    assert not valkey.exists("b:{wide}")


def test_the_longest_start_is_three(
    default: Service, valkey: redis.Redis, provider: StandIn, trips: Count
) -> None:
    """Under an Idempotency-Key, claim, reserve, record; where nothing is reserved, the key is let
    go. That many the server's configuration counts with."""
    number = numbers()
    assert trips(lambda: keyed.start(default, "one", next(number))) == 3
    assert trips(lambda: keyed.start(default, "two", "+79160000001"), 429) == 3
    provider.answers(403, {"errorCode": 6})
    for key in range(5):
        asked = trips(lambda key=key: keyed.start(default, f"{key}", next(number)), 502)
        assert asked == 3
    assert trips(lambda: keyed.start(default, "held", next(number)), 503) == 3


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
