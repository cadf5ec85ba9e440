"""The figures of the page are what was done."""

from __future__ import annotations

import re

import pytest
import redis

from tests.api.service import CONSOLE_TOKEN, NUMBER, OTHER_KEY, OTHER_NUMBER, Service, wrong
from tests.api.standin import StandIn
from tests.redis_clients import store_client
from verify_service.app import create_operator
from verify_service.domain.limits import DAY, HOUR

from .operator_browser import ConsolePage, OperatorBrowser

KAZAKH = "+77011234567"


@pytest.fixture
def week(service: Service, provider: StandIn, clock) -> None:
    """Two days ago: one login of four starts. Now: one login, one undelivered, one lost."""
    for number in ("+79160000001", "+79160000002", "+79160000003"):
        service.started(number)
    login(service, provider, clock, NUMBER)
    clock.passes(2 * DAY)
    login(service, provider, clock, NUMBER)
    service.started(KAZAKH, key=OTHER_KEY)
    callback(service, provider, KAZAKH, "UNAVAILABLE")
    provider.loses()
    service.start(OTHER_NUMBER)
    clock.passes(1)


def login(service: Service, provider: StandIn, clock, number: str) -> str:
    vid = service.started(number)
    code = provider.calls[-1].code
    clock.passes(3)
    callback(service, provider, number, "ANSWERED")
    service.check(vid, wrong(code))
    service.check(vid, code)
    return vid


def callback(service: Service, provider: StandIn, number: str, status: str) -> None:
    request = f"request-{len(provider.calls)}"
    service.callback(requestId=request, number=number.removeprefix("+"), status=status)


@pytest.mark.usefixtures("week")
def test_the_funnel_of_today_and_of_seven_days(operator: OperatorBrowser) -> None:
    """Each stage with its share, and what it is a share of."""
    page = operator.open()
    assert page.rows("Today (UTC)") == [
        ["Started", "3", "all"],
        ["Placed", "2", "67 % of the starts, 2 of 3"],
        ["Delivered", "1", "33 % of the calls, 1 of 3"],
        ["Approved", "1", "33 % of the starts, 1 of 3"],
    ]
    assert page.rows("Seven days") == [
        ["Started", "7", "all"],
        ["Placed", "6", "86 % of the starts, 6 of 7"],
        ["Delivered", "2", "29 % of the calls, 2 of 7"],
        ["Approved", "2", "29 % of the starts, 2 of 7"],
    ]


@pytest.mark.usefixtures("week")
def test_the_charts_and_their_tables(operator: OperatorBrowser) -> None:
    """The bars are the numbers of the table, and a sentence says the same."""
    page = operator.open()
    hours, days = page.all("figure")
    assert "3 started, 1 delivered, 1 approved" in hours.text
    assert "7 started, 2 delivered, 2 approved. The most starts were 4" in days.text
    numbers = [
        [int(cell.text) for cell in row.inside if cell.tag == "td"]
        for row in days.inside
        if row.tag == "tr"
    ]
    assert [row for row in numbers if any(row)] == [[3, 1, 1], [4, 1, 1]]
    heights = [
        float(bar.attributes["height"])
        for bar in days.inside
        if bar.tag == "rect" and bar.attributes["class"] == "started"
    ]
    assert heights == [160.0, 120.0]


def test_the_worst_country_and_app_come_first(
    service: Service, provider: StandIn, operator: OperatorBrowser, clock
) -> None:
    """By the share of logins; what has few starts comes last."""
    for number in range(10):
        login(service, provider, clock, f"+7916000{number:04}")
        service.started(f"+7701000{number:04}", key=OTHER_KEY)
    service.started("+4915112345678")
    page = operator.open()
    assert [row[0] for row in page.rows("By country")] == ["KZ", "RU", "DE"]
    assert [row[0] for row in page.rows("By app")] == ["bank", "shop"]
    assert page.row("By country", "RU")[:3] == ["10", "100 % 10 of 10", "100 % 10 of 10"]
    assert page.row("By country", "KZ")[3:] == ["10", "0 % 0 of 10", "0 % 0 of 10"]


def test_refusals_by_limit_and_by_scope(make, fake: redis.Redis, clock) -> None:
    """Which prefix, which country, which network; and the command that resets the limit."""
    limits = {
        "STARTS_PER_PREFIX": "1/3600",
        "STARTS_PER_COUNTRY": "3/3600",
        "STARTS_PER_CLIENT_IP": "1/3600",
    }
    service = make(fake, CONSOLE_TOKEN=CONSOLE_TOKEN, **limits)
    service.start(NUMBER, clientIp="203.0.113.7")
    service.start("+79179130000")
    service.start("+79179130001")
    service.start("+79160000001", clientIp="203.0.113.7")
    service.start("+79160000002")
    service.start("+79160010003")
    service.start("+79160020004")
    page = OperatorBrowser(service).signed_in().open()
    assert sorted(page.rows("By limit")) == [
        ["clientIp", "1", "1"],
        ["country", "1", "1"],
        ["prefix", "2", "2"],
    ]
    scopes = page.rows("By scope")
    reset = "flask --app wsgi reset"
    assert scopes[0] == ["+7917913", "prefix", "2", f"{reset} prefix +7917913"]
    assert ["RU", "country", "1", f"{reset} country RU"] in scopes
    [network] = [row[0] for row in scopes if row[1] == "clientIp"]
    assert ["203.0.113.7" in page.text, len(network)] == [False, 19]
    states = {row[0]: row[1:3] for row in page.rows("What is blocked")}
    assert states["+7917913"] == ["too many starts", "the limit prefix"]
    assert states["RU"] == ["too many starts", "the limit country"]
    assert network in states


def test_a_block_has_the_command_that_ends_it(
    service: Service, fake: redis.Redis, operator: OperatorBrowser
) -> None:
    create_operator(service.settings, store_client(fake)).block("+7917", HOUR)
    service.start(NUMBER)
    page = operator.open()
    assert page.rows("By limit") == [["blocked", "1", "1"]]
    unblock = "flask --app wsgi unblock +7917"
    assert page.rows("By scope") == [["+7917", "blocked", "1", unblock]]


@pytest.mark.parametrize("rows", [20, 23])
def test_a_long_table_is_cut(make, fake: redis.Redis, clock, rows: int) -> None:
    service = make(fake, CONSOLE_TOKEN=CONSOLE_TOKEN, STARTS_PER_PREFIX="1/3600")
    for number in range(rows):
        for last in (1, 2):
            service.start(f"+7916{number:03}000{last}")
    page = OperatorBrowser(service).signed_in().open()
    assert len(page.rows("By scope")) == len(page.rows("What is blocked")) == 20
    assert page.text.count(f"and {rows - 20} more") == (2 if rows > 20 else 0)


@pytest.mark.usefixtures("week")
def test_what_calls_cost(make, fake: redis.Redis) -> None:
    """Of today, of the month, for each login; each country has a price, or none."""
    service = make(fake, CONSOLE_TOKEN=CONSOLE_TOKEN, CALL_PRICE="RU:0.9,*:2.5")
    page = OperatorBrowser(service).signed_in().open()
    assert page.rows("Spend by country") == [
        ["All", "–", "3", "4.30", "7", "7.90", "3.95"],
        ["RU", "0.90", "2", "1.80", "6", "5.40", "2.70"],
        ["KZ", "2.50", "1", "2.50", "1", "2.50", "–"],
    ]
    partial = make(fake, CONSOLE_TOKEN=CONSOLE_TOKEN, CALL_PRICE="RU:0.9")
    page = OperatorBrowser(partial).signed_in().open()
    assert page.row("Spend by country", "KZ") == ["no price", "1", "–", "1", "–", "–"]
    assert page.row("Spend by country", "All")[-1] == "–"
    assert "The total lacks 1 calls to countries without a price." in page.text


def test_without_prices_it_says_how_to_see_the_cost(operator: OperatorBrowser) -> None:
    assert "Set CALL_PRICE" in operator.open().text


def test_the_month_begins_on_its_first_day(make, fake: redis.Redis, provider, clock) -> None:
    """The tests' clock begins on 21 September."""
    service = make(fake, CONSOLE_TOKEN=CONSOLE_TOKEN, CALL_PRICE="*:1")
    service.started(NUMBER)
    clock.passes(8 * DAY)
    service.started(OTHER_NUMBER)
    page = OperatorBrowser(service).signed_in().open()
    assert page.row("Spend by country", "All")[1:5] == ["1", "1.00", "2", "2.00"]
    clock.passes(2 * DAY)
    page = OperatorBrowser(service).signed_in().open()
    assert page.rows("Spend by country")[0] == ["All", "–", "0", "0.00", "0", "0.00", "–"]


def test_a_new_service_has_no_data_yet(operator: OperatorBrowser) -> None:
    page = operator.open()
    assert page.heading == "It works"
    for sentence in (
        "There was no start yet.",
        "No start in seven days.",
        "No start was refused in seven days.",
        "Nothing is blocked, paused or under alarm, and no limit over many numbers is full.",
    ):
        assert sentence in page.text
    assert page.rows("Today (UTC)")[0] == ["Started", "0", "no start yet"]


@pytest.mark.usefixtures("week")
def test_moments_have_a_zone(operator: OperatorBrowser) -> None:
    page = operator.open()
    moments = page.all("time")
    assert moments
    for moment in moments:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", moment.text)
        assert moment.attributes["datetime"] == moment.text[:-4].replace(" ", "T") + "Z"
    assert "As of 2026-09-23 14:13:27 UTC." in page.text


@pytest.mark.usefixtures("week")
def test_reading_changes_nothing(operator: OperatorBrowser, fake: redis.Redis) -> None:
    """But the key with which readiness tries a write, which expires after a second."""

    def everything() -> dict[str, bytes | None]:
        return {key: fake.dump(key) for key in fake.scan_iter() if not key.endswith(":probe")}

    before = everything()
    for path in ("/console", "/console/attempts", "/console/attempts?id=x"):
        operator.request("GET", path)
    assert before
    assert everything() == before


def test_the_hours_are_the_last_24(
    service: Service, operator: OperatorBrowser, provider, clock
) -> None:
    service.started(NUMBER)
    clock.passes(23 * HOUR)
    assert operator_again(service).row("By country", "RU")[0] == "1"
    clock.passes(HOUR)
    assert operator_again(service).row("By country", "RU")[0] == "0"


def operator_again(service: Service) -> ConsolePage:
    """Sign in again: a session is shorter than a day."""
    return OperatorBrowser(service).signed_in().open()
