"""The exchanges with Redis that a request costs, counted at the application's own client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest
import redis
from werkzeug.test import TestResponse

from tests.trips import sent_by
from verify_service.store import keys

from . import keyed
from .service import Service, wrong
from .standin import StandIn


class Count(Protocol):
    """Sends a request; checks its status, if one is given; returns its exchanges."""

    def __call__(self, request: Callable[[], TestResponse], status: int = 0) -> int: ...


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Counts the exchanges of a request."""
    sent = sent_by(monkeypatch)

    def ask(request: Callable[[], TestResponse], status: int = 0) -> int:
        sent.clear()
        answered = request().status_code
        assert answered == status or (not status and answered < 500)
        return len(sent)

    return ask


def test_a_check_is_one_round_trip(service: Service, provider: StandIn, trips: Count) -> None:
    """Wrong, right, used up or unknown, and under an Idempotency-Key as well."""
    vid = service.started()
    guesses = [wrong(provider.code), provider.code, provider.code]
    assert [trips(lambda code=code: service.check(vid, code)) for code in guesses] == [1, 1, 1]
    vid = service.started("+79160000001")
    for code in (wrong(provider.code), provider.code):
        for _ in range(2):
            assert trips(lambda code=code: keyed.check(service, code, vid, code), 200) == 1
    assert trips(lambda: service.check("A" * 40, "1234")) == 1
    assert trips(lambda: service.check("no id", "1234")) == 0


def test_a_start_is_two_round_trips(service: Service, provider: StandIn, trips: Count) -> None:
    """One reserves and one records, and both carry what the guards need."""
    service.check(service.started("+79160000001"), provider.code)
    assert trips(service.start) == 2
    assert trips(lambda: service.start("+79160000003")) == 2


@pytest.fixture
def default(make: Callable[..., Service], valkey: redis.Redis, provider: StandIn) -> Service:
    """The application with production's own breaker, and its library loaded."""
    service = make(valkey, PROVIDER_BREAKER="5/10", START_COOLDOWNS="600")
    service.start("+79160000001")
    return service


def end_the_pause(client: redis.Redis) -> None:
    """End the breaker's pause now, so that the next start is the probe."""
    state = json.loads(client.get(keys.BREAKER))
    client.set(keys.BREAKER, json.dumps(state | {"until": 0}), keepttl=True)


def numbers() -> Iterator[str]:
    """Yield new numbers."""
    return (f"+7917{count:07}" for count in range(100))


def test_the_breaker_costs_no_round_trip(
    default: Service, valkey: redis.Redis, provider: StandIn, trips: Count
) -> None:
    """Placed, refused, failed, refused by the breaker, and the probe: the reservation reads the
    breaker, and the record updates it."""
    number = numbers()
    assert [trips(lambda: default.start(next(number))) for _ in range(3)] == [2, 2, 2]
    assert trips(lambda: default.start("+79160000001"), 429) == 1
    provider.loses()
    assert trips(lambda: default.start(next(number)), 201) == 2
    provider.answers(403, {"errorCode": 6})
    assert [trips(lambda: default.start(next(number)), 502) for _ in range(4)] == [2] * 4
    assert trips(lambda: default.start(next(number)), 503) == 1
    end_the_pause(valkey)
    assert trips(lambda: default.start(next(number)), 502) == 2
    provider.reset()
    end_the_pause(valkey)
    assert trips(lambda: default.start(next(number))) == 2
    assert trips(lambda: default.start(next(number))) == 2
    assert not valkey.exists(keys.BREAKER)


def test_an_idempotency_key_costs_no_round_trip(
    default: Service, provider: StandIn, trips: Count
) -> None:
    """A start reserves and records, as the server's configuration assumes. A repeat and a refusal
    cost one exchange."""
    number = numbers()
    first = next(number)
    assert trips(lambda: keyed.start(default, "one", first), 201) == 2
    assert trips(lambda: keyed.start(default, "one", first), 201) == 1
    assert trips(lambda: keyed.start(default, "one", next(number)), 422) == 1
    assert trips(lambda: keyed.start(default, "two", "+79160000001"), 429) == 1
    provider.answers(403, {"errorCode": 6})
    for key in range(5):
        asked = trips(lambda key=key: keyed.start(default, f"{key}", next(number)), 502)
        assert asked == 2
    assert trips(lambda: keyed.start(default, "held", next(number)), 503) == 1


def test_a_server_that_does_not_know_the_library_costs_one_more(
    service: Service, valkey: redis.Redis, trips: Count
) -> None:
    """Once: the first decision loads the resolved library."""
    vid = service.started()
    valkey.function_flush()
    assert trips(lambda: service.status(vid), 200) == 2
    assert trips(lambda: service.check(vid, "0000"), 200) == 1
    assert trips(lambda: service.start("+79160000001"), 201) == 2


def test_a_refused_start_is_one(service: Service, provider: StandIn, trips: Count) -> None:
    """No call is placed, and there is nothing to refund."""
    service.started()
    service.start()
    assert trips(service.start) == 1
    assert len(provider.calls) == 1


def test_a_known_device_in_a_full_prefix_is_two(
    make, valkey, provider: StandIn, trips: Count
) -> None:
    """As any start. The refused start of a made-up device costs one."""
    service = make(valkey, STARTS_PER_PREFIX="1/3600", START_COOLDOWNS="0")
    vid = service.started(deviceId="owner")
    service.check(vid, provider.code)
    assert service.start(deviceId="made-up device").json["limit"] == "prefix"
    calls = len(provider.calls)
    assert trips(lambda: service.start(deviceId="made-up device")) == 1
    assert len(provider.calls) == calls
    assert trips(lambda: service.start(deviceId="owner")) == 2
    assert len(provider.calls) == calls + 1
