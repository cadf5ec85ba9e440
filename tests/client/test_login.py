"""A login flow with the client, against the real application."""

from __future__ import annotations

import dataclasses
import re
import uuid

import pytest

from tests.api.service import NUMBER, OTHER_KEY, Service, callback_body, wrong
from tests.api.standin import PREFIX, StandIn
from verify_service.client import (
    CallState,
    Check,
    NextAction,
    NotFound,
    State,
    Verification,
    VerifyClient,
)

from .conftest import Connect
from .server import Front
from .silence import refused


def test_a_start_is_a_verification(client: VerifyClient, provider: StandIn) -> None:
    """Every field of the answer, each of its type."""
    found = client.start(NUMBER, reference="order 7", client_ip="192.0.2.1", device_id="d")
    assert found.call.state is CallState.PLACED
    assert (found.call.caller_prefix, found.call.caller_length) == (PREFIX, 11)
    assert (found.call.code_digits, found.call.provider_status, found.call.at) == (4, None, None)
    assert (found.state, found.next_action) == (State.PENDING, NextAction.ENTER_CODE)
    assert (found.checks_left, found.expires_in, found.restart_in) == (3, 300, 30)
    assert found.number == "+7917•••••87"
    assert (found.reference, found.limit, found.retry_after) == ("order 7", None, None)
    assert len(provider.calls) == 1


def test_only_what_is_given_is_sent(client: VerifyClient, front: Front, provider: StandIn) -> None:
    """A field that is null is of the wrong shape."""
    client.start(NUMBER)
    assert front.requests[-1].json == {"number": NUMBER}
    client.start(
        "8 916 123-45-67", country="RU", reference="r", client_ip="192.0.2.1", device_id="d"
    )
    assert front.requests[-1].json == {
        "number": "8 916 123-45-67",
        "country": "RU",
        "reference": "r",
        "clientIp": "192.0.2.1",
        "deviceId": "d",
    }


def test_the_right_code_verifies_once(client: VerifyClient, provider: StandIn) -> None:
    """Wrong, right, and right again: the last check is approved and not verified."""
    vid = client.start(NUMBER, reference="r").verification_id
    mistyped = client.check(vid, wrong(provider.code))
    assert (mistyped.verified, mistyped.checks_left) == (False, 2)
    assert (mistyped.state, mistyped.next_action) == (State.PENDING, NextAction.ENTER_CODE)
    right = client.check(vid, provider.code)
    assert (right.verified, right.number, right.reference) == (True, NUMBER, "r")
    assert (right.state, right.next_action) == (State.APPROVED, NextAction.DONE)
    again = client.check(vid, provider.code)
    assert (again.verified, again.state) == (False, State.APPROVED)
    assert again.next_action is NextAction.STOP


def test_a_check_has_no_truth(client: VerifyClient, provider: StandIn) -> None:
    """`if client.check(…):` would be true for every code, so it raises TypeError."""
    vid = client.start(NUMBER).verification_id
    for code in (wrong(provider.code), provider.code):
        answer = client.check(vid, code)
        with pytest.raises(TypeError, match=r"\.verified"):
            bool(answer)


def test_there_is_no_number_without_proof(client: VerifyClient, provider: StandIn) -> None:
    """Without `verified`, reading the number raises an error."""
    vid = client.start(NUMBER).verification_id
    with pytest.raises(ValueError, match="not verified"):
        _ = client.check(vid, wrong(provider.code)).number
    proven = client.check(vid, provider.code)
    assert proven.number == NUMBER
    assert NUMBER not in repr(proven)


@pytest.mark.parametrize(("verified", "number"), [(True, None), (False, NUMBER)])
def test_no_check_contradicts_itself(verified: bool, number: str | None) -> None:
    """Not even one that a test makes."""
    with pytest.raises(ValueError, match="exactly when"):
        Check(
            verified=verified,
            state=State.APPROVED,
            next_action=NextAction.STOP,
            proven_number=number,
        )


def test_a_spent_verification_says_when_to_start_anew(
    client: VerifyClient, provider: StandIn
) -> None:
    vid = client.start(NUMBER).verification_id
    for _ in range(3):
        last = client.check(vid, wrong(provider.code))
    assert (last.state, last.next_action) == (State.EXHAUSTED, NextAction.RESTART)
    assert last.checks_left == 0
    assert last.restart_in is not None
    assert 0 <= last.restart_in <= 30


def test_what_bars_a_number_has_its_name(make, valkey, connect: Connect, provider) -> None:
    """`stop`, with the limit and the seconds, on a check and on the status."""
    service = make(valkey, FAILURES_PER_NUMBER="1/86400")
    with Front(service) as front:
        client = connect(front.url)
        vid = client.start(NUMBER).verification_id
        client.check(vid, wrong(provider.code))
        for answer in (client.check(vid, provider.code), client.status(vid)):
            assert (answer.next_action, answer.limit) == (NextAction.STOP, "failures")
            assert answer.retry_after is not None
            assert 86_390 < answer.retry_after <= 86_400


def test_the_status_tells_of_the_call(
    client: VerifyClient, service: Service, provider: StandIn
) -> None:
    """What the callback said of it, and when."""
    started = client.start(NUMBER)
    assert client.status(started.verification_id) == dataclasses.replace(started)
    service.post("/callbacks/flashcall", callback_body(status="UNAVAILABLE"), key=None)
    found = client.status(started.verification_id)
    assert found.call.state is CallState.UNDELIVERED
    assert (found.call.provider_status, found.call.at) == ("UNAVAILABLE", 1_700_000_000)
    assert (found.next_action, found.restart_in) == (NextAction.RESTART, 0)


def test_a_canceled_verification_is_over(client: VerifyClient, provider: StandIn) -> None:
    vid = client.start(NUMBER).verification_id
    assert client.cancel(vid).state is State.CANCELED
    assert client.cancel(vid).state is State.CANCELED
    assert client.check(vid, provider.code).verified is False


def test_another_apps_verification_is_none(
    client: VerifyClient, front: Front, connect: Connect, provider: StandIn
) -> None:
    vid = client.start(NUMBER).verification_id
    other = connect(front.url, OTHER_KEY)
    for ask in (other.status, other.cancel, lambda vid: other.check(vid, provider.code)):
        refused(NotFound, lambda ask=ask: ask(vid))


@pytest.mark.parametrize("odd", ["..", ".", "a/b", "a?b=c", "a#b", "%2e%2e", "ü", "\ud800", ""])
def test_an_odd_id_stays_inside_its_path(client: VerifyClient, front: Front, odd: str) -> None:
    """A flow that keeps it where a browser can change it asks for nothing else."""
    for ask in (client.status, client.cancel):
        refused(NotFound, lambda ask=ask: ask(odd))
    for request in front.requests:
        assert re.fullmatch("/verify/[^/?#]+(/cancel)?", request.path)


def test_the_id_of_the_request_is_one_on_both_sides(
    client: VerifyClient, service: Service, provider: StandIn
) -> None:
    """Given or not, the answer has it, and so does each line of the service's log."""
    given = client.start(NUMBER, request_id="trace:7")
    assert given.request_id == "trace:7"
    made = client.status(given.verification_id)
    assert made.request_id
    uuid.UUID(made.request_id)
    checked = client.check(given.verification_id, provider.code, request_id="trace:8")
    assert checked.request_id == "trace:8"
    assert client.cancel(given.verification_id, request_id="trace:9").request_id == "trace:9"
    logged = {line.get("request_id") for line in service.lines}
    assert {"trace:7", "trace:8", "trace:9", made.request_id} <= logged
    lost = refused(NotFound, lambda: client.status("unknown", request_id="trace:10"))
    assert lost.request_id == "trace:10"


@pytest.mark.parametrize("odd", ["", "a b", "x" * 129, "a\r\nX-Authorization: b", "ü"])
def test_an_odd_id_of_a_request_is_not_sent(
    client: VerifyClient, front: Front, provider: StandIn, odd: str
) -> None:
    """It may be a stranger's header, passed on. As at the service, a new one takes its place."""
    found = client.start(NUMBER, request_id=odd)
    assert found.request_id == front.requests[-1].headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", found.request_id)


def test_answers_cannot_be_changed(client: VerifyClient, provider: StandIn) -> None:
    found: Verification | Check = client.start(NUMBER)
    for value in (found, client.check(client.start("+79161234567").verification_id, "0000")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            value.state = State.APPROVED  # type: ignore[misc]
