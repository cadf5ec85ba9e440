"""No page has a number, a code, a secret, an address, or a text of the provider or a login flow."""

from __future__ import annotations

import re

import pytest
import redis

from tests.api import canaries
from tests.api.service import CONSOLE_TOKEN, NUMBER, OTHER_NUMBER, Service, wrong
from tests.api.standin import StandIn
from tests.api.test_canaries import TEMPTATIONS
from verify_service.domain.limits import HOUR

from .operator_browser import OperatorBrowser

HOSTILE = "<script>alert('canary')</script>"
CLIENT, DEVICE = "203.0.113.77", "canary-device"
PAGES = ("/console", "/console/attempts")


def search(service: Service, provider: StandIn, operator: OperatorBrowser, *ids: str) -> str:
    """Return all pages; none has a code, a whole number, or four more digits of a caller."""
    paths = [*PAGES, *(f"/console/attempts?id={vid}" for vid in ids)]
    text = "\n".join(operator.open(path).html for path in paths)
    for call in provider.calls:
        assert call.number not in text
        assert call.caller not in text
        known = re.sub(r"2026-\d\d-\d\d", "", text)
        assert not re.search(rf"(?<![\w-]){call.code}(?![\w-])", known)
    for hidden in (CLIENT, DEVICE, HOSTILE, "canary"):
        assert hidden not in text
    assert canaries.secrets_in_answers(service, provider) == []
    return text


def test_a_login_with_everything(make, fake: redis.Redis, provider: StandIn, clock) -> None:
    service = make(fake, CONSOLE_TOKEN=CONSOLE_TOKEN, STARTS_PER_CLIENT_IP="1/3600")
    operator = OperatorBrowser(service).signed_in()
    fields = {"reference": HOSTILE, "clientIp": CLIENT, "deviceId": DEVICE}
    vid = service.started(NUMBER, **fields)
    service.callback(number=NUMBER)
    service.check(vid, wrong(provider.code))
    search(service, provider, operator, vid)
    service.check(vid, provider.code)
    service.start(OTHER_NUMBER, **fields)
    text = search(service, provider, operator, vid)
    assert "clientIp" in text


@pytest.mark.parametrize("then", TEMPTATIONS.values(), ids=TEMPTATIONS)
def test_a_careless_provider(service: Service, provider: StandIn, operator, then) -> None:
    provider.then = then
    vid = str(service.start(NUMBER).json.get("verificationId", ""))
    search(service, provider, operator, *filter(None, [vid]))


def test_a_prefix_is_not_beside_the_end_of_a_number(
    make, fake: redis.Redis, provider: StandIn, clock
) -> None:
    """Together they would show nine digits of eleven. So the attempts have a page of their own."""
    service = make(fake, CONSOLE_TOKEN=CONSOLE_TOKEN, STARTS_PER_PREFIX="1/3600")
    operator = OperatorBrowser(service).signed_in()
    vid = service.started(NUMBER)
    service.start(f"{NUMBER[:-4]}0000")
    clock.passes(HOUR / 2)
    overview, *others = (
        operator.open(path).text for path in (*PAGES, f"/console/attempts?id={vid}")
    )
    assert NUMBER[:-4] in overview
    assert "•" not in overview
    for page in others:
        assert "•••••87" in page
        assert NUMBER[:-4] not in page
