"""Events: a signed one is read, every other is refused with an error that says why."""

from __future__ import annotations

import email.message
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict
from werkzeug.datastructures import Headers as FlaskHeaders

from tests.signing import OTHER_SECRET, SECRET, event, signed
from tests.speed import examples
from verify_service.client import CallState
from verify_service.client.webhooks import (
    EventError,
    EventType,
    WrongAge,
    WrongShape,
    WrongSignature,
    read,
)

from .said import ID, call
from .silence import everything_of

GOOD = event(call=call(state="undelivered", providerStatus="UNAVAILABLE"))
WRONG = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
KINDS = ("delivered", "undelivered", "approved", "exhausted", "canceled", "failed")

# The example of the specification's own libraries.
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_MOMENT = 1_614_265_330
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(VECTOR_MOMENT),
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def refused(kind: type[EventError], headers: dict[str, str], body: bytes, *secrets: str) -> str:
    """Return the text of the error; neither it nor an error reporter shows a secret."""
    with pytest.raises(EventError) as caught:
        read(headers, body, secrets or (SECRET,))
    assert type(caught.value) is kind
    assert caught.value.__cause__ is None
    require_silent(caught.value)
    return str(caught.value)


def require_silent(error: Exception) -> None:
    """No secret is in the text, or in a variable of the functions below the caller's own."""
    _, called, shown = everything_of(error).partition("in read\n")
    assert called
    for secret in (SECRET, OTHER_SECRET, VECTOR_SECRET):
        assert secret.removeprefix("whsec_") not in shown


def test_a_signed_event_is_read() -> None:
    got = read(*signed(GOOD), [SECRET])
    assert (got.id, got.type) == ("evt_AbC-_123_1", EventType.UNDELIVERED)
    assert got.timestamp == datetime(2026, 11, 26, 8, 47, 25, 123_000, UTC)
    assert got.verification.verification_id == ID
    assert got.verification.call.state is CallState.UNDELIVERED
    assert got.verification.call.provider_status == "UNAVAILABLE"
    with pytest.raises(AttributeError):
        got.id = "another"  # type: ignore[misc]


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_has_a_member(kind: str) -> None:
    got = read(*signed(event(f"verification.{kind}")), [SECRET])
    assert got.type is EventType[kind.upper()]
    assert got.name == got.type


def test_a_type_of_a_newer_service_is_read() -> None:
    got = read(*signed(event("verification.of_tomorrow", more="field")), [SECRET])
    assert (got.type, got.name) == (EventType.OTHER, "verification.of_tomorrow")


def _message(headers: dict[str, str]) -> email.message.Message:
    """The headers as http.server has them."""
    message = email.message.Message()
    for name, value in headers.items():
        message[name] = value
    return message


@pytest.mark.parametrize(
    "form",
    [dict, FlaskHeaders, CaseInsensitiveDict, _message],
    ids=["dict", "Flask", "requests", "http.server"],
)
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_the_headers_of_every_framework(
    form: Callable[[dict[str, str]], Any], case: Callable[[str], str]
) -> None:
    headers, body = signed(GOOD)
    assert read(form({case(name): value for name, value in headers.items()}), body, [SECRET])


def test_the_vector_of_the_specification() -> None:
    """Its signature and its age are right, and it is no event of ours."""
    with time_machine.travel(VECTOR_MOMENT, tick=False):
        refused(WrongShape, VECTOR, VECTOR_BODY, VECTOR_SECRET)
        refused(WrongSignature, VECTOR, VECTOR_BODY + b" ", VECTOR_SECRET)
        refused(WrongSignature, VECTOR, VECTOR_BODY, SECRET)
    refused(WrongAge, VECTOR, VECTOR_BODY, VECTOR_SECRET)


def test_during_a_rotation_either_side_may_have_both_secrets() -> None:
    assert read(*signed(GOOD, SECRET, OTHER_SECRET), [OTHER_SECRET])
    assert read(*signed(GOOD, OTHER_SECRET), [SECRET, OTHER_SECRET])
    assert read(*signed(GOOD, SECRET), iter([f"{SECRET}\n", OTHER_SECRET]))


@pytest.mark.parametrize(
    "before", [WRONG, "v1", "v1,", "v1,a", "v2,x", "v1a,x,y", "v1,é", ","], ids=str
)
def test_a_further_signature_hides_none(before: str) -> None:
    """Also one that cannot be read."""
    headers, body = signed(GOOD)
    headers["webhook-signature"] = f"{before} {headers['webhook-signature']} {before}"
    assert read(headers, body, [SECRET])


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(name: str) -> None:
    headers, body = signed(GOOD)
    assert name in refused(WrongSignature, {**headers, name: ""}, body)
    del headers[name]
    assert name in refused(WrongSignature, headers, body)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "evt_AbC-_123_2"),
        ("webhook-id", "\ud800"),
        ("webhook-timestamp", "hello"),
        ("webhook-timestamp", "nan"),
        ("webhook-timestamp", "1e400"),
        ("webhook-timestamp", "9" * 400),
        ("webhook-timestamp", "١٦١٤٢٦٥٣٣٠"),
        ("webhook-signature", WRONG),
        ("webhook-signature", "v1,dawfeoifkpqwoekfpqoekf"),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "v1"),
        ("webhook-signature", "\ud800"),
    ],
)
def test_a_changed_header_is_a_wrong_signature(name: str, value: str) -> None:
    headers, body = signed(GOOD)
    refused(WrongSignature, headers | {name: value}, body)


def test_a_changed_request_is_a_wrong_signature() -> None:
    headers, body = signed(GOOD)
    for end in range(1, len(headers["webhook-signature"])):
        refused(WrongSignature, headers | {"webhook-signature": "v1," + "A" * end}, body)
    later = str(int(headers["webhook-timestamp"]) + 1)
    refused(WrongSignature, headers | {"webhook-timestamp": later}, body)
    refused(WrongSignature, headers, body.replace(b"UNAVAILABLE", b"REJECTED"))
    refused(WrongSignature, headers, json.dumps(json.loads(body), indent=1).encode())
    refused(WrongSignature, headers, body + b"\xff")
    refused(WrongSignature, headers, body, OTHER_SECRET)


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (
            361,
            "This machine's clock is 6 min 1 s ahead of the webhook-timestamp; 5 min are allowed",
        ),
        (-361, "This machine's clock is 6 min 1 s behind the webhook-timestamp"),
    ],
)
def test_a_clock_that_is_six_minutes_off_is_told_in_words(age: int, said: str) -> None:
    """Whose clock to look at, and only in one direction may it be an old request."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        text = refused(WrongAge, *signed(GOOD, age=age))
    assert text.startswith(said)
    assert "Check this machine's clock first, then the clock of verify-service" in text
    assert ("an old request was sent again" in text) is (age > 0)


def test_five_minutes_are_allowed() -> None:
    with time_machine.travel(datetime.now(UTC), tick=False):
        for age in (300, -300):
            assert read(*signed(GOOD, age=age), [SECRET])
        for age in (301, -301):
            refused(WrongAge, *signed(GOOD, age=age))


def test_a_forged_request_says_nothing_of_clocks() -> None:
    """Its time is as forged as the rest."""
    refused(WrongSignature, *signed(GOOD, OTHER_SECRET, age=9_999))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 60_000,
        b'{"type": "verification.delivered"}',
        event() | {"type": 5},
        event() | {"timestamp": 1_790_000_300},
        event() | {"timestamp": "yesterday"},
        event() | {"timestamp": "2026-11-26T08:47:25"},
        event() | {"data": None},
        event(verificationId=None),
        event(call="placed"),
        event(expiresIn=1.5),
    ],
    ids=str,
)
def test_a_signed_body_of_another_shape(body: bytes | dict[str, Any]) -> None:
    text = refused(WrongShape, *signed(body))
    assert "placed" not in text


@pytest.mark.parametrize(
    "secrets",
    [
        [],
        "",
        SECRET,
        [""],
        ["whsec_"],
        [SECRET[6:]],
        [SECRET, "whsec_é"],
        ["whsec_YQ"],
        [SECRET * 2],
    ],
    ids=str,
)
def test_a_list_without_a_valid_secret_is_the_programs_error(secrets: Any) -> None:
    """The message quotes none of them, and no variable that an error reporter shows does."""
    with pytest.raises(ValueError, match="Pass a list of one or two secrets") as caught:
        read(*signed(GOOD), secrets)
    require_silent(caught.value)


def test_a_parsed_body_is_the_programs_error() -> None:
    headers, _ = signed(GOOD)
    with pytest.raises(TypeError, match="the bytes that arrived"):
        read(headers, GOOD, [SECRET])  # type: ignore[arg-type]


@settings(max_examples=examples(300))
@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "Webhook-Timestamp", "webhook-signature"]),
        st.text(st.characters(max_codepoint=255)) | st.floats().map(str) | st.integers().map(str),
    ),
    st.binary(),
)
def test_no_request_raises_another_error(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(WrongSignature):
        read(headers, body, [SECRET])


def test_a_repr_shows_no_secret_and_no_code() -> None:
    headers, body = signed(GOOD)
    shown = repr(read(headers, body, [SECRET]))
    assert SECRET[6:] not in shown
    assert headers["webhook-signature"] not in shown
    assert "•" in shown  # the number as the service sent it
