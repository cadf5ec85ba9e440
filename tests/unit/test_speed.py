"""The rule on quick and slow tests is enforced (tests/speed.py)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.speed import slow


@pytest.fixture
@slow
def cluster() -> str:
    return "cluster"


@pytest.fixture
def client_of_the_cluster(cluster: str) -> str:
    return cluster


def test_a_quick_test_starts_no_process() -> None:
    with pytest.raises(pytest.fail.Exception, match="not marked as slow, and starts a process"):
        subprocess.run([sys.executable, "-c", ""], check=True)


@pytest.mark.slow
def test_a_slow_test_does() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def test_a_fixture_makes_a_test_slow(
    client_of_the_cluster: str, request: pytest.FixtureRequest
) -> None:
    """Also through another fixture."""
    assert request.node.get_closest_marker("slow")


def test_others_are_quick(request: pytest.FixtureRequest) -> None:
    assert not request.node.get_closest_marker("slow")
