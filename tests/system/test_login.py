"""A login from start to finish against the real processes."""

from __future__ import annotations

import pytest

from tests.system.house import House, new_number


def wrong(code: str) -> str:
    return str(1000 + (int(code) - 1000 + 1) % 9000)


def test_a_code_logs_in_once(house: House) -> None:
    """Wrong code, right code, the same code again; the callback marks the call delivered."""
    number = new_number()
    started = house.start(number, reference="order 7")
    assert started.status_code == 201
    verification = started.json()
    assert verification["nextAction"] == "enterCode"

    (call,) = house.calls(number)
    code = call["from"][-4:]
    assert call["from"][:-4] == verification["call"]["callerPrefix"]

    mistyped = house.check(verification["verificationId"], wrong(code))
    assert (mistyped["verified"], mistyped["checksLeft"]) == (False, 2)
    right = house.check(verification["verificationId"], code)
    assert (right["verified"], right["number"], right["nextAction"]) == (True, number, "done")
    assert right["reference"] == "order 7"
    again = house.check(verification["verificationId"], code)
    assert (again["verified"], again["state"], again["nextAction"]) == (False, "approved", "stop")

    delivered = house.wait_for_call(verification["verificationId"], "delivered")
    assert delivered["call"]["providerStatus"] == "TERMINATED"
    assert delivered["state"] == "approved"


@pytest.mark.parametrize(
    ("number", "status"), [("+79990000004", "REJECTED"), ("+79990000005", "UNAVAILABLE")]
)
def test_an_undelivered_call_may_be_repeated_at_once(
    house: House, number: str, status: str
) -> None:
    """REJECTED and UNAVAILABLE end the cooldown: the person's next start is let through."""
    before = len(house.calls(number))
    first = house.start(number).json()
    undelivered = house.wait_for_call(first["verificationId"], "undelivered")
    assert undelivered["call"]["providerStatus"] == status
    assert (undelivered["nextAction"], undelivered["restartIn"]) == ("restart", 0)
    second = house.start(number)
    assert second.status_code == 201
    assert len(house.calls(number)) == before + 2


def test_a_forbidden_call_keeps_its_cooldown(house: House) -> None:
    """FORBIDDEN has `nextAction` stop, and the cooldown stays."""
    number = "+79990000006"
    first = house.start(number).json()
    forbidden = house.wait_for_call(first["verificationId"], "undelivered")
    assert forbidden["call"]["providerStatus"] == "FORBIDDEN"
    assert forbidden["nextAction"] == "stop"
    second = house.start(number)
    assert (second.status_code, second.json()["limit"]) == (429, "cooldown")
    assert len(house.calls(number)) == 1


def test_a_callback_before_the_answer_is_applied(house: House) -> None:
    """The simulator delivers the callback first. The start's answer has its status."""
    started = house.start("+79990000403").json()
    assert started["call"]["state"] == "delivered"


def test_a_refused_call_is_reported_and_refunded(house: House) -> None:
    """An empty balance is a 502, and the start is refunded."""
    number = "+79990000106"
    refused = house.start(number)
    assert (refused.status_code, refused.json()["errorCode"]) == (502, 6)
    assert house.start(number).status_code == 502


def test_the_output_has_no_secret(house: House) -> None:
    """The service prints no code, no key and no full number. Only the simulator prints codes."""
    number = new_number()
    verification = house.start(number).json()
    code = house.calls(number)[0]["code"]
    house.check(verification["verificationId"], code)
    own = [line for line in house.output.read_text().splitlines() if " web " in line]
    text = "\n".join(line for line in own if verification["verificationId"] in line)
    assert text
    everything = "\n".join(own)
    assert number.removeprefix("+") not in everything
    assert f"7917913{code}" not in everything
    assert "development-access-key" not in everything
    assert "sandbox-access-key" not in everything
