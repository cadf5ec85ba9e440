"""Events of the real processes, as a login flow receives them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.system.house import House, new_number, running
from tests.waiting import wait_until
from tests.webhooks.login_flow import OTHER_SECRET, SECRET, LoginFlow, receiving

PATIENCE = 20.0
SWITCHED_OFF = "+79990000005"


@pytest.fixture(scope="module")
def login() -> Iterator[LoginFlow]:
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def house(login: LoginFlow, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    settings = {
        "WEBHOOKS": f"demo={login.url}",
        "WEBHOOK_SECRETS": f"demo={SECRET},demo={OTHER_SECRET}",
    }
    with running(tmp_path_factory.mktemp("events") / "output.txt", **settings) as house:
        yield house


def events_of(login: LoginFlow, verification_id: str) -> list[dict[str, Any]]:
    found = [one.read() for one in login.received]
    return [one for one in found if one["data"]["verificationId"] == verification_id]


def events(login: LoginFlow, verification_id: str, number: int) -> list[dict[str, Any]]:
    """Return the events of a verification once there are this many."""
    wait_until(lambda: len(events_of(login, verification_id)) >= number, PATIENCE)
    return events_of(login, verification_id)


def test_a_login_is_told_of_each_change(house: House, login: LoginFlow) -> None:
    """In order. Its last event has what a read says then, except for what passes with time."""
    number = new_number()
    started = house.start(number, reference="order 7").json()
    found = started["verificationId"]
    house.wait_for_call(found, "delivered")
    house.check(found, house.calls(number)[0]["from"][-4:])
    received = events(login, found, 2)
    assert [one["type"] for one in received] == ["verification.delivered", "verification.approved"]
    passing = {"expiresIn", "restartIn"}
    now = house.status(found)
    last = received[-1]["data"]
    assert {name: last[name] for name in last.keys() - passing} == {
        name: now[name] for name in now.keys() - passing
    }
    assert received[0]["data"]["state"] == "pending"
    assert received[0]["timestamp"] <= received[1]["timestamp"]


def test_a_call_that_did_not_ring_is_told_at_once(house: House, login: LoginFlow) -> None:
    """Long before a page that asks every few seconds would know."""
    started = house.start(SWITCHED_OFF).json()
    house.wait_for_call(started["verificationId"], "undelivered")
    (event,) = events(login, started["verificationId"], 1)
    assert event["type"] == "verification.undelivered"
    assert event["data"]["nextAction"] == "restart"
    assert time.time() - event["data"]["call"]["at"] < PATIENCE


def test_neither_codes_nor_numbers_nor_secrets_are_shown(house: House, login: LoginFlow) -> None:
    """Not in events, not in the log. The address may contain a token, so it is in no log."""
    number = new_number()
    found = house.start(number).json()["verificationId"]
    code = house.calls(number)[0]["from"][-4:]
    house.check(found, code)
    events(login, found, 1)
    log = house.output.read_text()
    assert "event_delivered" in log
    for text in ("of-the-address", SECRET, SECRET[6:], OTHER_SECRET):
        assert text not in log
    for received in login.received:
        assert number[1:] not in received.body.decode()
        assert f'"{code}"' not in received.body.decode()
