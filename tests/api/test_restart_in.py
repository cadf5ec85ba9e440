"""`restartIn` and `retryAfter` are exact: a start is let through after them, and not before."""

from __future__ import annotations

import pytest

from .service import Service, wrong
from .standin import StandIn

DAY = 86_400
FREE = {"START_COOLDOWNS": "0", "STARTS_PER_NUMBER": "99/60"}

LIMITS = {
    "cooldown": ({"START_COOLDOWNS": "45"}, 0, 45),
    "number": ({**FREE, "STARTS_PER_NUMBER": "1/600"}, 0, 600),
    "failures": ({**FREE, "FAILURES_PER_NUMBER": "2/900"}, 2, 900),
    "locked": ({**FREE, "LOCK_AFTER_FAILURES": "2"}, 2, 90 * DAY),
}
"""Of each limit: its setting, the wrong guesses that reach it, and the seconds it lasts."""

ANY_LIMIT = pytest.mark.parametrize("name", LIMITS)
GUESS_BUDGETS = pytest.mark.parametrize("name", ["failures", "locked"])


def reach(make, client, provider: StandIn, name: str) -> tuple[Service, str]:
    """Return a service whose number has just reached a limit, and its verification."""
    variables, guesses, _ = LIMITS[name]
    service = make(client, METRICS_TOKEN="canary-metrics-token", **variables)
    vid = service.started()
    for _ in range(guesses):
        service.check(vid, wrong(provider.code))
    return service, vid


@ANY_LIMIT
def test_a_start_is_let_through_at_the_very_second(
    make, fake, clock, provider: StandIn, name: str
) -> None:
    """Status and refusal have the same value. One second earlier a start is refused."""
    service, vid = reach(make, fake, provider, name)
    seconds = LIMITS[name][2]
    refused = service.start()
    assert (refused.status_code, refused.json["limit"]) == (429, name)
    assert refused.headers["Retry-After"] == str(refused.json["retryAfter"])
    assert service.status(vid).json["restartIn"] == refused.json["retryAfter"] == seconds
    clock.passes(seconds - 1)
    assert service.start().json["retryAfter"] == 1
    assert len(provider.calls) == 1
    clock.passes(1)
    assert service.start().status_code == 201


@GUESS_BUDGETS
def test_a_number_with_spent_guesses_is_blocked(
    make, fake, clock, provider: StandIn, name: str
) -> None:
    """Check answers exhausted and stop and compares nothing. The verification does not change."""
    service, vid = reach(make, fake, provider, name)
    seconds = LIMITS[name][2]
    before = service.status(vid).json
    assert (before["state"], before["checksLeft"]) == ("pending", 1)
    assert (before["nextAction"], before["limit"]) == ("stop", name)
    assert before["retryAfter"] == before["restartIn"] == seconds
    for code in (provider.code, wrong(provider.code)) * 2:
        assert service.check(vid, code).json == {
            "status": "ok",
            "verified": False,
            "state": "exhausted",
            "checksLeft": 0,
            "restartIn": seconds,
            "nextAction": "stop",
            "limit": name,
            "retryAfter": seconds,
        }
    assert service.start().json["limit"] == name
    assert service.status(vid).json == before
    assert len(provider.calls) == 1


def test_after_the_window_the_same_code_verifies(make, fake, clock, provider: StandIn) -> None:
    """The number's budget is back before the verification expires."""
    service = make(fake, **FREE, FAILURES_PER_NUMBER="2/100")
    vid = service.started()
    for _ in range(2):
        service.check(vid, wrong(provider.code))
    assert service.check(vid, provider.code).json["verified"] is False
    clock.passes(100)
    assert service.check(vid, provider.code).json["verified"] is True


@ANY_LIMIT
def test_a_limit_has_one_name(make, fake, clock, provider: StandIn, name: str) -> None:
    """In the answer, in the counter and in the log."""
    service, _ = reach(make, fake, provider, name)
    assert service.start().json["limit"] == name
    assert service.metric(f'verify_refusals_total{{limit="{name}"}}') == 1
    assert [line["limit"] for line in service.requests("limit")] == [name]
