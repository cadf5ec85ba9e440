"""Limits over many numbers in a login flow; tests/store tests them to the second."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from verify_service.app import create_operator

from . import keyed
from .service import METRICS_TOKEN, NUMBER, OTHER_KEY, OTHER_NUMBER, Service
from .standin import StandIn

PREFIX = "+7916123"


def number(count: int) -> str:
    return f"{PREFIX}{count:04}"


@pytest.mark.parametrize(
    ("limit", "variable", "other"),
    [
        ("clientIp", "STARTS_PER_CLIENT_IP", {"clientIp": "203.0.113.8"}),
        ("prefix", "STARTS_PER_PREFIX", {"number": "+79170000001"}),
        ("country", "STARTS_PER_COUNTRY", {"number": "+77011234567"}),
        ("app", "STARTS_PER_APP", {"key": OTHER_KEY}),
        ("day", "STARTS_PER_DAY", None),
    ],
)
def test_a_limit_over_many_numbers_refuses(
    make, fake, clock, provider: StandIn, *, limit: str, variable: str, other: dict[str, str] | None
) -> None:
    """It is refused by its name, with the seconds in body and header. No call is placed, and other
    scopes are not affected."""
    service = make(fake, METRICS_TOKEN=METRICS_TOKEN, **{variable: "2/3600"})
    for count in range(2):
        service.started(number(count), clientIp="203.0.113.7")
    refused = service.start(number(2), clientIp="203.0.113.7")
    assert refused.status_code == 429
    assert (refused.json["status"], refused.json["limit"]) == ("tooManyRequestsError", limit)
    assert 0 < refused.json["retryAfter"] <= 3750
    assert refused.headers["Retry-After"] == str(refused.json["retryAfter"])
    assert refused.json["errorReason"].endswith(
        f"The limit {limit} refused this start. Retry in {refused.json['retryAfter']} s."
    )
    assert len(provider.calls) == 2
    assert service.metric(f'verify_refusals_total{{limit="{limit}"}}') == 1
    clock.passes(refused.json["retryAfter"])
    service.started(number(2), clientIp="203.0.113.7")
    if other is not None:
        fields = {"number": number(3), "clientIp": "203.0.113.7", **other}
        assert service.start(**fields).status_code == 201


def refusal(service: Service) -> dict[str, Any]:
    """Return what the newest log line says of a refusal, or of one that a dry run prevented."""
    line = service.events("request")[-1]
    return line["would_have_refused"][0] if "would_have_refused" in line else line


@pytest.mark.parametrize(
    ("limit", "variable", "scope"),
    [
        ("clientIp", "STARTS_PER_CLIENT_IP", None),
        ("prefix", "STARTS_PER_PREFIX", "+7916•••"),
        ("country", "STARTS_PER_COUNTRY", "RU"),
        ("app", "STARTS_PER_APP", "shop"),
        ("day", "STARTS_PER_DAY", ""),
    ],
)
@pytest.mark.parametrize("dry_run", ["", "*"])
def test_a_refusal_is_logged_with_its_scope(
    make, fake, clock, *, limit: str, variable: str, scope: str | None, dry_run: str
) -> None:
    """Masked as far as the line's number is; a client's network as its digest, one for one
    network."""
    service = make(fake, **{variable: "1/3600"}, GUARDS_DRY_RUN=dry_run)
    service.started(number(0), clientIp="2001:db8::1")
    service.start(number(1), clientIp="2001:db8::2")
    assert refusal(service)["limit"] == limit
    found = refusal(service).get("scope", "")
    if scope is not None:
        assert found == scope
        return
    assert len(found) == 19
    service.start(number(2), clientIp="2001:db8::3")
    assert refusal(service)["scope"] == found
    assert "2001:db8" not in service.log.getvalue()


def test_the_scope_of_a_block_is_logged(make, fake, clock) -> None:
    """The guard's, a country's, and the operator's, which may be shorter than a limit's."""
    service = make(fake, CONVERSION_PREFIX="2/1", CONVERSION_COUNTRY="9/1/block")
    store = create_operator(service.settings, service.client).store
    for count in range(2):
        service.started(number(count))
    clock.passes(400)
    assert service.start(number(2)).status_code == 429
    refused = service.requests("limit")[-1]
    assert (refused["limit"], refused["scope"]) == ("conversion", "+7916•••")
    store.set_rule("+4", "block", 60)
    assert service.start("+4915112345678").status_code == 403
    blocked = service.requests("limit")[-1]
    assert (blocked["limit"], blocked["scope"]) == ("blocked", "+•")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("203.0.113.7", "64:ff9b::203.0.113.7", True),
        ("64:ff9b::203.0.113.7", "64:ff9b::203.0.113.8", False),
        ("2002:cb00:7107::1", "2002:cb00:7107:9::2", True),
    ],
)
def test_the_client_ip_limit_counts_an_address(
    make, valkey, first: str, second: str, same: bool
) -> None:
    """An IPv4 address in any spelling, or the /64 of an IPv6 one."""
    service = make(valkey, STARTS_PER_CLIENT_IP="1/3600")
    service.started(clientIp=first)
    refused = service.start(OTHER_NUMBER, clientIp=second)
    assert (refused.json.get("limit") == "clientIp") is same


def test_a_start_without_an_address_counts_for_none(make, valkey) -> None:
    service = make(valkey, STARTS_PER_CLIENT_IP="1/3600")
    assert [service.start(number(count)).status_code for count in range(3)] == [201] * 3


def test_an_address_is_not_kept(make, valkey: redis.Redis) -> None:
    """Redis holds a keyed digest of it."""
    make(valkey).started(clientIp="203.0.113.7")
    kept = " ".join(valkey.scan_iter())
    assert "clientIp" in kept
    assert "203.0.113.7" not in kept


def test_a_refused_start_leaves_its_key_free(make, fake, clock, provider: StandIn) -> None:
    """Under the same Idempotency-Key the start succeeds once the limit permits, and counts once."""
    service = make(fake, STARTS_PER_DAY="2/3600")
    service.started(OTHER_NUMBER)
    assert keyed.start(service, "one").status_code == 201
    for _ in range(3):
        assert keyed.start(service, "one").status_code == 201
    refused = keyed.start(service, "two", number(1))
    assert refused.json["limit"] == "day"
    clock.passes(refused.json["retryAfter"])
    assert keyed.start(service, "two", number(1)).status_code == 201
    assert keyed.start(service, "three", number(2)).status_code == 201
    assert len(provider.calls) == 4


def test_a_call_that_the_provider_refuses_uses_up_no_limit(make, valkey, provider: StandIn) -> None:
    """502 and a refund: an outage does not use up the day. As many are refunded as it permits."""
    service = make(valkey, STARTS_PER_DAY="2/3600", START_COOLDOWNS="0")
    provider.answers(403, {"errorCode": 6, "errorReason": "Insufficient funds"})
    assert [service.start().status_code for _ in range(2)] == [502] * 2
    provider.reset()
    service.started()
    provider.answers(403, {"errorCode": 6, "errorReason": "Insufficient funds"})
    assert service.start(OTHER_NUMBER).status_code == 502
    assert service.start(OTHER_NUMBER).json["limit"] == "day"


def test_a_dry_run_lets_through_counts_and_logs(make, valkey, provider: StandIn) -> None:
    """Every guard at once: no start is refused, and the log shows what would have been refused."""
    service = make(
        valkey,
        METRICS_TOKEN=METRICS_TOKEN,
        GUARDS_DRY_RUN="*",
        STARTS_PER_DAY="1/3600",
        STARTS_PER_PREFIX="1/3600",
        ALLOWED_COUNTRIES="KZ",
    )
    assert [service.start().status_code for _ in range(5)] == [201] * 5
    dry = {
        name: service.metric(f'verify_dry_refusals_total{{limit="{name}"}}')
        for name in ("destination", "day", "prefix", "cooldown", "number", "app")
    }
    assert dry == {
        "destination": 5, "day": 4, "prefix": 4, "cooldown": 4, "number": 2, "app": 0,
    }  # fmt: skip
    logged = [line["would_have_refused"] for line in service.requests("would_have_refused")]
    assert {each["limit"] for line in logged for each in line} == set(dry) - {"app"}
    assert service.requests("limit") == []
    assert len(provider.calls) == 5


def test_the_conversion_guard_in_dry_run_raises_no_alarm(make, fake, clock) -> None:
    """No start is refused, and the log shows what would have been blocked."""
    service = make(fake, METRICS_TOKEN=METRICS_TOKEN, GUARDS_DRY_RUN="conversion")
    for count in range(20):
        service.started(number(count))
    clock.passes(600)
    service.started(number(20))
    (line,) = service.events("would_have_blocked")
    assert (line["limit"], line["scope"], line["level"]) == ("conversion", "+7916•••", "warning")
    assert line["seconds"] == 3_600
    assert service.events("scope_blocked") == service.events("alarm") == []
    assert service.metric('verify_alarms_total{guard="conversion"}') == 0
    assert service.metric('verify_dry_refusals_total{limit="conversion"}') == 1


def test_a_guards_block_shows_no_more_of_a_number_than_its_mask(
    make, fake, clock, provider: StandIn
) -> None:
    """The block's and the refusal's lines belong to one request, so the block's prefix is
    masked."""
    service = make(fake, CONVERSION_PREFIX="3/0.5")
    for count in range(3):
        service.started(number(count))
    clock.passes(500)
    assert service.start(number(9)).json["limit"] == "conversion"
    (blocked,), (refused,) = service.events("scope_blocked"), service.requests("limit")
    assert blocked["request_id"] == refused["request_id"]
    assert (blocked["scope"], refused["number"]) == ("+7916•••", "+7916•••••09")


@pytest.mark.parametrize(
    ("number", "rule", "word"),
    [
        ("+77011234567", "country", "KZ"),
        ("+74951234567", "type", "FIXED_LINE"),
        ("+881612345678", "range", "001"),
        ("+79541234567", "range", "+7954"),
    ],
)
def test_a_destination_is_refused_by_rule(
    make, valkey, provider: StandIn, *, number: str, rule: str, word: str
) -> None:
    """The answer has the destination, the log and the counter the name of the rule."""
    service = make(valkey, METRICS_TOKEN=METRICS_TOKEN, ALLOWED_COUNTRIES="RU")
    refused = service.start(number)
    assert (refused.status_code, refused.json["status"]) == (403, "prohibitedForServiceError")
    assert word in refused.json["errorReason"]
    assert service.metric('verify_refusals_total{limit="destination"}') == 1
    (line,) = service.requests("limit")
    assert (line["limit"], line["destination"]) == ("destination", rule)
    assert number not in service.log.getvalue()
    assert provider.calls == []


def test_a_full_day_refuses_only_starts(make, valkey, provider: StandIn) -> None:
    """A person who was called before can still enter the code."""
    service = make(valkey, STARTS_PER_DAY="1/3600")
    vid = service.started(NUMBER)
    assert service.start(OTHER_NUMBER).json["limit"] == "day"
    assert service.check(vid, provider.code).json["verified"] is True
