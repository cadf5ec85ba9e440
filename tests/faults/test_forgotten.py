"""What a failover forgets: replication is asynchronous, and this is what that can cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.faults.load import Load
from tests.faults.stage import TABLE, Stage, summed
from tests.topologies import Watched
from tests.waiting import wait_until

NUMBER = "79166500001"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path / "watched", down_after=500)
    yield watched
    watched.end()


@pytest.fixture
def stage(tmp_path: Path, watched: Watched) -> Iterator[Stage]:
    stage = Stage(tmp_path / "stage", watched.url, {"WEB_CONCURRENCY": "1"})
    stage.ready()
    yield stage
    stage.end()


def check(load: Load, started: dict[str, Any], code: str | None) -> dict[str, Any]:
    """A guess of its own, under a key of its own."""
    body = {"verificationId": started["verificationId"], "code": code}
    found = load.ask("check", "/verify/check", body)
    assert found
    return found[1]


def start(load: Load) -> dict[str, Any]:
    found = load.ask("start", "/verify/start", {"number": f"+{NUMBER}"})
    assert found
    return found[1]


def test_a_used_code_may_come_back_once(watched: Watched, stage: Stage) -> None:
    """A master that dies with a verdict its replica never got: until the code's own end it can be
    right once more, and no longer than that."""
    load = Load(stage.web.port, stage.code)
    (replica,) = watched.others
    started = start(load)
    with watched.first.client() as client:
        wait_until(lambda: client.wait(1, 100) == 1)
    replica.freeze()
    with watched.first.client() as client:
        # What is on its way to a frozen process would still be read when it thaws.
        client.client_kill_filter(_type="replica")
    first = check(load, started, stage.code(NUMBER))
    watched.first.kill()
    replica.thaw()
    wait_until(lambda: watched.master() == replica.port, 20)
    wait_until(lambda: stage.web.ask("GET", "/readyz", key=None).status == 200, 20)
    again = [check(load, started, stage.code(NUMBER)) for _ in range(3)]
    calls = Counter(call.number for call in stage.provider.heard)
    row = summed("failover to a replica out of step", load.ledger, calls, 0)
    TABLE.append(replace(row, twice=sum(one["verified"] for one in again)))
    assert [first["verified"], *(one["verified"] for one in again)] == [True, True, False, False]
    told = stage.web.ask("GET", f"/verify/{started['verificationId']}").json
    assert told["expiresAt"] == started["expiresAt"]


def test_a_master_that_is_cut_off_takes_nothing(watched: Watched, stage: Stage) -> None:
    """With min-replicas-to-write: what the replica does not get is not decided at all."""
    load = Load(stage.web.port, stage.code)
    (replica,) = watched.others
    with watched.first.client() as client:
        client.config_set("min-replicas-max-lag", 1)
        client.config_set("min-replicas-to-write", 1)
        wait_until(lambda: client.info("replication").get("min_slaves_good_slaves") == 1)
    started = start(load)
    replica.freeze()
    wait_until(lambda: "too few replicas" in stage.web.ask("GET", "/readyz", key=None).text, 10)
    refused = stage.web.ask(
        "POST", "/verify/check", {"verificationId": started["verificationId"], "code": "1234"}
    )
    assert refused.status == 503
    replica.thaw()
    assert check(load, started, stage.code(NUMBER))["verified"] is True
    assert check(load, started, stage.code(NUMBER))["verified"] is False
