"""What the person reads, for every answer of verify-service."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from examples.login import messages
from examples.login.app import Config
from examples.login.flow import extract_code
from examples.login.messages import Screen, screen_for
from verify_service.client import (
    Call,
    CallState,
    Forbidden,
    InvalidNumber,
    NextAction,
    State,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Verification,
    VerifyError,
)

TABLE = (Path(__file__).parents[2] / "docs/client-apps.md").read_text("utf-8")
PENDING = Verification(
    verification_id="id",
    state=State.PENDING,
    number="+7917•••••87",
    call=Call(state=CallState.PLACED, caller_prefix="7917913", caller_length=11),
    checks_left=3,
    expires_at=1_790_000_300,
    expires_in=300,
    restart_in=30,
    next_action=NextAction.ENTER_CODE,
)


def screen(action: NextAction, call: CallState = CallState.PLACED, **facts: object) -> Screen:
    status = facts.pop("provider_status", None)
    changed_call = replace(PENDING.call, state=call, provider_status=status)
    return screen_for(replace(PENDING, next_action=action, call=changed_call, **facts))


@pytest.mark.parametrize(
    ("call", "text", "refresh"),
    [
        (CallState.PLACING, "We are calling you from", True),
        (CallState.PLACED, "We are calling you from", True),
        (CallState.UNKNOWN, "We are calling you from", True),
        (CallState.DELIVERED, "We called you from", False),
        (CallState.UNCONFIRMED, "We are calling you from", False),
    ],
)
def test_the_code_can_be_entered(call: CallState, text: str, refresh: bool) -> None:
    shown = screen(NextAction.ENTER_CODE, call)
    assert (shown.text, shown.caller) == (text, "+7 917 913")
    assert shown.can_enter_code
    assert shown.can_call_again
    assert (shown.call_again_in, shown.refresh) == (30, refresh)


def test_an_unknown_calling_number() -> None:
    shown = screen_for(replace(PENDING, call=Call(state=CallState.PLACED)))
    assert shown.caller is None
    assert shown.text == "We are calling you from a number you may not know."


def test_an_unconfirmed_call() -> None:
    """The person can enter the code or request another call."""
    shown = screen(NextAction.RESTART, CallState.UNCONFIRMED, restart_in=0)
    assert (shown.can_enter_code, shown.can_call_again, shown.call_again_in) == (True, True, 0)


@pytest.mark.parametrize(
    ("facts", "heading"),
    [
        ({"state": State.EXHAUSTED}, "Too many wrong codes"),
        ({"state": State.EXPIRED}, "Your code has expired"),
        ({"state": State.CANCELED}, "Please request another call"),
        ({"state": State.FAILED, "call": CallState.FAILED}, "We could not call you"),
        (
            {"call": CallState.UNDELIVERED, "provider_status": "UNAVAILABLE"},
            "Your phone seems to be off",
        ),
        ({"call": CallState.UNDELIVERED, "provider_status": "REJECTED"}, "Your line is busy"),
    ],
)
def test_another_call_is_offered(facts: dict[str, object], heading: str) -> None:
    shown = screen(NextAction.RESTART, **facts)  # type: ignore[arg-type]
    assert (shown.heading, shown.can_enter_code, shown.can_call_again) == (heading, False, True)


@pytest.mark.parametrize(
    ("facts", "heading"),
    [
        ({"limit": "locked", "retry_after": 90 * 86_400}, "This number is locked"),
        ({"limit": "failures", "retry_after": 3_600}, "Too many attempts"),
        (
            {"call": CallState.UNDELIVERED, "provider_status": "FORBIDDEN"},
            "We cannot call this number",
        ),
        ({"state": State.APPROVED}, "We cannot call this number"),
        ({"state": State.FAILED, "call": CallState.FAILED}, "We could not call you"),
    ],
)
@pytest.mark.parametrize("action", [NextAction.STOP, NextAction.OTHER, NextAction.DONE])
def test_the_verification_has_ended(
    action: NextAction, facts: dict[str, object], heading: str
) -> None:
    """No code, no other call. The same for a next action that a newer service adds."""
    shown = screen(action, **facts)  # type: ignore[arg-type]
    assert (shown.heading, shown.can_enter_code, shown.can_call_again) == (heading, False, False)


@pytest.mark.parametrize(
    "facts",
    [
        {"call": CallState.UNDELIVERED, "provider_status": "FORBIDDEN"},
        {"state": State.FAILED, "call": CallState.FAILED},
    ],
)
def test_where_no_call_helps_another_way_is_offered(facts: dict[str, object]) -> None:
    """No sentence sends the person in circles."""
    shown = screen(NextAction.STOP, **facts)  # type: ignore[arg-type]
    assert "another way" in shown.text
    assert "call again" not in f"{shown.heading} {shown.text}"


MESSAGES = [
    messages.NOT_A_MOBILE_NUMBER,
    messages.NUMBER_NOT_ALLOWED,
    messages.NUMBER_LOCKED,
    messages.CANNOT_CALL,
    messages.NOT_FOUR_DIGITS,
    messages.CANNOT_CHECK,
    messages.wrong_code(2),
    messages.wrong_code(1),
    messages.start_error(TooManyRequests("", retry_after=25))[0].replace("25 seconds", "{time}"),
    *(
        f"{shown.heading}. {shown.text}"
        for shown in (
            screen(NextAction.RESTART, state=State.EXHAUSTED),
            screen(NextAction.RESTART, state=State.EXPIRED),
            screen(NextAction.RESTART, CallState.UNDELIVERED, provider_status="UNAVAILABLE"),
            screen(NextAction.RESTART, CallState.UNDELIVERED, provider_status="REJECTED"),
            screen(NextAction.RESTART, CallState.FAILED, state=State.FAILED),
            screen(NextAction.STOP, CallState.UNDELIVERED, provider_status="FORBIDDEN"),
            screen(NextAction.STOP, CallState.FAILED, state=State.FAILED),
            screen(NextAction.STOP, limit="locked"),
        )
    ),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_the_page_for_client_apps_has_every_message(message: str) -> None:
    """The table of docs/client-apps.md has it once, with a Russian translation."""
    rows = [line.split(" | ") for line in TABLE.splitlines() if line.startswith("| ")]
    [row] = [row for row in rows if row[1] == message]
    assert re.search("[А-я]", row[2])


@pytest.mark.parametrize(
    ("error", "http_status"),
    [
        (InvalidNumber(""), 422),
        (Forbidden(""), 422),
        (TooManyRequests("", limit="cooldown", retry_after=25), 429),
        (TooManyRequests("", limit="locked"), 429),
        (Unavailable(""), 503),
        (Unauthorized(""), 503),
    ],
)
def test_start_errors(error: VerifyError, http_status: int) -> None:
    """The message is a sentence, even though the error has none for the person."""
    message, status = messages.start_error(error)
    assert status == http_status
    assert message.endswith(".")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 second"),
        (25, "25 seconds"),
        (60, "1 minute"),
        (119, "119 seconds"),
        (121, "3 minutes"),
        (300, "5 minutes"),
        (3_600, "1 hour"),
        (7_201, "3 hours"),
        (90 * 86_400, "90 days"),
    ],
)
def test_durations(seconds: int, text: str) -> None:
    """Rounded up."""
    assert messages.format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1234", "1234"),
        (" 12 34\n", "1234"),
        ("12-34", "1234"),
        ("+7 (917) 913-12-34", "1234"),
        ("79179131234", "1234"),
        ("\u202a+7\u00a0917\u00a0913\u201112\u201134\u202c", "1234"),
        ("8 917 913\u221212\u221234", "1234"),
        ("12\u00a034\u200b", "1234"),
        ("123", "123"),
        ("12345", "12345"),
        ("", ""),
        ("abcd", "abcd"),
        ("١٢٣٤", "١٢٣٤"),
    ],
)
def test_the_code_in_a_text(text: str, code: str) -> None:
    assert extract_code(text) == code


def test_a_secret_that_is_too_short() -> None:
    """The error names the variable and does not contain its value."""
    variables = {
        "VERIFY_URL": "http://127.0.0.1:1",
        "VERIFY_ACCESS_KEY": "key",
        "LOGIN_REDIS_URL": "redis://127.0.0.1",
        "LOGIN_SECRET": "short-secret",
    }
    with pytest.raises(ValueError, match="LOGIN_SECRET: at least 32") as refused:
        Config.from_env(variables)
    assert "short-secret" not in str(refused.value)
    config = Config.from_env(variables | {"LOGIN_SECRET": "s" * 32})
    assert config.secure_cookies
    assert config.country == "RU"
    assert (
        Config.from_env(variables | {"LOGIN_SECRET": "s" * 32, "LOGIN_COUNTRY": ""}).country is None
    )
    assert "s" * 32 not in repr(config)
    assert config.webhook_secrets == ()
    config = Config.from_env(
        variables | {"LOGIN_SECRET": "s" * 32, "LOGIN_WEBHOOK_SECRETS": "whsec_a,whsec_b"}
    )
    assert config.webhook_secrets == ("whsec_a", "whsec_b")
    assert "whsec" not in repr(config)
