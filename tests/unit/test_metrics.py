"""Metrics: Prometheus' text, one set per application, one answer for all processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from verify_service.telemetry.__main__ import page
from verify_service.telemetry.families import (
    Family,
    Kind,
    ProcessFamilies,
    SharedFamilies,
    families,
)
from verify_service.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
SHOW = "print(m.render().decode())"


@pytest.mark.parametrize("family", list(families(ProcessFamilies)), ids=lambda family: family.name)
def test_each_metric_is_explained(family: Family) -> None:
    """Also before anything has happened."""
    text = Metrics().render().decode()
    suffix = "_total" if family.kind is Kind.COUNTER else ""
    assert f"# HELP {family.name}{suffix} {family.meaning}" in text
    assert f"# TYPE {family.name}{suffix} {family.kind}" in text


def test_the_page_has_the_metrics() -> None:
    """If not: make docs."""
    text = (ROOT / "docs/metrics.md").read_text("utf-8")
    assert page(text) == text
    for owner in (ProcessFamilies, SharedFamilies):
        for family in families(owner):
            assert f"| `{family.name}" in text


def test_a_count_is_rendered_without_its_creation_time() -> None:
    metrics = Metrics()
    metrics.checks.of("right").inc()
    text = metrics.render().decode()
    assert 'verify_checks_total{verdict="right"} 1.0' in text.splitlines()
    assert "_created" not in text


def test_two_applications_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.not_recorded.inc()
    assert b"verify_outcomes_not_recorded_total 0.0" in second.render()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"])
@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_folder_name_is_none(tmp_path: Path, name: str, text: str) -> None:
    """Files of metrics in the working folder are never meant."""
    done = subprocess.run(
        [sys.executable, "-c", "from verify_service.telemetry.metrics import Metrics; Metrics()"],
        env={**os.environ, name: text, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        check=True,
        timeout=30,
    )
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_any_process_returns_the_sum_of_all(tmp_path: Path) -> None:
    """With PROMETHEUS_MULTIPROC_DIR each writes a file there, and the answer is the sum."""
    count = (
        "from verify_service.telemetry.metrics import Metrics; m = Metrics(); m.not_recorded.inc()"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def run(code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.stdout

    run(f"{count}; {SHOW}")
    rendered = run(f"{count}; {SHOW}")
    assert "verify_outcomes_not_recorded_total 2.0" in rendered.splitlines()
    assert rendered.count("# TYPE verify_calls_in_flight gauge") == 1
    refuse = "m.callback_refusals.of('appKey').inc()"
    run(f"{count}; {refuse}")
    assert run(f"{count}; {refuse}; print(m.refused_callbacks())") == "{'appKey': 2}\n"
