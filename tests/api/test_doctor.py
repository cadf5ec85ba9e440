"""`doctor`: the verdict first, and an exit status for scripts. The incidents are staged."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest
import redis
from click.testing import CliRunner, Result

from verify_service import cli
from verify_service.app import create_operator

from .service import NUMBER, OTHER_NUMBER, Service
from .standin import StandIn

MANUAL = (Path(__file__).parents[2] / "docs/command-line.md").read_text("utf-8")
REFUSED = "The provider refuses our account: the balance is too low"
WEAK = "It works, but Redis may lose data."
"""The tests' server writes nothing to disk."""


@pytest.fixture
def ill(make, valkey_url: str) -> Service:
    """A service over the real server, by its address: the checks open a connection of their own."""
    return make(REDIS_URL=valkey_url)


def doctor(service: Service, *options: str) -> Result:
    group = click.Group()
    cli.install(group, create_operator(service.settings, service.client), service.settings)
    found = CliRunner().invoke(group, ["doctor", *options])
    assert NUMBER not in found.output
    return found


def test_it_works(ill: Service, provider: StandIn) -> None:
    """The verdict is the first line; then come the figures and the checks of a release."""
    vid = ill.started()
    ill.callback(number=NUMBER[1:], requestId="request-1")
    ill.check(vid, provider.code)
    found = doctor(ill)
    lines = found.output.splitlines()
    assert (lines[0], found.exit_code) == (WEAK, 0)
    assert "approved             1  100 % of the starts" in lines
    assert lines[lines.index("This hour and the one before:") + 1] == "started              1"
    assert "last call 0 s ago, last callback 0 s ago, last login 0 s ago" in lines
    assert "ok       Settings: Complete, for production." in lines


@pytest.mark.parametrize("calls", [1, 12])
def test_a_provider_that_refuses_the_account(ill: Service, provider: StandIn, calls: int) -> None:
    provider.answers(403, {"errorCode": 6})
    for place in range(calls):
        ill.start(f"+7916123{place:04}")
    found = doctor(ill)
    lines = found.output.splitlines()
    assert found.exit_code == 1
    assert lines[0] == f"{REFUSED}, and 1 more."
    fault = lines.index(f"Fault: {REFUSED}")
    assert f"refused for our account {calls}." in lines[fault + 2]
    assert "The provider's answer: errorCode 6." in lines[fault + 2]
    assert "Top it up" in lines[fault + 3]
    assert f"failed{calls:>16}  account {calls}" in lines
    shown = MANUAL.partition("$ flask --app wsgi doctor\n")[2].splitlines()
    assert lines[fault] in shown
    assert lines[fault + 3] in shown


def test_a_pause_is_found_with_its_end(ill: Service) -> None:
    create_operator(ill.settings, ill.client).pause(600)
    found = doctor(ill)
    assert found.output.startswith("all calls: paused, and 1 more.\n")
    assert "  Ends it: flask --app wsgi resume\n" in found.output
    assert found.exit_code == 1


def test_a_full_limit_is_a_warning(make, valkey_url: str) -> None:
    service = make(REDIS_URL=valkey_url, STARTS_PER_PREFIX="2/3600")
    for number in ("+79161230001", "+79161230002", "+79161230003"):
        service.start(number)
    found = doctor(service)
    title = "+7916123 is limited: 2 starts in 1 h, someone may earn from them"
    assert f"Warning: {title}\n" in found.output
    assert "Of its last 2 starts, 0 were approved." in found.output
    assert "  Stops the calls: flask --app wsgi block +7916123 --for 1d\n" in found.output
    assert found.exit_code == 0


def test_what_only_a_check_finds(make, valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The web server would not start with this variable."""
    service = make(REDIS_URL=valkey_url)
    monkeypatch.setenv("THREADS", "many")
    found = doctor(service)
    assert found.output.startswith("THREADS")
    assert found.exit_code == 1


def test_a_provider_that_cannot_be_reached_is_a_fault(make, valkey_url: str) -> None:
    """A release may go out meanwhile; people cannot log in."""
    found = doctor(make(REDIS_URL=valkey_url, PROVIDER_URL="http://127.0.0.1:1/api"))
    assert "cannot be reached" in found.output.splitlines()[0]
    assert found.exit_code == 1


def test_a_redis_that_is_gone(make) -> None:
    """Each fact once: the check of Redis has the same sentence."""
    found = doctor(make())
    assert found.output.startswith("Redis cannot be reached.\n\nFault: Redis cannot be reached\n")
    assert found.output.count("Fault: ") == 1
    assert "This hour" not in found.output
    assert found.exit_code == 1


def test_a_redis_that_is_full(make, valkey: redis.Redis, valkey_url: str) -> None:
    """It says how much memory there is, and which setting gives more."""
    service = make(REDIS_URL=valkey_url)
    service.started()
    valkey.config_set("maxmemory", 1)
    try:
        found = doctor(service)
    finally:
        valkey.config_set("maxmemory", 0)
    assert found.output.startswith("Redis is out of memory, and 1 more.\n")
    assert found.output.count("Fault: ") == 1
    [usage] = re.findall(r"Redis: Memory: (\S+ of 0\.0 MB), noeviction; evicted 0\.", found.output)
    assert f"Raise `maxmemory`, now {usage}: `redis-cli CONFIG SET maxmemory" in found.output
    assert "  Runbook: docs/operate.md#verifyredisunreadable\n" in found.output
    assert found.exit_code == 1


def test_programs_read_json(ill: Service, provider: StandIn) -> None:
    provider.answers(403, {"errorCode": 6})
    ill.start(OTHER_NUMBER)
    shown = json.loads(doctor(ill, "--json").output)
    assert (shown["level"], shown["verdict"]) == (
        "bad",
        f"{REFUSED}, and 1 more",
    )
    assert shown["recent"] == {"started": 1, "failed.account": 1}
    assert {check["severity"] for check in shown["checks"]} == {"ok", "warning"}
    assert [finding["level"] for finding in shown["findings"]] == ["bad", "warning"]
