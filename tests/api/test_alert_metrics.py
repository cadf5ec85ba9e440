"""config/alerts.yml names what /metrics of the running application has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.webhooks.login_flow import SECRET
from verify_service.app import create_operator
from verify_service.domain.limits import HOUR
from verify_service.server import background

from .service import METRICS_TOKEN, NUMBER, OTHER_NUMBER, Service, wrong
from .standin import StandIn

GROUPS = yaml.safe_load((Path(__file__).parents[2] / "config/alerts.yml").read_text("utf-8"))
RULES = [rule for group in GROUPS["groups"] for rule in group["rules"]]
SELECTOR = re.compile(r"\b(verify_\w+)(?:\{([^}]*)\})?")
OF_PROMETHEUS = {"up"}


def selectors(expression: str) -> list[tuple[str, set[str]]]:
    """Return the metrics of an expression, each with the labels that it selects by."""
    return [
        (name, set(re.findall(r"(\w+)\s*[=!]", matchers or "")))
        for name, matchers in SELECTOR.findall(expression)
    ]


@pytest.fixture
def samples(make, fake, clock, provider: StandIn) -> dict[str, set[str]]:
    """The labels of each sample, after a few requests of every kind."""
    service: Service = make(
        fake,
        METRICS_TOKEN=METRICS_TOKEN,
        STARTS_PER_PREFIX="1/3600",
        WEBHOOKS="shop=https://127.0.0.1:1/",
        WEBHOOK_SECRETS=f"shop={SECRET}",
    )
    vid = service.started()
    service.start("+79179130001")
    service.callback(number=NUMBER[1:])
    service.callback(appKey="another")
    service.check(vid, wrong(provider.code))
    service.check(vid, provider.code)
    provider.answers(403, {"errorCode": 6})
    service.start(OTHER_NUMBER)
    create_operator(service.settings, service.client).block("+7917", HOUR)
    failing: Service = make(METRICS_TOKEN=METRICS_TOKEN)
    assert failing.start().status_code == 503
    service.app.extensions[background.EXTENSION].stop()
    found: dict[str, set[str]] = {}
    for text in (service.metrics(), failing.metrics()):
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_of_the_alerts_exists(samples: dict[str, set[str]]) -> None:
    """With the labels that the rules select by."""
    named = [each for rule in RULES for each in selectors(rule["expr"])]
    assert len(named) > len(RULES)
    for name, labels in named:
        assert name in samples, name
        assert labels <= samples[name], (name, labels)


def test_a_rule_uses_only_recorded_names_and_those_of_prometheus() -> None:
    """`verify:started:recent` is one; so a typing error in it is found, too."""
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    used = {name for rule in RULES for name in re.findall(r"\bverify:[\w:]+", rule["expr"])}
    assert used == recorded
    job = {name for rule in RULES for name in re.findall(r"\b(\w+)\{job=", rule["expr"])}
    assert job == OF_PROMETHEUS
