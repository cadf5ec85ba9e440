"""/metrics: what all processes share is read from Redis."""

from __future__ import annotations

import pytest

from verify_service.app import create_operator

from .service import METRICS_TOKEN, OTHER_NUMBER, Service
from .standin import StandIn

ON = {"METRICS_TOKEN": METRICS_TOKEN}


def events(service: Service, label: str = "app") -> dict[tuple[str, str, str], float]:
    """Return the counted events by app, or by country: (app, event, detail)."""
    prefix = "verify_events_total" if label == "app" else "verify_country_events_total"
    found = {}
    for line in service.metrics().splitlines():
        if line.startswith(f"{prefix}{{"):
            labels, _, value = line.removeprefix(prefix).rpartition(" ")
            parts = dict(part.split("=", 1) for part in labels.strip("{}").split(","))
            key = (parts[label], parts["event"], parts["detail"])
            found[tuple(part.strip('"') for part in key)] = float(value)
    return found


def test_a_login_is_counted_by_app_and_by_country(make, valkey, provider: StandIn) -> None:
    """Once, whichever process is asked, and however often."""
    service = make(valkey, **ON)
    vid = service.started()
    service.check(vid, "1000" if provider.code != "1000" else "1001")
    service.check(vid, provider.code)
    expected = {"started": 1, "placed": 1, "wrong": 1, "approved": 1}
    other_process = make(valkey, **ON)
    for process in (service, other_process, service):
        assert events(process) == {("shop", event, ""): n for event, n in expected.items()}
    assert events(service, "country") == {("RU", event, ""): n for event, n in expected.items()}


def test_recent_events_have_their_detail(make, valkey, provider: StandIn) -> None:
    """What an alert reads: the present hour and the one before."""
    service = make(valkey, **ON)
    provider.answers(403, {"errorCode": 6})
    service.start()
    recent = 'verify_recent_events{app="shop",detail="account",event="failed"}'
    assert service.metric(recent) == 1
    country = 'verify_recent_country_events{country="RU",detail="account",event="failed"}'
    assert service.metric(country) == 1


def test_an_hour_ends_and_a_total_does_not(make, fake, clock) -> None:
    service = make(fake, **ON)
    service.started()
    clock.passes(2 * 3_600)
    service.started(OTHER_NUMBER)
    recent = 'verify_recent_events{app="shop",detail="",event="started"}'
    total = 'verify_events_total{app="shop",detail="",event="started"}'
    assert (service.metric(recent), service.metric(total)) == (1, 2)


def test_the_time_to_a_login_is_a_histogram(make, fake, clock, provider: StandIn) -> None:
    """Its buckets are cumulative."""
    service = make(fake, **ON)
    vid = service.started()
    clock.passes(12)
    service.check(vid, provider.code)
    sample = 'verify_approved_seconds_bucket{{app="shop",le="{}"}}'
    found = {le: service.metric(sample.format(le)) for le in ("10", "15", "300", "+Inf")}
    assert found == {"10": 0, "15": 1, "300": 1, "+Inf": 1}


def test_a_refusal_names_its_scope(make, valkey) -> None:
    service = make(valkey, **ON, STARTS_PER_PREFIX="1/3600")
    service.started("+79161230001")
    service.start("+79161230002")
    assert service.metric('verify_recent_refusals{limit="prefix",scope="+7916123"}') == 1


def test_the_used_share_of_a_limit_is_shown(make, valkey) -> None:
    """Of the limits whose scopes are few: the day's, an app's, a country's."""
    service = make(valkey, **ON, STARTS_PER_DAY="4/86400", STARTS_PER_APP="2/3600")
    service.started()
    used = 'verify_limit_used_ratio{{limit="{}",scope="{}"}}'
    assert service.metric(used.format("day", "")) == 0.25
    assert service.metric(used.format("app", "shop")) == 0.5
    assert 0 < service.metric(used.format("country", "RU")) < 0.1


def test_what_is_in_force_is_shown(make, valkey) -> None:
    service = make(valkey, **ON)
    operator = create_operator(service.settings, service.client)
    operator.block("+7917", 60)
    operator.pause(60)
    blocked = 'verify_restriction{kind="block",scope="+7917",who="operator"}'
    assert service.metric(blocked) == 1
    assert service.metric("verify_calls_paused") == 1
    operator.unblock("+7917")
    operator.resume()
    assert service.metric(blocked) == service.metric("verify_calls_paused") == 0


def test_without_redis_the_processes_own_remain(make) -> None:
    """The answer is 200: an outage is when they are needed most."""
    alone = make(None, **ON, REDIS_URL="redis://127.0.0.1:1/0")
    assert alone.start().status_code == 503
    shown = alone.metrics()
    assert "verify_redis_up 0.0" in shown.splitlines()
    assert 'verify_redis_errors_total{function="reserve"} 1.0' in shown.splitlines()
    assert "verify_events_total" not in shown


@pytest.mark.parametrize("word", ["7917913", "6787"])
def test_no_number_is_shown(make, valkey, provider: StandIn, word: str) -> None:
    """A scope is a prefix at most, and only one that was refused."""
    service = make(valkey, **ON)
    service.check(service.started(), provider.code)
    assert not [line for line in service.metrics().splitlines() if word in line.rpartition(" ")[0]]
