"""What the person is told, for whatever the service says."""

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

SENTENCES = (Path(__file__).parents[2] / "docs/client-apps.md").read_text("utf-8")
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


def shown(action: NextAction, call: CallState = CallState.PLACED, **facts: object) -> Screen:
    status = facts.pop("provider_status", None)
    told = replace(PENDING.call, state=call, provider_status=status)
    return screen_for(replace(PENDING, next_action=action, call=told, **facts))


@pytest.mark.parametrize(
    ("call", "words", "waiting"),
    [
        (CallState.PLACING, "We are calling you from", True),
        (CallState.PLACED, "We are calling you from", True),
        (CallState.UNKNOWN, "We are calling you from", True),
        (CallState.DELIVERED, "We have called you from", False),
        (CallState.UNCONFIRMED, "We are calling you from", False),
    ],
)
def test_a_call_of_which_the_digits_can_be_typed(
    call: CallState, words: str, waiting: bool
) -> None:
    found = shown(NextAction.ENTER_CODE, call)
    assert (found.text, found.caller) == (words, "+7 917 913")
    assert (found.can_enter_code, found.can_call_again, found.call_again_in, found.refresh) == (
        True,
        True,
        30,
        waiting,
    )


def test_a_caller_that_is_not_known() -> None:
    found = screen_for(replace(PENDING, call=Call(state=CallState.PLACED)))
    assert found.caller is None
    assert found.text == "We are calling you from a number that you may not know."


def test_a_call_that_nobody_confirmed() -> None:
    """The code may be typed all the same, or another call asked for."""
    found = shown(NextAction.RESTART, CallState.UNCONFIRMED, restart_in=0)
    assert (found.can_enter_code, found.can_call_again, found.call_again_in) == (True, True, 0)


@pytest.mark.parametrize(
    ("facts", "heading"),
    [
        ({"state": State.EXHAUSTED}, "That was one try too many"),
        ({"state": State.EXPIRED}, "The code is too old"),
        ({"state": State.CANCELED}, "Please have us call again"),
        ({"state": State.FAILED, "call": CallState.FAILED}, "The call did not work"),
        (
            {"call": CallState.UNDELIVERED, "provider_status": "UNAVAILABLE"},
            "Your phone seems to be off",
        ),
        ({"call": CallState.UNDELIVERED, "provider_status": "REJECTED"}, "Your line is busy"),
    ],
)
def test_what_another_call_may_mend(facts: dict[str, object], heading: str) -> None:
    found = shown(NextAction.RESTART, **facts)  # type: ignore[arg-type]
    assert (found.heading, found.can_enter_code, found.can_call_again) == (heading, False, True)


@pytest.mark.parametrize(
    ("facts", "heading"),
    [
        ({"limit": "locked", "retry_after": 90 * 86_400}, "This number is locked"),
        ({"limit": "failures", "retry_after": 3_600}, "That is enough for now"),
        (
            {"call": CallState.UNDELIVERED, "provider_status": "FORBIDDEN"},
            "We cannot call this number",
        ),
        ({"state": State.APPROVED}, "We cannot call this number"),
    ],
)
@pytest.mark.parametrize("action", [NextAction.STOP, NextAction.OTHER, NextAction.DONE])
def test_where_it_ends(action: NextAction, facts: dict[str, object], heading: str) -> None:
    """Neither a code nor a call; a word of a newer service ends it too."""
    found = shown(action, **facts)  # type: ignore[arg-type]
    assert (found.heading, found.can_enter_code, found.can_call_again) == (heading, False, False)


SAID = [
    messages.NUMBER_NOT_ALLOWED,
    messages.NUMBER_LOCKED,
    messages.CANNOT_CALL,
    messages.NOT_FOUR_DIGITS,
    messages.wrong_code(2),
    messages.wrong_code(1),
    *(
        f"{found.heading}. {found.text}"
        for found in (
            shown(NextAction.RESTART, state=State.EXHAUSTED),
            shown(NextAction.RESTART, state=State.EXPIRED),
            shown(NextAction.RESTART, CallState.UNDELIVERED, provider_status="UNAVAILABLE"),
            shown(NextAction.RESTART, CallState.UNDELIVERED, provider_status="REJECTED"),
            shown(NextAction.RESTART, CallState.FAILED, state=State.FAILED),
            shown(NextAction.STOP, CallState.UNDELIVERED, provider_status="FORBIDDEN"),
        )
    ),
]


@pytest.mark.parametrize("sentence", SAID)
def test_the_sentences_to_copy_are_the_ones_in_use(sentence: str) -> None:
    """docs/client-apps.md has each, with its translation."""
    rows = [line.split(" | ") for line in SENTENCES.splitlines() if line.startswith("| ")]
    [row] = [row for row in rows if row[1] == sentence]
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
def test_refusals(error: VerifyError, http_status: int) -> None:
    """A sentence for the person, who never reads the developer's."""
    words, status = messages.start_error(error)
    assert status == http_status
    assert words.endswith(".")


@pytest.mark.parametrize(
    ("seconds", "words"),
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
def test_durations(seconds: int, words: str) -> None:
    """Never less than it is."""
    assert messages.format_duration(seconds) == words


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1234", "1234"),
        (" 12 34\n", "1234"),
        ("12-34", "1234"),
        ("+7 (917) 913-12-34", "1234"),
        ("79179131234", "1234"),
        ("123", "123"),
        ("12345", "12345"),
        ("", ""),
        ("abcd", "abcd"),
        ("١٢٣٤", "١٢٣٤"),
    ],
)
def test_what_is_typed(text: str, code: str) -> None:
    assert extract_code(text) == code


def test_a_configuration_that_is_too_short() -> None:
    """Named, not quoted."""
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
    assert "s" * 32 not in repr(config)
