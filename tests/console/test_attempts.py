"""The last attempts, and one verification's timeline."""

from __future__ import annotations

import pytest
import redis

from tests.api.service import CONSOLE_TOKEN, NUMBER, OTHER_NUMBER, Service, wrong
from tests.api.standin import StandIn
from verify_service.domain.limits import HOUR
from verify_service.domain.timeline import ATTEMPTS

from .operator_browser import OperatorBrowser


def test_the_newest_come_first_with_masked_numbers(
    service: Service, provider: StandIn, operator: OperatorBrowser, clock
) -> None:
    first = service.started(NUMBER, reference="<script>alert(1)</script>")
    service.callback(number=NUMBER)
    service.check(first, provider.code)
    clock.passes(10)
    provider.answers(403, {"errorCode": 6})
    service.start(OTHER_NUMBER)
    page = operator.open("/console/attempts")
    newer, older = page.rows("The last 2")
    assert newer[1:6] == ["+7916•••••67", "RU", "shop", "failed account", "failed"]
    assert older[:6] == [
        "2026-09-21 14:13:20 UTC",
        "+7917•••••87",
        "RU",
        "shop",
        "delivered ANSWERED",
        "approved",
    ]
    assert NUMBER not in page.html
    assert "script" not in page.html


@pytest.mark.slow
def test_the_last_hundred(make, fake: redis.Redis, clock, provider: StandIn) -> None:
    """Also if each has so many events that more of the timeline has to be read."""
    service = make(fake, CONSOLE_TOKEN=CONSOLE_TOKEN, MAX_CHECKS="20", FAILURES_PER_NUMBER="50/60")
    for number in range(ATTEMPTS + 5):
        vid = service.started(f"+7916{number:03}0000")
        for _ in range(12):
            service.check(vid, wrong(provider.code))
    page = OperatorBrowser(service).signed_in().open("/console/attempts")
    assert len(page.rows(f"The last {ATTEMPTS}")) == ATTEMPTS


def test_one_verification_by_its_id(
    service: Service, provider: StandIn, operator: OperatorBrowser, clock
) -> None:
    """Its events with their moments, and what is stored; later the events alone."""
    vid = service.started(NUMBER)
    clock.passes(7)
    service.callback(number=NUMBER)
    service.check(vid, wrong(provider.code))
    [link] = [
        link
        for link in operator.open("/console/attempts").all("a")
        if "?id=" in link.attributes["href"]
    ]
    page = operator.open(link.attributes["href"])
    assert page.rows("What is known") == [
        ["Number", "+7917•••••87"],
        ["App", "shop"],
        ["Country", "RU"],
        ["State", "pending"],
        ["Call", "delivered (ANSWERED)"],
        ["Checks left", "2"],
        ["Code expires", "2026-09-21 14:18:20 UTC"],
    ]
    assert page.rows("Timeline") == [
        ["2026-09-21 14:13:20 UTC", "0.000 s", "started", "–"],
        ["2026-09-21 14:13:20 UTC", "0.000 s", "placed", "–"],
        ["2026-09-21 14:13:27 UTC", "7.000 s", "delivered", "ANSWERED"],
        ["2026-09-21 14:13:27 UTC", "7.000 s", "wrong", "–"],
    ]
    clock.passes(2 * HOUR)
    later = operator.open(f"/console/attempts?id={vid}")
    assert later.rows("Timeline") == page.rows("Timeline")
    assert later.row("What is known", "State") == ["– the verification itself is no longer kept"]


def test_a_failed_call_shows_our_sentence(
    service: Service, provider: StandIn, operator: OperatorBrowser
) -> None:
    """And the provider's code, never its text."""
    provider.answers(403, {"errorCode": 6, "errorReason": "<b>secret words</b>"})
    vid = service.start(NUMBER).json["verificationId"]
    page = operator.open(f"/console/attempts?id={vid}")
    assert "(errorCode 6)" in page.row("What is known", "Call")[0]
    assert "secret words" not in page.html


@pytest.mark.parametrize("text", ["A" * 40, "79179136787", "<script>", "' OR 1=1", "é", "x" * 2000])
def test_an_unknown_id_is_404_and_not_repeated(operator: OperatorBrowser, text: str) -> None:
    answer = operator.request("GET", "/console/attempts", query_string={"id": text})
    assert answer.status_code == 404
    assert "Nothing is stored under this id" in answer.text
    assert text not in answer.text


def test_the_log_has_the_rule_and_not_the_id(
    service: Service, operator: OperatorBrowser, provider: StandIn
) -> None:
    vid = service.started(NUMBER)
    service.log.truncate(0)
    service.log.seek(0)
    operator.open(f"/console/attempts?id={vid}")
    [line] = service.events("request")
    assert (line["rule"], line["http"]) == ("/console/attempts", 200)
    assert vid not in service.log.getvalue()


def test_a_test_numbers_verification_is_shown_without_events(make, fake, clock) -> None:
    service = make(fake, CONSOLE_TOKEN=CONSOLE_TOKEN, TEST_NUMBERS=f"{NUMBER}=1357@2026-10-01")
    vid = service.started(NUMBER)
    page = OperatorBrowser(service).signed_in().open(f"/console/attempts?id={vid}")
    assert page.row("What is known", "State") == ["pending, test number"]
    assert "Its events are not kept" in page.text
    assert "1357" not in page.text


def test_without_redis_it_says_so(make) -> None:
    browser = OperatorBrowser(make(CONSOLE_TOKEN=CONSOLE_TOKEN)).signed_in()
    assert "Redis cannot be reached." in browser.open("/console/attempts").text
