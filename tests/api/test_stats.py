"""`stats` and `verification`: what the operator sees of what happened."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import redis

from verify_service.domain.limits import HOUR

from .service import NUMBER, OTHER_NUMBER, Service, wrong
from .standin import StandIn
from .test_operator import Run, run_for

START = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
"""When the tests' clock begins."""


@pytest.fixture
def flask(timed: Service, fake: redis.Redis) -> Run:
    return run_for(timed, fake)


@pytest.fixture
def verification_id(timed: Service, provider: StandIn, clock) -> str:
    """An approved verification and a refused start; an hour later a lost call, and one that the
    provider refused."""
    vid = timed.started()
    timed.start()
    clock.passes(7)
    timed.callback(number=NUMBER, requestId="request-1")
    clock.passes(5)
    timed.check(vid, wrong(provider.calls[0].code))
    timed.check(vid, provider.calls[0].code)
    clock.passes(HOUR)
    provider.loses()
    timed.start(OTHER_NUMBER)
    provider.answers(403, {"errorCode": 6})
    timed.start("+79160000001")
    return vid


@pytest.mark.usefixtures("verification_id")
def test_it_prints_what_happened(flask: Run) -> None:
    """Each stage with its share, what failed why, and how long it took."""
    assert flask("stats").output.splitlines() == [
        f"The last 24 hours, until {START + timedelta(hours=1, seconds=12):%Y-%m-%d %H:%M} UTC",
        "started              3",
        "placed               1  33 % of the starts",
        "unknown              1  may have rung",
        "failed               1  account 1",
        "delivered            1  50 % of the calls",
        "undelivered          0",
        "approved             1  33 % of the starts",
        "exhausted            0",
        "canceled             0",
        "wrong guesses        1  50 % of the guesses right",
        "refused              1  cooldown 1",
        "from start to delivered: half within 10 s, nine in ten within 10 s, 99 % within 10 s",
        "from start to approved: half within 15 s, nine in ten within 15 s, 99 % within 15 s",
    ]


@pytest.mark.usefixtures("verification_id")
def test_it_prints_the_hours_days_or_everything(flask: Run) -> None:
    """The present hour is the last one."""
    (hour, started, *_) = flask("stats", "--hours", "1").output.splitlines()
    assert hour.startswith("This hour, until ")
    assert started.split() == ["started", "2"]
    for words in (["--days", "1"], ["--days", "35"], ["--total"], ["--hours", "72"]):
        assert flask("stats", *words).output.splitlines()[1].split() == ["started", "3"]
    assert flask("stats", "--total").output.startswith("Since the counts began, until ")
    both = flask("stats", "--total", "--days", "1", fails=True).output
    assert "Choose one of --hours, --days and --total." in both


@pytest.mark.usefixtures("verification_id")
def test_it_prints_a_line_for_each_group(flask: Run) -> None:
    """By app, by country, and by hour or day."""
    line = ["3", "1", "1", "1", "1", "50", "%", "1", "33", "%"]
    for by, name in (("app", "shop"), ("country", "RU")):
        title, row = flask("stats", "--by", by).output.splitlines()[1:]
        assert title.split()[:3] == [by, "started", "placed"]
        assert row.split() == [name, *line]
    hours = flask("stats", "--hours", "3", "--by", "time").output.splitlines()[2:]
    assert [row[:16] for row in hours] == [
        f"{START.replace(minute=0) + timedelta(hours=at):%Y-%m-%d %H:%M}" for at in (-1, 0, 1)
    ]
    assert [row.split()[2] for row in hours] == ["0", "1", "2"]
    assert "not kept by time" in flask("stats", "--total", "--by", "time", fails=True).output


@pytest.mark.usefixtures("verification_id")
def test_it_prints_every_number_for_programs(flask: Run) -> None:
    found = json.loads(flask("stats", "--hours", "2", "--json").output)
    assert found["counts"]["started"] == found["apps"]["shop"]["started"] == 3
    assert [hour["counts"]["started"] for hour in found["periods"]] == [1, 2]
    assert found["countries"]["RU"]["failed.account"] == 1
    assert found["counts"]["approved.15"] == 1


def test_it_prints_which_scope_a_limit_refused(make, fake: redis.Redis, clock) -> None:
    """A prefix, a country, an app, and the digest of a client's network."""
    service = make(fake, STARTS_PER_PREFIX="1/3600", STARTS_PER_CLIENT_IP="1/3600")
    run = run_for(service, fake)
    service.start(clientIp="203.0.113.7")
    for _ in range(2):
        service.start("+79179136788")
    service.start(OTHER_NUMBER, clientIp="203.0.113.7")
    lines = run("stats", "--hours", "1").output.splitlines()
    first, second = lines[12:14]
    assert lines[11].split() == ["refused", "3", "prefix", "2,", "clientIp", "1"]
    assert first == "  prefix +7917913: 2"
    assert second.startswith("  clientIp ")
    assert "203.0.113.7" not in second
    assert run("blocked").output.count(second.split()[1].rstrip(":")) >= 1


def test_a_verification_is_shown_by_its_events(flask: Run, verification_id: str, clock) -> None:
    """The moment of each, and what is stored; after that cannot be read, the events alone."""
    first, *lines = flask("verification", verification_id).output.splitlines()
    assert first == "+7917•••••87, RU, app shop"
    assert lines[0] == "  2026-09-21 14:13:20 UTC     +0.000 s  started"
    assert [line.split()[5:] for line in lines[1:-1]] == [
        ["placed"],
        ["delivered", "ANSWERED"],
        ["wrong"],
        ["approved"],
    ]
    assert lines[-1] == "Now: approved, the call is delivered (ANSWERED); 1 check left"
    clock.passes(2 * HOUR)
    assert flask("verification", verification_id).output.splitlines() == [first, *lines[:-1]]


def test_a_verification_that_is_not_stored_is_reported(timed: Service, flask: Run, make) -> None:
    """And a text that is no id. An id may begin with a dash, like an option."""
    wrong_text = flask("verification", "79179136787", fails=True).output
    assert "Error: That is not an id of this service." in wrong_text
    for first in "A-":
        gone = flask("verification", first + "A" * 39, fails=True).output
        assert "Error: Nothing is stored of this verification any more." in gone


def test_a_test_numbers_verification_is_shown_without_events(make, fake, clock) -> None:
    """It is not counted. While it can be read, it is shown."""
    day = (START + timedelta(days=10)).date()
    service = make(fake, TEST_NUMBERS=f"{NUMBER}=1234@{day}")
    run = run_for(service, fake)
    vid = service.started()
    assert run("verification", vid).output.splitlines() == [
        "+7917•••••87, app shop, test number",
        "Now: pending, the call is placed; 3 checks left",
    ]
    assert run("stats").output.splitlines()[1].split() == ["started", "0"]
