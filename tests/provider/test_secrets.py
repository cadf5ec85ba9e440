"""The code, the caller's number and the token are never shown, whatever happens.

Every outcome of this suite is searched too (``harness.place``).
"""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from verify_service.domain.calls import CallOutcome
from verify_service.domain.errors import TooManyCallsInFlight
from verify_service.provider.flash_call import FlashCall
from verify_service.telemetry import logs
from verify_service.transport.connections import Connection

from .harness import (
    CALLER,
    CODE,
    NUMBER,
    TOKEN,
    answer,
    assert_silent,
    exchange,
    free_slots,
    provider_at,
    success,
)
from .server import Server, hang, reply, reset, send

QUOTING = f"{CODE} {CALLER} {TOKEN}"

SCRIPTS = {
    "placed": [success()],
    "placed-elsewhere": [success(**{"from": f"{CALLER}0"})],
    "refused": [answer(403, {"errorCode": 6, "errorReason": QUOTING})],
    "error-word": [answer(200, {"status": "rpcError", "error": QUOTING})],
    "unknown-error": [answer(400, {"errorCode": 77, "errorReason": QUOTING, "status": QUOTING})],
    "error-code-is-the-code": [answer(400, {"errorCode": int(CODE)})],
    "error-code-has-the-code": [answer(200, {"errorCode": CALLER[-6:], "requestId": "r-1"})],
    "text": [send(reply(500, QUOTING.encode(), f"X-Quoting: {QUOTING}"))],
    "redirect": [send(reply(307, b"", f"Location: http://127.0.0.1:9/?{QUOTING}"))],
    "broken-headers": [send(f"HTTP/1.1 200 OK\r\n{QUOTING}\r\n\r\n{QUOTING}".encode())],
    "broken-status": [send(f"{QUOTING}\r\n\r\n".encode())],
    "cut-short": [send(reply(200, QUOTING.encode(), length=999))],
    "broken-chunk": [
        send(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{QUOTING}\r\n".encode())
    ],
    "odd-length": [send(f"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n{QUOTING}".encode())],
    "reset": [reset],
    "silence": [hang],
}


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that our process would log at DEBUG."""
    library = logging.getLogger("urllib3")
    before = library.level
    caplog.set_level(logging.DEBUG)
    logs.configure("DEBUG", io.StringIO())
    yield caplog
    library.setLevel(before)
    structlog.reset_defaults()


@pytest.mark.parametrize("auth", ["query", "x-accesskey"])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_nothing_is_printed_or_logged(
    script: list[Any],
    auth: str,
    logged: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """On every path the log and both streams are free of code, caller and token."""
    seen = exchange(*script, auth=auth, deadline=0.3 if hang in script else 5.0)

    assert_silent(seen.outcome, logged.text, *capfd.readouterr())


@pytest.mark.parametrize("auth", ["query", "x-accesskey", "basic-pair"])
def test_no_repr_shows_the_token(auth: str) -> None:
    """The configuration, the credentials, the client and a slot can be printed."""
    provider = provider_at("http://127.0.0.1:9", auth=auth)
    with provider.reserve_slot() as slot:
        assert_silent(provider, slot, provider._dialect)


def test_a_base_exception_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Any exception that ends an exchange is raised in its caller, not printed."""

    class Odd(BaseException):
        pass

    def ends(*_: object, **__: object) -> None:
        raise Odd(QUOTING)

    monkeypatch.setattr(Connection, "exchange", ends)
    with Server(success(), reads=False) as server:
        provider = provider_at(server.url)
        with pytest.raises(Odd), provider.reserve_slot() as slot:
            slot.place(NUMBER, CODE)
    assert capfd.readouterr() == ("", "")
    assert free_slots(provider) == 1


def test_a_raised_error_has_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a refusal without a free slot nor a bug of ours has a secret in its traceback."""

    def broken(_: FlashCall, code: str, *__: object) -> CallOutcome:
        raise ZeroDivisionError

    monkeypatch.setattr(FlashCall, "outcome", broken)
    with Server(answer(200, {"requestId": QUOTING})) as server:
        provider = provider_at(server.url)
        with provider.reserve_slot() as slot:
            with pytest.raises(TooManyCallsInFlight) as full, provider.reserve_slot():
                pass
            with pytest.raises(ZeroDivisionError) as bug:
                slot.place(NUMBER, CODE)
    for error in (full.value, bug.value):
        assert_silent(error, "".join(traceback.format_exception(error)))
