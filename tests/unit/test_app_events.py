"""How the events of the apps fare: the rows of the page, the findings, the lines of `webhook`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from verify_service.cli.webhook_sentences import events_line, trial_lines
from verify_service.domain.app_events import LATE_SECONDS, AppEvents, app_events
from verify_service.domain.blocked import blocked_rows
from verify_service.domain.counts import Counts, Period, Statistics, Tally
from verify_service.domain.diagnosis import Restriction
from verify_service.domain.finding import Level
from verify_service.domain.outboxes import OutboxUsage, Trial
from verify_service.domain.situation import Situation
from verify_service.domain.verdict import verdict

NOW = 1_790_000_000_000
HOUR, DAY = 3_600, 86_400
PAGE = (Path(__file__).parents[2] / "docs/command-line.md").read_text("utf-8").splitlines()
OFF = Restriction("webhook", "shop", "off", 82_800, since=NOW - 3_600_000)


def situation(*outboxes: OutboxUsage, hours_ago: int = 0, **counts: int) -> Situation:
    """What is counted happened to the events of `shop`, so many hours ago."""
    happened = Counts({f"webhook.{name}": number for name, number in counts.items()})
    tally = Tally(apps={"shop": happened})
    hours = tuple(
        Period(NOW // 1000 - HOUR * back, HOUR, tally if back == hours_ago else Tally())
        for back in range(23, -1, -1)
    )
    today = Period(NOW // 1000 - DAY // 2, DAY, tally)
    return Situation(NOW, statistics=Statistics(NOW, hours, (today,), Tally()), outboxes=outboxes)


WAITING = OutboxUsage("shop", waiting=3, oldest=720, off=0)
EMPTY = OutboxUsage("shop", waiting=0, oldest=0, off=0)


def test_events_that_arrive_are_no_finding() -> None:
    for outbox in (EMPTY, replace(WAITING, oldest=LATE_SECONDS)):
        assert verdict(situation(outbox, delivered=40, failed=2)).sentence == "It works"


def test_events_that_wait_are_a_finding() -> None:
    (finding,) = verdict(situation(WAITING)).findings
    assert (finding.level, finding.title) == (
        Level.WARNING,
        "shop: events wait for their receiver",
    )
    assert finding.detail.startswith("Waiting: 3, the oldest for 12 min. Logins work;")
    assert finding.since == NOW - 720_000
    assert (finding.command_words, finding.command) == (
        "Tries the address",
        "flask --app wsgi webhook test shop",
    )


@pytest.mark.parametrize(
    ("counts", "detail"),
    [
        ({"dropped": 3}, "Dropped: 3 after the last try, or after two hours. 0 were delivered."),
        ({"lost": 2}, "Dropped: 2 because the outbox was full. 0 were delivered."),
        (
            {"dropped": 1, "lost": 2, "delivered": 9},
            (
                "Dropped: 1 after the last try, or after two hours and 2 because the outbox was "
                "full. 9 were delivered."
            ),
        ),
    ],
)
def test_events_that_were_dropped_are_a_finding(counts: dict[str, int], detail: str) -> None:
    """For the present hour and the one before."""
    for ago in (0, 1):
        (finding,) = verdict(situation(EMPTY, hours_ago=ago, **counts)).findings
        assert (finding.title, finding.detail) == ("shop: events were dropped", detail)
        assert "webhook resend" in finding.remedy
    assert verdict(situation(EMPTY, hours_ago=2, **counts)).findings == ()


def test_an_address_that_is_off_is_one_finding() -> None:
    """Its events wait because it is off."""
    given = replace(situation(replace(WAITING, off=82_800)), restrictions=(OFF,))
    (finding,) = verdict(given).findings
    assert (finding.level, finding.title) == (Level.WARNING, "shop: no event is posted")
    assert finding.detail == ("By the receiver. It answered 410 to an event. It ends in 23 h.")
    assert finding.command == "flask --app wsgi webhook on shop"
    assert finding.since == NOW - 3_600_000
    (row,) = blocked_rows(given)
    assert not row.stops_starts


def test_an_app_without_an_address_has_no_row() -> None:
    assert app_events(situation(delivered=4)) == []


def test_a_row_has_the_counts_of_today_and_the_command() -> None:
    (row,) = app_events(situation(replace(WAITING, off=60), delivered=4))
    assert row.today["webhook.delivered"] == 4
    assert row.command == "flask --app wsgi webhook on shop"
    (row,) = app_events(situation(WAITING))
    assert row.command == ""


TODAY = Counts(
    {"webhook.delivered": 120, "webhook.failed": 4, "webhook.dropped": 1, "webhook.lost": 0}
)


@pytest.mark.parametrize(
    "row",
    [
        AppEvents(WAITING, TODAY),
        AppEvents(OutboxUsage("bank", 1, 60, 82_800), Counts()),
    ],
)
def test_the_manual_shows_the_lines_of_show(row: AppEvents) -> None:
    assert events_line(row) in PAGE


@pytest.mark.parametrize(
    "trial",
    [
        Trial(204, 0.038, accepted=True),
        Trial(401, 0.041, clock=-360.2),
        Trial(401, 0.041, clock=12),
    ],
)
def test_the_manual_shows_the_lines_of_a_test(trial: Trial) -> None:
    assert set(trial_lines("shop", trial)) <= set(PAGE)


@pytest.mark.parametrize(("clock", "wrong"), [(None, False), (300, False), (-301, True)])
def test_a_clock_is_wrong_beyond_the_tolerance_of_the_libraries(
    clock: float | None, wrong: bool
) -> None:
    assert Trial(401, 1, clock=clock).wrong_clock is wrong
