"""The limits of a number in a login flow."""

from __future__ import annotations

import pytest

from .service import NUMBER, OTHER_KEY, Service, wrong
from .standin import StandIn

DAY = 86_400


def fail_checks(service: Service, provider: StandIn, checks: int) -> str:
    """Start, and guess wrong this many times; return the verificationId."""
    vid = service.started()
    for _ in range(checks):
        service.check(vid, wrong(provider.code))
    return vid


def restart_after(service: Service, clock) -> str:
    """Let exactly the announced time pass, then start."""
    refused = service.start()
    assert refused.status_code == 429
    clock.passes(refused.json["retryAfter"])
    return service.started()


def test_the_cooldown_grows_and_its_last_step_repeats(make, fake, clock) -> None:
    """30, 60, 120, 300, 300: each start waits for the one before."""
    service = make(fake, STARTS_PER_NUMBER="100/86400")
    waits = []
    for _ in range(5):
        vid = service.started()
        waits.append(service.status(vid).json["restartIn"])
        clock.passes(waits[-1] - 1)
        assert service.start().json == _limit("cooldown", 1)
        clock.passes(1)
    assert waits == [30, 60, 120, 300, 300]


def _limit(name: str, seconds: int) -> dict[str, object]:
    return {
        "status": "tooManyRequestsError",
        "errorCode": 4,
        "reason": name,
        "errorReason": "Too many requests. "
        f"The limit {name} refused this start. Retry in {seconds} s.",
        "limit": name,
        "retryAfter": seconds,
    }


def test_three_starts_in_ten_minutes_and_five_a_day(make, fake, clock, provider: StandIn) -> None:
    """A configured limit of N means N, to the second."""
    service = make(fake, START_COOLDOWNS="0")
    for _ in range(3):
        service.started()
    assert service.start().json == _limit("number", 600)
    clock.passes(600)
    for _ in range(2):
        service.started()
    assert service.start().json == _limit("number", DAY - 600)
    assert len(provider.calls) == 5
    clock.passes(DAY - 600)
    service.started()


def test_the_limit_with_the_longest_wait_is_returned(timed: Service, clock) -> None:
    """A caller that waits for it is let through."""
    timed.started()
    restart_after(timed, clock)
    restart_after(timed, clock)
    assert timed.start().json["limit"] == "number"
    restart_after(timed, clock)


def test_an_approval_resets_the_ladder_and_ends_the_cooldown(
    make, fake, provider: StandIn, clock
) -> None:
    """The next start is a first one again, but the windows still count."""
    service = make(fake, STARTS_PER_NUMBER="100/86400")
    service.started()
    vid = restart_after(service, clock)
    assert service.status(vid).json["restartIn"] == 60
    clock.passes(1)
    service.check(vid, provider.code)
    assert service.status(vid).json["restartIn"] == 0
    assert service.start().json["restartIn"] == 30


def test_nine_failures_a_day_refuse_starts_and_checks(make, fake, provider: StandIn, clock) -> None:
    """Start answers 429 `failures`. Check answers exhausted and stop without comparing. The
    verification does not change."""
    service = make(fake, START_COOLDOWNS="0", STARTS_PER_NUMBER="9/60")
    pending = service.started()
    for _ in range(3):
        fail_checks(service, provider, 3)
    calls = len(provider.calls)
    assert service.start().json == _limit("failures", DAY)
    assert len(provider.calls) == calls
    answer = service.check(pending, provider.calls[0].code)
    assert answer.status_code == 200
    assert answer.json == {
        "status": "ok",
        "verified": False,
        "state": "exhausted",
        "checksLeft": 0,
        "restartIn": DAY,
        "nextAction": "stop",
        "limit": "failures",
        "retryAfter": DAY,
    }
    found = service.status(pending).json
    assert (found["state"], found["checksLeft"]) == ("pending", 3)
    assert (found["nextAction"], found["limit"]) == ("stop", "failures")
    assert found["retryAfter"] == DAY
    clock.passes(DAY)
    service.started()


def test_the_guess_that_spends_the_budget_returns_stop(make, fake, provider: StandIn) -> None:
    service = make(fake, FAILURES_PER_NUMBER="2/86400")
    vid = service.started()
    service.check(vid, wrong(provider.code))
    answer = service.check(vid, wrong(provider.code)).json
    assert (answer["nextAction"], answer["limit"]) == ("stop", "failures")
    assert service.check(vid, provider.code).json["verified"] is False


def test_thirty_failures_in_a_row_lock_the_number(make, fake, provider: StandIn, clock) -> None:
    """For 90 days after the last failure. Then everything works again."""
    service = make(
        fake,
        LOCK_AFTER_FAILURES="3",
        FAILURES_PER_NUMBER="2/10",
        START_COOLDOWNS="0",
        CODE_TTL="3600",
    )
    vid = fail_checks(service, provider, 2)
    clock.passes(10)
    service.check(vid, wrong(provider.code))
    assert service.start().json == _limit("locked", 90 * DAY)
    found = service.status(vid).json
    assert (found["nextAction"], found["limit"]) == ("stop", "locked")
    assert service.check(vid, provider.code).json["verified"] is False
    clock.passes(90 * DAY)
    again = service.started()
    assert service.check(again, provider.code).json["verified"] is True


def test_an_approved_verification_is_never_blocked(make, fake, provider: StandIn) -> None:
    """The failures of a later verification do not affect an approved one."""
    service = make(fake, FAILURES_PER_NUMBER="1/86400")
    approved = service.started()
    service.check(approved, provider.code)
    fail_checks(service, provider, 1)
    assert service.start().json["limit"] == "failures"
    found = service.status(approved).json
    assert (found["state"], found["nextAction"]) == ("approved", "stop")
    assert not {"limit", "retryAfter"} & set(found)


def test_an_approval_ends_the_run_but_not_the_days_failures(make, fake, provider: StandIn) -> None:
    """The day's failures may have been a stranger's."""
    service = make(fake, FAILURES_PER_NUMBER="3/86400", LOCK_AFTER_FAILURES="3")
    vid = fail_checks(service, provider, 2)
    assert service.check(vid, provider.code).json["verified"] is True
    second = service.started()
    answer = service.check(second, wrong(provider.code)).json
    assert (answer["nextAction"], answer["limit"]) == ("stop", "failures")


@pytest.mark.parametrize("key", [None, OTHER_KEY])
def test_a_new_start_never_refills_the_guess_budget(
    make, fake, provider: StandIn, key: str | None
) -> None:
    """Whichever app makes it."""
    service = make(fake, FAILURES_PER_NUMBER="4/86400", START_COOLDOWNS="0")
    fail_checks(service, provider, 3)
    body = service.start(NUMBER, **({"key": key} if key else {})).json
    used = {"key": key} if key else {}
    service.check(body["verificationId"], wrong(provider.code), **used)
    answer = service.check(body["verificationId"], provider.code, **used)
    assert answer.json["verified"] is False
    assert answer.json["state"] == "exhausted"


def test_refusals_are_counted_and_logged_by_name(make, fake) -> None:
    service = make(fake, METRICS_TOKEN="canary-metrics-token")
    service.started()
    service.start()
    assert service.metric('verify_refusals_total{limit="cooldown"}') == 1
    (line,) = service.requests("limit")
    assert (line["limit"], line["retry_after"]) == ("cooldown", 30)
    assert line["number"] == "+7917•••••87"
