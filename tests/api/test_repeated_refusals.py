"""The Idempotency-Key of a refused start is not bound, or returns the same answer again."""

from __future__ import annotations

import pytest
import redis

from verify_service.app import create_operator
from verify_service.store import keys

from . import keyed
from .keyed import outcome
from .service import NUMBER, OTHER_NUMBER, Service
from .standin import Answer, StandIn

SOMEBODY = "+79160000001"


def bound(client: redis.Redis) -> list[str]:
    """Return the Idempotency-Keys that Redis holds."""
    return client.keys(keys.idempotency_key("*"))


FAILURES = {
    **{f"errorCode {code}": Answer(400, {"errorCode": code}) for code in (1, 2, 5, 6, 10, 11, 16)},
    "throttled": Answer(429, {"errorCode": 4}, {"Retry-After": "17"}),
    "word": Answer(200, {"status": "prohibitedForServiceError"}),
    "unknown errorCode": Answer(500, {"errorCode": 77}),
    "down": Answer(503, b""),
    "redirect": Answer(302, b"", {"Location": "http://x/"}),
    "unreadable": Answer(200, b"<html>"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_failed_call_is_returned_again_in_the_same_words(
    service: Service, provider: StandIn, failure: Answer
) -> None:
    """The same HTTP status, words, errorCode, verificationId and wait. The provider gets no
    request."""
    provider.then = lambda _: failure
    first = keyed.start(service, "one", reference="r")
    provider.answers(200, {"requestId": "r"})
    again = keyed.start(service, "one", reference="r")
    assert first.status_code == (400 if failure.body == {"errorCode": 11} else 502)
    assert again.status_code == first.status_code
    assert again.json == first.json | {"restartIn": again.json["restartIn"]}
    assert again.headers.get("Retry-After") == first.headers.get("Retry-After")
    assert len(provider.calls) == 1


def test_a_connection_that_never_opened_is_returned_again(make, valkey, provider: StandIn) -> None:
    service = make(valkey, PROVIDER_URL="http://127.0.0.1:1/api")
    first, again = (keyed.start(service, "one") for _ in range(2))
    assert first.status_code == again.status_code == 502
    assert first.json == again.json


def test_a_502_is_retried_with_a_new_key(service: Service, provider: StandIn) -> None:
    provider.answers(403, {"errorCode": 6})
    first = keyed.start(service, "one")
    provider.then = provider._success
    again = keyed.start(service, "two")
    assert again.status_code == 201
    assert again.json["verificationId"] != first.json["verificationId"]


def test_a_429_binds_nothing(timed: Service, fake, clock, provider: StandIn) -> None:
    """The same key is accepted once the limit permits, and with another body at once."""
    timed.start()
    assert keyed.start(timed, "one").status_code == 429
    assert bound(fake) == []
    assert keyed.start(timed, "one", OTHER_NUMBER).status_code == 201
    assert keyed.start(timed, "two").status_code == 429
    clock.passes(30)
    assert keyed.start(timed, "two").status_code == 201


def test_a_pause_binds_nothing(service: Service, valkey, provider: StandIn) -> None:
    """The operator's pause is a 503. The same key is accepted once calls are placed again."""
    operator = create_operator(service.settings, service.client)
    operator.pause(60)
    assert outcome(keyed.start(service, "one")) == (503, "rpcError")
    assert bound(valkey) == []
    operator.resume()
    assert keyed.start(service, "one", OTHER_NUMBER).status_code == 201


def test_a_start_without_a_free_slot_binds_nothing(make, valkey, provider: StandIn) -> None:
    """Without a free call slot: 503, nothing is reserved, and the same key is accepted at once."""
    service = make(valkey, PROVIDER_MAX_IN_FLIGHT="1", THREADS="2")
    met = []

    def meanwhile(call) -> Answer:
        met.append(keyed.start(service, "one", SOMEBODY))
        return Answer(body={"requestId": "r", "from": call.caller})

    provider.then = meanwhile
    service.started()
    provider.then = provider._success
    assert outcome(met[0]) == (503, "rpcError")
    assert bound(valkey) == []
    assert keyed.start(service, "one", SOMEBODY).status_code == 201


@pytest.mark.parametrize("body", [{"number": "12"}, {"number": NUMBER, "reference": 1}, {}])
def test_an_invalid_start_binds_nothing(
    service: Service, provider: StandIn, body: dict[str, object]
) -> None:
    headers = {"Idempotency-Key": "one"}
    assert service.post("/verify/start", body, headers=headers).status_code == 400
    assert keyed.start(service, "one", OTHER_NUMBER).status_code == 201


def test_a_destination_refused_binds_nothing(make, valkey, provider: StandIn) -> None:
    service = make(valkey, ALLOWED_COUNTRIES="KZ")
    assert keyed.start(service, "one").status_code == 403
    assert valkey.keys("*") == []


def test_no_key_binds_nothing(service: Service, valkey, provider: StandIn) -> None:
    service.started()
    assert bound(valkey) == []


@pytest.mark.parametrize("key", ["", "k" * 129, "schlüssel", "tab\there", "кл".encode()])
@pytest.mark.parametrize("path", ["/verify/start", "/verify/check"])
def test_a_malformed_key_is_refused(service: Service, provider: StandIn, path: str, key) -> None:
    """400 with the header's name among the errors. Nothing is bound and no call is placed."""
    bodies = {
        "/verify/start": {"number": NUMBER},
        "/verify/check": {"verificationId": "A" * 40, "code": "1234"},
    }
    text = key.decode("latin-1") if isinstance(key, bytes) else key
    answer = service.post(path, bodies[path], headers={"Idempotency-Key": text})
    assert outcome(answer) == (400, "invalidSchemeError")
    assert set(answer.json["errors"]) == {"Idempotency-Key"}
    assert provider.calls == []


@pytest.mark.parametrize("key", ["x", "k" * 128, '"8e03978e-40d5"', " ~!{}"])
def test_any_printable_key_is_accepted(service: Service, provider: StandIn, key: str) -> None:
    assert keyed.start(service, key).status_code == 201
    assert keyed.start(service, key).status_code == 201
    assert len(provider.calls) == 1
