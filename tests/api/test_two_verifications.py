"""Two verifications of one number: each has its own code, checks and end; they share the budget."""

from __future__ import annotations

import pytest

from .service import Service
from .standin import StandIn

FREE = {"START_COOLDOWNS": "0", "STARTS_PER_NUMBER": "99/60"}


def two(service: Service, provider: StandIn, clock) -> tuple[tuple[str, str], tuple[str, str]]:
    """Start two with different codes, the second one a minute later; return ids and codes."""
    first = service.started(), provider.code
    clock.passes(60)
    second = service.started(), provider.code
    while second[1] == first[1]:
        second = service.started(), provider.code
    return first, second


@pytest.mark.parametrize("turn", [0, 1])
def test_each_accepts_only_its_own_code(make, fake, clock, provider: StandIn, turn: int) -> None:
    """The other one's is wrong. It costs a check here and none there."""
    service = make(fake, **FREE)
    pair = two(service, provider, clock)
    (mine, code), (other, foreign) = pair[turn], pair[1 - turn]
    answer = service.check(mine, foreign).json
    assert (answer["verified"], answer["checksLeft"]) == (False, 2)
    assert service.status(other).json["checksLeft"] == 3
    assert service.check(mine, code).json["verified"] is True
    assert service.check(other, foreign).json["verified"] is True


def test_each_lives_until_its_own_end(make, fake, clock, provider: StandIn) -> None:
    """An expired, exhausted or canceled one does not change the other."""
    service = make(fake, **FREE)
    (first, _), (second, code) = two(service, provider, clock)
    clock.passes(240)
    assert service.status(first).json["state"] == "expired"
    assert service.status(second).json["expiresIn"] == 60
    third = service.started()
    service.cancel(third)
    assert service.check(second, code).json["verified"] is True


def test_they_share_the_numbers_budget(make, fake, clock, provider: StandIn) -> None:
    """Two wrong guesses at each are four for the number."""
    service = make(fake, **FREE, FAILURES_PER_NUMBER="4/86400")
    (first, code), (second, other) = two(service, provider, clock)
    for vid in (first, second) * 2:
        service.check(vid, "0000")
    for vid, right in ((first, code), (second, other)):
        answer = service.check(vid, right).json
        assert (answer["verified"], answer["limit"]) == (False, "failures")
