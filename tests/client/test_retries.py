"""Which requests the client retries, when, and for how long."""

from __future__ import annotations

import pytest

from verify_service.client import (
    CallFailed,
    Conflict,
    InvalidRequest,
    ServerError,
    TooManyRequests,
    Unavailable,
    VerifyError,
)
from verify_service.client import retries as module

from .conftest import Connect
from .said import CHECKED, ID, PAUSED, READ, STARTED, error
from .server import Front, hang, reset, says
from .silence import refused
from .timing import Hurry

REPEATED = {
    "408": error(408, "requiredJsonError", errorCode=10),
    "409": error(409, "conflictError", retryAfter=1),
    "500": error(500, "internalError"),
    "503": PAUSED,
    "a gateway's 502": says(502, b"<html>", Content_Type="text/html"),
    "a gateway's 503": says(503, b"", Content_Type="text/html"),
    "a gateway's 504": says(504, {"message": "Endpoint request timed out"}),
    "no answer": reset,
}
NEVER_REPEATED = {
    "400": (error(400, "invalidSchemeError"), InvalidRequest),
    "429": (error(429, "tooManyRequestsError", limit="app", retryAfter=1), TooManyRequests),
    "502": (error(502, "rpcError"), CallFailed),
    "502 that says when": (error(502, "rpcError", errorCode=4, retryAfter=1), CallFailed),
}


@pytest.mark.parametrize("fate", REPEATED.values(), ids=REPEATED)
def test_what_is_tried_again(script: Front, connect: Connect, fate) -> None:
    """The same request, key and id included, until it works: all four of them."""
    client = connect(script.url)
    for success, ask in [
        (STARTED, lambda: client.start("+79179136787", reference="r")),
        (CHECKED, lambda: client.check(ID, "1234")),
        (READ, lambda: client.status(ID)),
        (READ, lambda: client.cancel(ID)),
    ]:
        script.requests.clear()
        script.will(fate, fate, success)
        ask()
        first, *more = script.requests
        assert len(more) == 2
        for again in more:
            assert (again.method, again.path, again.body) == (first.method, first.path, first.body)
            for header in ("idempotency-key", "x-request-id"):
                assert again.headers.get(header) == first.headers.get(header)


@pytest.mark.parametrize(("fate", "kind"), NEVER_REPEATED.values(), ids=NEVER_REPEATED)
def test_what_is_not_tried_again(
    script: Front, connect: Connect, hurry: Hurry, fate, kind: type[VerifyError]
) -> None:
    """The person decides about a limit's wait and a second call."""
    script.will(fate)
    refused(kind, lambda: connect(script.url).start("+79179136787"))
    assert len(script.requests) == 1
    assert hurry.slept == []


def test_a_retry_after_is_waited_for(script: Front, connect: Connect, hurry: Hurry) -> None:
    """Never less; and up to a quarter of a second more, so that not all come back together."""
    script.will(error(503, "rpcError", retryAfter=3))
    script.will(error(409, "conflictError", retryAfter=1), STARTED)
    connect(script.url).start("+79179136787")
    assert hurry.slept == [3.25, 1.25]
    assert hurry.drawn == [(0, 0.25), (0, 0.25)]


def test_the_header_alone_counts(script: Front, connect: Connect, hurry: Hurry) -> None:
    """A gateway's too; as a number. A date would need the two clocks to agree."""
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    script.will(says(503, {"status": "rpcError"}, Retry_After="1"))
    script.will(says(503, b"", Retry_After="2"), says(503, b"", Retry_After=date), READ)
    connect(script.url).status(ID)
    assert hurry.slept == [1.25, 2.25, 0.4]


@pytest.mark.parametrize("header", ["9" * 5000, "-1", "1.5", "²", ""])
def test_a_header_that_is_no_number_counts_for_nothing(
    script: Front, connect: Connect, hurry: Hurry, header: str
) -> None:
    script.will(says(503, b"", Retry_After=header), READ)
    connect(script.url).status(ID)
    assert hurry.slept == [0.1]


def test_a_number_that_is_no_time_breaks_nothing(
    script: Front, connect: Connect, hurry: Hurry
) -> None:
    """A negative number is 0; a huge number is longer than any patience."""
    script.will(says(503, {"status": "rpcError", "retryAfter": -5}))
    script.will(says(503, {"status": "rpcError", "retryAfter": 10**400}))
    refused(Unavailable, lambda: connect(script.url).status(ID))
    assert hurry.slept == [0.25]


def test_without_one_the_waits_double(script: Front, connect: Connect, hurry: Hurry) -> None:
    """From a tenth of a second to two, each somewhere in its upper half."""
    script.will(*[reset] * 8, READ)
    connect(script.url, patience=60).status(ID)
    assert hurry.slept == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, 2])
    assert hurry.drawn == [(wait / 2, wait) for wait in hurry.slept]


def test_patience_has_an_end(script: Front, connect: Connect, hurry: Hurry) -> None:
    """It begins with the first error. The newest error is raised, without a useless wait."""
    script.will(*[PAUSED] * 6, error(409, "conflictError", retryAfter=1))
    failed = refused(Conflict, lambda: connect(script.url, patience=14).status(ID))
    assert hurry.slept == [2.25] * 6
    assert failed.retry_after == 1
    assert len(script.requests) == 7


def test_a_wait_that_patience_would_not_outlast_is_not_begun(
    script: Front, connect: Connect, hurry: Hurry
) -> None:
    """Calls are paused for five minutes: the error is raised immediately, with the seconds."""
    script.will(error(503, "rpcError", retryAfter=300))
    failed = refused(Unavailable, lambda: connect(script.url).start("+79179136787"))
    assert failed.retry_after == 300
    assert hurry.slept == []


def test_what_the_tries_take_counts(script: Front, connect: Connect, hurry: Hurry) -> None:
    """It is a wall clock, and not the sum of the sleeps."""
    script.will(hurry.after(13, reset), hurry.after(5, reset), hurry.after(9, reset))
    refused(Unavailable, lambda: connect(script.url, patience=14).status(ID))
    assert hurry.slept == pytest.approx([0.1, 0.2])
    assert hurry.now - 1000 == pytest.approx(13 + 14 + 0.3)


@pytest.mark.parametrize("fate", REPEATED.values(), ids=REPEATED)
def test_without_patience_nothing_is(script: Front, connect: Connect, hurry: Hurry, fate) -> None:
    script.will(fate)
    with pytest.raises(VerifyError):
        connect(script.url, patience=0).start("+79179136787")
    assert len(script.requests) == 1
    assert hurry.slept == []


def test_a_try_waits_no_longer_than_patience(
    script: Front, connect: Connect, hurry: Hurry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has its timeout, the others what is left of patience, but a second at least."""
    client = connect(script.url, start_timeout=13, patience=14)
    given, send = [], client._transport.send

    def watched(request, seconds):
        given.append(seconds)
        return send(request, seconds)

    monkeypatch.setattr(client._transport, "send", watched)
    script.will(reset, hurry.after(7.9, reset), hurry.after(5.3, reset), STARTED)
    client.start("+79179136787")
    assert given == pytest.approx([13, 13, 5.8, 1])


def test_silence_ends_with_the_timeout(script: Front, connect: Connect) -> None:
    """Each request has its own: a start waits for a provider, the others do not."""
    client = connect(script.url, timeout=0.1, start_timeout=0.3, patience=0)
    for ask, seconds in [
        (lambda: client.start("+79179136787"), 0.3),
        (lambda: client.check(ID, "1234"), 0.1),
        (lambda: client.status(ID), 0.1),
        (lambda: client.cancel(ID), 0.1),
    ]:
        script.will(hang)
        assert f"read timeout={seconds}" in refused(Unavailable, ask).reason


def test_a_bug_is_told_once_patience_is_over(script: Front, connect: Connect) -> None:
    script.will(*[error(500, "internalError")] * 20)
    assert refused(ServerError, lambda: connect(script.url).status(ID)).http_status == 500
    assert 5 < len(script.requests) < 15


def test_each_try_again_is_logged(script: Front, connect: Connect, caplog) -> None:
    """With what was wrong and the id that both logs share."""
    script.will(PAUSED, READ)
    connect(script.url).status(ID, request_id="trace:7")
    (line,) = [record for record in caplog.records if record.name == module.__name__]
    assert line.levelname == "INFO"
    assert line.getMessage() == ("Retrying in 2.2 s: 503 rpcError: Said so. (request trace:7)")
