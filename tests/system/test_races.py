"""Many concurrent requests against the real processes: what the functions promise holds over
HTTP."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tests.system.house import House, new_number

Answer = TypeVar("Answer")


def at_once(many: int, ask: Callable[[], Answer]) -> list[Answer]:
    """Send this many requests at the same moment."""
    barrier = threading.Barrier(many)

    def wait_and_ask(_: int) -> Answer:
        barrier.wait(10)
        return ask()

    with ThreadPoolExecutor(many) as crowd:
        return list(crowd.map(wait_and_ask, range(many)))


def test_thirty_starts_place_one_call(house: House) -> None:
    """One 201, 29 times 429, one call at the provider."""
    number = new_number()
    answers = at_once(30, lambda: house.start(number))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 429: 29}
    assert len(house.calls(number)) == 1
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["Retry-After"] == str(refused.json()["retryAfter"])


def test_fifty_right_checks_verify_once(house: House) -> None:
    """Exactly one `verified: true`, however many have the right code."""
    number = new_number()
    verification_id = house.start(number).json()["verificationId"]
    code = house.calls(number)[0]["code"]
    answers = at_once(50, lambda: house.check(verification_id, code))
    assert Counter(answer["verified"] for answer in answers) == {True: 1, False: 49}
    assert {answer["state"] for answer in answers} == {"approved"}


def test_forty_wrong_checks_compare_three(house: House) -> None:
    """Exactly the limit is compared. After it the right code is refused too."""
    number = new_number()
    verification_id = house.start(number).json()["verificationId"]
    answers = at_once(40, lambda: house.check(verification_id, "0999"))
    assert sorted(answer["checksLeft"] for answer in answers) == [0] * 38 + [1, 2]
    right = house.check(verification_id, house.calls(number)[0]["code"])
    assert (right["verified"], right["state"]) == (False, "exhausted")
