"""Every start and every check has an Idempotency-Key, and its repeats have the same one."""

from __future__ import annotations

import re
import threading

import pytest

from tests.api.lost import cut
from tests.api.service import NUMBER, OTHER_NUMBER, Service, wrong
from tests.api.standin import Answer, StandIn
from verify_service.client import CallState, Unavailable, VerifyClient

from .conftest import Connect
from .server import Exchange, Front, lose, reset
from .silence import refused
from .timing import Hurry

GENERATED = re.compile("[0-9a-f]{32}")


def test_each_call_has_a_key_of_its_own(
    client: VerifyClient, front: Front, provider: StandIn
) -> None:
    """128 random bits, for start and check; status and cancel need none."""
    one = client.start(NUMBER)
    other = client.start(OTHER_NUMBER)
    client.check(one.verification_id, wrong(provider.code))
    client.check(one.verification_id, wrong(provider.code))
    client.status(one.verification_id)
    client.cancel(other.verification_id)
    keys = [key for key in front.keys if key is not None]
    assert all(GENERATED.fullmatch(key) for key in keys)
    assert len(set(keys)) == len(keys) == 4
    assert front.keys[4:] == [None, None]


def test_the_same_guess_twice_costs_two(client: VerifyClient, provider: StandIn) -> None:
    """A person who sends the form again guesses again: the key is the call's, not the code's."""
    vid = client.start(NUMBER).verification_id
    left = [client.check(vid, wrong(provider.code)).checks_left for _ in range(2)]
    assert left == [2, 1]


def test_a_key_of_the_callers_own(client: VerifyClient, front: Front, provider: StandIn) -> None:
    """The same start, for example from another process, returns the first verification."""
    first = client.start(NUMBER, idempotency_key="order-7")
    again = client.start(NUMBER, idempotency_key="order-7")
    assert again.verification_id == first.verification_id
    assert len(provider.calls) == 1
    for _ in range(2):
        assert client.check(
            first.verification_id, provider.code, idempotency_key="guess-7"
        ).verified
    assert front.keys == ["order-7", "order-7", "guess-7", "guess-7"]


@pytest.mark.parametrize("key", ["", "a b", "a\r\nX-Authorization: b", "ü", "\ud800", "x" * 129])
def test_a_key_that_cannot_be_sent(client: VerifyClient, front: Front, key: str) -> None:
    """Neither start nor check goes out without the key that was asked for."""
    with pytest.raises(ValueError, match="1 to 128"):
        client.start(NUMBER, idempotency_key=key)
    with pytest.raises(ValueError, match="1 to 128"):
        client.check("some-id", "1234", idempotency_key=key)
    assert front.requests == []


@pytest.mark.parametrize("fate", [lose, reset])
def test_a_start_whose_answer_was_lost_rings_once(
    client: VerifyClient, front: Front, service: Service, provider: StandIn, fate
) -> None:
    """Whether the service had seen it or not."""
    front.will(fate)
    found = client.start(NUMBER, reference="r")
    assert len(provider.calls) == 1
    assert found.reference == "r"
    assert len(front.keys) == 2
    assert front.keys[0] == front.keys[1] is not None
    assert front.requests[0].body == front.requests[1].body
    assert client.check(found.verification_id, provider.code).verified


@pytest.mark.parametrize("fate", [lose, reset])
def test_a_check_whose_answer_was_lost_verifies(
    client: VerifyClient, front: Front, provider: StandIn, fate
) -> None:
    """A lost answer does not use up the right code."""
    vid = client.start(NUMBER).verification_id
    front.will(fate)
    assert client.check(vid, provider.code).verified
    assert client.check(vid, provider.code).verified is False


def test_a_guess_whose_answer_was_lost_costs_one(
    client: VerifyClient, front: Front, provider: StandIn
) -> None:
    vid = client.start(NUMBER).verification_id
    front.will(lose, lose, lose)
    assert client.check(vid, wrong(provider.code)).checks_left == 2


def test_a_start_that_is_still_at_work_is_waited_for(
    client: VerifyClient, front: Front, provider: StandIn, hurry: Hurry
) -> None:
    """The connection is lost while the provider thinks: 409 until it has thought."""
    reached, thought = threading.Event(), threading.Event()
    lost: list[threading.Thread] = []

    def think(call) -> Answer:
        reached.set()
        thought.wait(10)
        return Answer(body={"requestId": "r", "from": call.caller})

    def break_off(exchange: Exchange) -> None:
        lost.append(threading.Thread(target=exchange.front.ask, args=[exchange.received]))
        lost[0].start()
        reached.wait(10)
        exchange.break_off()

    def after_the_second_409(_: float) -> None:
        if len(hurry.slept) == 3:
            thought.set()
            lost[0].join(10)

    provider.then = think
    hurry.also = after_the_second_409
    front.will(break_off)
    found = client.start(NUMBER)
    assert found.call.state is CallState.PLACED
    assert hurry.slept[1:] == [1.25, 1.25]
    assert len(front.keys) == 4
    assert len(set(front.keys)) == len(provider.calls) == 1


def test_a_process_that_died_over_a_start(
    timed: Service, clock, connect: Connect, provider: StandIn, hurry: Hurry
) -> None:
    """At the defaults the repeats outlast its time in flight: one call, and the code counts."""
    hurry.also = clock.passes
    with Front(timed) as front, pytest.MonkeyPatch.context() as patch:
        cut(timed, patch, "record")  # the process dies after the provider got the request
        front.will(lose)
        client = connect(front.url)
        found = client.start(NUMBER)
        assert found.call.state is CallState.UNKNOWN
        assert len(provider.calls) == 1
        assert client.check(found.verification_id, provider.code).verified
    assert 11 < sum(hurry.slept) < 14


def test_a_start_that_took_long_is_asked_for_again(
    front: Front, connect: Connect, provider: StandIn, hurry: Hurry
) -> None:
    """Also where waiting for it took longer than the client's patience."""
    front.will(hurry.after(13, lose))
    assert connect(front.url, patience=1).start(NUMBER).call.state is CallState.PLACED
    assert len(provider.calls) == 1
    assert hurry.slept == [0.1]


def test_an_error_has_the_key_for_a_later_try(
    front: Front, connect: Connect, provider: StandIn
) -> None:
    """What cannot be waited for now can be asked for later, and is the same request still."""
    client = connect(front.url, patience=0)
    front.will(lose)
    error = refused(Unavailable, lambda: client.start(NUMBER))
    assert error.idempotency_key == front.keys[0]
    client.start(NUMBER, idempotency_key=error.idempotency_key)
    assert len(provider.calls) == 1
