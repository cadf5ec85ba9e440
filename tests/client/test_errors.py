"""Each thing that the real application can say, as the error that a login flow handles."""

from __future__ import annotations

import copy
import pickle

import pytest

from tests.api.lost import cut
from tests.api.service import NUMBER, OTHER_NUMBER, Service
from tests.api.standin import Answer, StandIn
from verify_service.client import (
    CallFailed,
    Conflict,
    Forbidden,
    InvalidCode,
    InvalidNumber,
    InvalidRequest,
    KeyReused,
    NextAction,
    NotFound,
    ServerError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    VerifyClient,
    VerifyError,
)

from .conftest import Connect
from .said import error as errs
from .server import Front
from .silence import refused

ID = "A" * 40


def said(error: VerifyError) -> tuple[int | None, str | None, int | None]:
    return error.http_status, error.status, error.error_code


@pytest.mark.parametrize("number", ["", "hello", "+7", "+1 5", "9" * 65])
def test_what_is_no_number(client: VerifyClient, provider: StandIn, number: str) -> None:
    """However the service puts it, the person is asked for another one."""
    error = refused(InvalidNumber, lambda: client.start(number))
    assert error.http_status == 400
    assert isinstance(error, InvalidRequest)
    assert provider.calls == []


@pytest.mark.parametrize("code", ["", "123", "12345", "12a4", "１２３４"])
def test_what_is_no_code(client: VerifyClient, provider: StandIn, code: str) -> None:
    """The person types it again, and has as many checks left as before."""
    vid = client.start(NUMBER).verification_id
    error = refused(InvalidCode, lambda: client.check(vid, code))
    assert said(error) == (400, "invalidSchemeError", 10)
    assert set(error.errors) == {"code"}
    assert client.status(vid).checks_left == 3


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"reference": "x" * 65}, "reference"),
        ({"reference": "\ud800"}, None),
        ({"country": "Russia"}, "country"),
        ({"client_ip": "somewhere"}, "clientIp"),
        ({"device_id": ""}, "deviceId"),
    ],
)
def test_what_a_program_got_wrong(client: VerifyClient, fields, wrong: str | None) -> None:
    error = refused(InvalidRequest, lambda: client.start(NUMBER, **fields))
    assert error.http_status == 400
    assert set(error.errors) == ({wrong} if wrong else set())


def test_other_requests_that_are_none(client: VerifyClient) -> None:
    """A body too large, and a path that has another method."""
    large = refused(InvalidRequest, lambda: client.start("1" * 20_000))
    assert said(large) == (413, "payloadTooLargeError", None)
    other = refused(InvalidRequest, lambda: client.status("start"))
    assert said(other) == (405, "methodNotAllowedError", None)


def test_a_key_that_is_not_known(front: Front, connect: Connect) -> None:
    client = connect(front.url, "another-key")
    for ask in (lambda: client.start(NUMBER), lambda: client.check(ID, "1234")):
        assert said(refused(Unauthorized, ask)) == (401, "invalidAccessKeyError", 1)


def test_a_destination_that_is_not_allowed(make, valkey, connect: Connect) -> None:
    with Front(make(valkey, ALLOWED_COUNTRIES="DE")) as front:
        error = refused(Forbidden, lambda: connect(front.url).start(NUMBER))
    assert said(error) == (403, "prohibitedForServiceError", None)


def test_a_verification_that_is_none(client: VerifyClient) -> None:
    for ask in (client.status, client.cancel, lambda vid: client.check(vid, "1234")):
        error = refused(NotFound, lambda ask=ask: ask(ID))
        assert said(error) == (404, "notFoundError", None)


def test_a_limit(client: VerifyClient, front: Front, provider: StandIn) -> None:
    """Its name, the seconds, and no second request: waiting is not for the client to decide."""
    client.start(NUMBER)
    error = refused(TooManyRequests, lambda: client.start(NUMBER))
    assert said(error) == (429, "tooManyRequestsError", 4)
    assert error.limit == "cooldown"
    assert error.retry_after in (29, 30)
    assert len(front.requests) == 2


def test_a_call_that_failed(client: VerifyClient, front: Front, provider: StandIn) -> None:
    """With the verification that was reserved, and no second request: the phone may ring."""
    provider.answers(403, {"errorCode": 6})
    error = refused(CallFailed, lambda: client.start(NUMBER, reference="r"))
    assert said(error) == (502, "rpcError", 6)
    assert error.reason_word == "providerAccount"
    assert error.verification_id
    assert (error.next_action, error.restart_in) == (NextAction.STOP, 0)
    assert error.reference == "r"
    assert len(front.requests) == 1


def test_a_provider_that_throttles(client: VerifyClient, provider: StandIn) -> None:
    provider.answers(429, {"errorCode": 4}, Retry_After="17")
    error = refused(CallFailed, lambda: client.start(NUMBER))
    assert (error.error_code, error.retry_after) == (4, 17)


def test_a_number_that_the_provider_holds_for_none(client, provider: StandIn) -> None:
    """It is the person's to correct, though a verification was reserved."""
    provider.answers(400, {"errorCode": 11})
    error = refused(InvalidNumber, lambda: client.start(NUMBER))
    assert said(error) == (400, "invalidDataError", 11)
    assert error.verification_id
    assert error.next_action is NextAction.STOP


def test_a_key_that_came_with_another_body(client: VerifyClient, provider: StandIn) -> None:
    client.start(NUMBER, idempotency_key="mine")
    error = refused(KeyReused, lambda: client.start(OTHER_NUMBER, idempotency_key="mine"))
    assert said(error) == (422, "idempotencyMismatchError", None)
    assert error.idempotency_key == "mine"


def test_a_request_still_at_work(front: Front, connect: Connect, provider: StandIn) -> None:
    """Without patience it is raised immediately."""
    impatient = connect(front.url, patience=0)
    met = []

    def meanwhile(call) -> Answer:
        met.append(refused(Conflict, lambda: impatient.start(NUMBER, idempotency_key="mine")))
        return Answer(body={"requestId": "r", "from": call.caller})

    provider.then = meanwhile
    impatient.start(NUMBER, idempotency_key="mine")
    assert [said(error) for error in met] == [(409, "conflictError", None)]
    assert (met[0].retry_after, met[0].idempotency_key) == (1, "mine")


def test_what_one_class_covers_has_words_of_its_own(
    service: Service, front: Front, connect: Connect, provider: StandIn, monkeypatch
) -> None:
    """502 and 503 are `rpcError`, each for several reasons; `reason` stays a sentence."""
    client, found = connect(front.url, patience=0), []
    for http, body in ((401, {}), (200, {"status": "Rejected"}), (429, {}), (200, {})):
        provider.answers(http, body)
        found.append(refused(CallFailed, lambda: client.start(f"+791610000{len(found):02}")))
    cut(service, monkeypatch, "reserve")
    found.append(refused(Unavailable, lambda: client.start(NUMBER)))
    assert [error.reason_word for error in found] == [
        *("providerAccount", "providerRefused", "providerThrottled", "providerUnreadable"),
        "redis",
    ]
    assert all(error.reason.endswith(".") for error in found)


def test_an_older_service_has_no_word(script: Front, connect: Connect) -> None:
    script.will(errs(404, "notFoundError"))
    assert refused(NotFound, lambda: connect(script.url).status(ID)).reason_word is None


def test_redis_gone(
    service: Service, front: Front, connect: Connect, provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(service, monkeypatch, "reserve")
    error = refused(Unavailable, lambda: connect(front.url, patience=0).start(NUMBER))
    assert (said(error), error.retry_after) == ((503, "rpcError", None), 2)


def test_a_bug_of_the_service(service: Service, front: Front, connect, monkeypatch) -> None:
    """With the id under which the service's log has it."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(service.client, "send", broken)
    error = refused(ServerError, lambda: connect(front.url, patience=0).status(ID))
    assert said(error) == (500, "internalError", None)
    assert error.request_id in {line["request_id"] for line in service.events("bug")}


@pytest.mark.parametrize(
    ("http", "kind"),
    [
        (400, InvalidRequest),
        (415, InvalidRequest),
        (418, InvalidRequest),
        (501, ServerError),
        (504, ServerError),
    ],
)
def test_what_else_may_be_said(script: Front, connect: Connect, http: int, kind) -> None:
    """Words and statuses of a newer service are of the class of their hundred."""
    more = {"reason": "brandNew", "nextAction": "dance", "errors": [], "retryAfter": "soon"}
    script.will(errs(http, "brandNewError", **more))
    error = refused(kind, lambda: connect(script.url, patience=0).status(ID))
    assert (error.status, error.reason) == ("brandNewError", "Said so.")
    assert error.reason_word == "brandNew"
    assert (error.next_action, error.errors, error.retry_after) == (NextAction.OTHER, {}, None)


def test_an_error_is_one_sentence(client: VerifyClient) -> None:
    error = refused(NotFound, lambda: client.status(ID, request_id="trace:7"))
    assert str(error) == (
        "404 notFoundError: Your app has no such verification, or it ended more than an hour ago. "
        "Start a new one. (request trace:7)"
    )


def test_an_error_survives_being_sent_elsewhere(client: VerifyClient, provider) -> None:
    """For example to another process, with all its attributes."""
    client.start(NUMBER)
    error = refused(TooManyRequests, lambda: client.start(NUMBER))
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301
        assert type(twin) is TooManyRequests
        assert (str(twin), vars(twin)) == (str(error), vars(error))


def test_all_of_them_are_one() -> None:
    """`except VerifyError` is enough never to log anybody in by mistake."""
    kinds = {InvalidRequest, Unauthorized, Forbidden, NotFound, TooManyRequests, CallFailed}
    kinds |= {Conflict, Unavailable, ServerError}
    assert set(VerifyError.__subclasses__()) == kinds
