"""config/alerts.yml: each rule is valid, fires when it should, and has a section of the runbook."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RULES, SCENARIOS = ROOT / "config/alerts.yml", Path(__file__).parent / "alerts.yml"
PAGE = (ROOT / "docs/operate.md").read_text("utf-8")


@functools.cache
def alerts() -> dict[str, dict[str, Any]]:
    """Return the alerts by their names."""
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    return {rule["alert"]: rule for rule in rules}


@pytest.mark.slow
@pytest.mark.parametrize("what", [("check", RULES), ("test", SCENARIOS)])
def test_promtool_accepts_the_rules(what: tuple[str, Path]) -> None:
    """`.ci/run` installs it."""
    promtool = shutil.which("promtool")
    if not promtool and not os.environ.get("CI"):
        pytest.skip("no promtool")
    command, path = what
    done = subprocess.run(
        [str(promtool), command, "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_and_does_not() -> None:
    """In the scenarios there is at least one for each."""
    fires: dict[str, set[bool]] = defaultdict(set)
    for scenario in yaml.safe_load(SCENARIOS.read_text("utf-8"))["tests"]:
        for expected in scenario["promql_expr_test"]:
            (alert,) = re.findall(r'alertname="(\w+)"', expected["expr"])
            fires[alert].add(bool(expected["exp_samples"]))
    assert fires == {name: {True, False} for name in alerts()}


@pytest.mark.parametrize("alert", alerts().values(), ids=alerts())
def test_each_alert_says_what_it_means(alert: dict[str, Any]) -> None:
    """A person who is woken by it reads a sentence, what it means, and where to go on."""
    assert set(alert["annotations"]) == {"summary", "description", "runbook"}
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["annotations"]["summary"].endswith(".")
    assert alert["annotations"]["description"].endswith(".")


@pytest.mark.parametrize("alert", alerts().values(), ids=alerts())
def test_a_summary_uses_labels_that_the_expression_keeps(alert: dict[str, Any]) -> None:
    """A label that an aggregation drops would be printed as nothing."""
    used = set(re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"]))
    aggregated = re.match(r"(max|sum|min)\b", alert["expr"])
    kept = set(re.findall(r"\w+", " ".join(re.findall(r"\bby \(([^)]*)\)", alert["expr"]))))
    if "verify:country_" in alert["expr"]:
        kept |= {"country"}
    assert used <= kept if aggregated or "verify:" in alert["expr"] else used <= {"instance"}


def anchors() -> set[str]:
    """Return the anchors of the page's headings."""
    headings = re.findall(r"^#+ (.+)$", PAGE, re.M)
    return {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}


def test_each_alert_has_a_section_and_each_section_an_alert() -> None:
    runbooks = {alert["annotations"]["runbook"] for alert in alerts().values()}
    assert runbooks == {f"docs/operate.md#{name.lower()}" for name in alerts()}
    assert {each.partition("#")[2] for each in runbooks} <= anchors()
    sections = re.findall(r"^### (Verify\w+)$", PAGE, re.M)
    assert sections == list(alerts())
