"""What a request costs in exchanges with Redis, counted at the application's own client."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis
from werkzeug.test import TestResponse

from . import keyed
from .service import Service, wrong
from .standin import StandIn

Count = Callable[[Callable[[], TestResponse]], int]


@pytest.fixture
def trips(valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Count:
    """Counts the commands that a request sends."""
    sent: list[object] = []
    execute = valkey.execute_command

    def count(*args: object, **options: object) -> object:
        sent.append(args[0])
        return execute(*args, **options)

    monkeypatch.setattr(valkey, "execute_command", count)

    def ask(request: Callable[[], TestResponse]) -> int:
        sent.clear()
        assert request().status_code < 500
        return len(sent)

    return ask


def test_a_check_is_one_round_trip(service: Service, provider: StandIn, trips: Count) -> None:
    """Wrong, right, used up or unknown; a script's first run also loads it."""
    vid = service.started()
    service.check(vid, "0000")
    guesses = [wrong(provider.code), provider.code, provider.code]
    assert [trips(lambda code=code: service.check(vid, code)) for code in guesses] == [1, 1, 1]
    assert trips(lambda: service.check("A" * 40, "1234")) == 1
    assert trips(lambda: service.check("no id", "1234")) == 0


def test_a_start_is_two_and_a_refused_one_is_one(
    service: Service, provider: StandIn, trips: Count
) -> None:
    service.started("+79160000001")
    assert trips(service.start) == 2
    assert trips(service.start) == 1
    assert len(provider.calls) == 2


def test_an_idempotency_key_is_one_more(service: Service, provider: StandIn, trips: Count) -> None:
    """A repeated start has two: whose the key is, and how its verification stands."""
    vid = keyed.start(service, "warm", "+79160000001").json["verificationId"]
    service.status(vid)
    keyed.check(service, "warm", vid, "0000")
    assert trips(lambda: keyed.start(service, "one")) == 3
    assert trips(lambda: keyed.start(service, "one")) == 2
    assert trips(lambda: keyed.check(service, "one", vid, "0000")) == 2
