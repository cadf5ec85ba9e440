"""A login flow as a type checker reads it. Never run: ``test_types.py`` has mypy look at it."""

from __future__ import annotations

from typing import assert_never, assert_type

from verify_service.client import (
    Check,
    NextAction,
    TooManyRequests,
    Verification,
    VerifyClient,
    VerifyError,
    webhooks,
)


def use(verify: VerifyClient) -> str:
    started = verify.start("8…", country="RU", reference="r", client_ip="192.0.2.1", device_id="d")
    assert_type(started, Verification)
    assert_type(started.call.caller_prefix, str | None)
    assert_type(started.expires_in, int)
    check = verify.check(started.verification_id, "1234", idempotency_key="mine")
    assert_type(check, Check)
    assert_type(verify.status(started.verification_id), Verification)
    assert_type(verify.cancel(started.verification_id), Verification)
    # No None to be argued away: it is a text, or it raises.
    return check.number if check.verified else ""


def every_word(check: Check) -> str:
    match check.next_action:
        case NextAction.WAIT | NextAction.ENTER_CODE:
            return "again"
        case NextAction.RESTART:
            return "anew"
        case NextAction.DONE:
            return "welcome"
        case NextAction.STOP | NextAction.OTHER:
            return "another way"


def forgotten_word(check: Check) -> str:
    match check.next_action:
        case NextAction.WAIT | NextAction.ENTER_CODE | NextAction.RESTART | NextAction.DONE:
            return "on"
        case NextAction.STOP:
            return "another way"
        case other:
            assert_never(other)  # type: ignore[arg-type]  # a newer service's word


def errors(verify: VerifyClient) -> int | None:
    try:
        with verify as same:
            assert_type(same, VerifyClient)
    except TooManyRequests as error:
        return error.retry_after
    except VerifyError as error:
        assert_type(error.next_action, NextAction | None)
    return None


def misuse(verify: VerifyClient, check: Check) -> None:
    verify.start("+7…", "reference")  # type: ignore[call-arg]  # by its name only
    verify.start(79179136787)  # type: ignore[arg-type]
    verify.check("id", 1234)  # type: ignore[arg-type]  # "0123" is a code too
    check.verified = True  # type: ignore[misc]
    print(check.state.verified)  # type: ignore[attr-defined]
    print(verify.status("id").verified)  # type: ignore[attr-defined]


def a_receiver(headers: dict[str, str], body: bytes) -> str:
    event = webhooks.read(headers, body, ["whsec_…"])
    assert_type(event.verification, Verification)
    match event.type:
        case webhooks.EventType.UNDELIVERED:
            return event.verification.call.provider_status or ""
        case webhooks.EventType.OTHER:
            return event.name
        case _:
            return str(event.verification.verified)  # type: ignore[attr-defined]
