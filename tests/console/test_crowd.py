"""After a week of logins, each figure of the page is what the crowd wrote down."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from verify_service.domain.limits import DAY, HOUR

from .crowd import APPS, COUNTRIES, NOW, PUMPED, Crowd, crowd
from .operator_browser import ConsolePage, OperatorBrowser

pytestmark = pytest.mark.slow

TODAY = NOW - NOW % DAY
WEEK = TODAY - 6 * DAY
LAST_24_HOURS = NOW - NOW % HOUR - 23 * HOUR


@pytest.fixture(scope="module")
def people() -> Iterator[Crowd]:
    with crowd() as (people, _):
        yield people


@pytest.fixture(scope="module")
def page(people: Crowd) -> ConsolePage:
    return OperatorBrowser(people.service).signed_in().open()


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} % {part} of {whole}" if whole else "–"


@pytest.mark.parametrize(("caption", "since"), [("Today (UTC)", TODAY), ("Seven days", WEEK)])
def test_the_funnel(people: Crowd, page: ConsolePage, caption: str, since: int) -> None:
    counts = people.counts(since)
    calls = counts["placed"] + counts["unknown"]
    assert counts["started"] >= calls > counts["delivered"] > counts["approved"] > 5
    numbers = [int(row[1]) for row in page.rows(caption)]
    assert numbers == [counts[name] for name in ("started", "placed", "delivered", "approved")]
    assert f"{counts['delivered']} of {calls}" in page.row(caption, "Delivered")[1]


@pytest.mark.parametrize("name", COUNTRIES)
def test_each_country(people: Crowd, page: ConsolePage, name: str) -> None:
    expected = []
    for since in (LAST_24_HOURS, WEEK):
        counts = people.counts(since, country=name)
        expected += figures(counts)
    assert page.row("By country", name) == expected


@pytest.mark.parametrize("name", APPS)
def test_each_app(people: Crowd, page: ConsolePage, name: str) -> None:
    expected = []
    for since in (LAST_24_HOURS, WEEK):
        expected += figures(people.counts(since, app=name))
    assert page.row("By app", name) == expected


def figures(counts) -> list[str]:
    started, calls = counts["started"], counts["placed"] + counts["unknown"]
    return [str(started), share(counts["delivered"], calls), share(counts["approved"], started)]


def test_what_was_refused(people: Crowd, page: ConsolePage) -> None:
    week = people.counts(WEEK)
    refused = {name[8:]: number for name, number in week.items() if name.startswith("refused.")}
    assert {row[0]: int(row[2]) for row in page.rows("By limit")} == refused
    assert refused["prefix"] == int(page.row("By scope", PUMPED)[1]) == 4


def test_what_failed(people: Crowd, page: ConsolePage) -> None:
    day = people.counts(LAST_24_HOURS)
    [cell] = page.row("Provider", "Calls that failed, 24 h")
    failed = f"throttled {day['failed.throttled']}" if day["failed.throttled"] else "none"
    assert cell == f"{failed}; {day['unknown']} without an answer"


def test_what_it_cost(people: Crowd, page: ConsolePage) -> None:
    """The whole week is in this month."""
    prices = {"RU": Decimal("0.9")}
    for country in COUNTRIES:
        counts = people.counts(0, country=country)
        calls = counts["placed"] + counts["unknown"]
        spent = calls * prices.get(country, Decimal("2.5"))
        row = page.row("Spend by country", country)
        assert row[3:] == [str(calls), f"{spent:,.2f}", f"{spent / counts['approved']:,.2f}"]


def test_the_charts(people: Crowd, page: ConsolePage) -> None:
    hours, days = page.all("figure")
    for figure, since in ((hours, LAST_24_HOURS), (days, 0)):
        counts = people.counts(since)
        words = [f"{counts[name]} {name}" for name in ("started", "delivered", "approved")]
        assert ", ".join(words) in figure.text


def test_the_verdict_names_the_pumped_prefix(page: ConsolePage) -> None:
    assert page.heading.startswith(f"It works, but {PUMPED} is limited: ")
