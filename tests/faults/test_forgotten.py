"""What a failover forgets: replication is asynchronous, and this shows the cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.books import summed
from tests.faults.stage import PATIENCE, TABLE, Stage
from tests.topologies import Watched
from tests.waiting import wait_until

NUMBER = "79166500001"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    # A busy machine must not cause a failover before the test does.
    watched = Watched(tmp_path / "watched", down_after=2000)
    yield watched
    watched.end()


@pytest.fixture
def stage(tmp_path: Path, watched: Watched) -> Iterator[Stage]:
    stage = Stage(tmp_path / "stage", watched.url, {"WEB_CONCURRENCY": "1"})
    stage.ready()
    yield stage
    stage.end()


def test_a_used_code_may_come_back_once(watched: Watched, stage: Stage) -> None:
    """A master dies with a verdict that its replica never got: until it expires, the code can be
    right once more."""
    load = stage.load()
    (replica,) = watched.others
    assert load.start(NUMBER) == 201
    code = stage.provider.code(NUMBER)
    started = load.ledger.starts[NUMBER].answer
    watched.wait_for_replicas()
    replica.freeze()
    with watched.first.client() as client:
        # A frozen process would still read what was sent to it before it thaws.
        client.client_kill_filter(_type="replica")
    assert load.guess(NUMBER, code) == 200
    watched.first.kill()
    replica.thaw()
    wait_until(lambda: watched.master() == replica.port, PATIENCE)
    # Each guess has its own key, and is repeated until there is a master again.
    assert [load.guess(NUMBER, code) for _ in range(3)] == [200, 200, 200]
    calls = stage.provider.called()
    TABLE.append(summed("failover to a replica out of step", load.ledger, calls, 0))
    verdicts = [one.verified for one in load.ledger.verdicts[NUMBER]]
    assert verdicts == [True, True, False, False]
    assert calls == {NUMBER: 1}
    answer = stage.web.ask("GET", f"/verify/{started['verificationId']}").json
    assert answer["expiresAt"] == started["expiresAt"]


def test_a_master_that_is_cut_off_decides_nothing(watched: Watched, stage: Stage) -> None:
    """With min-replicas-to-write: without a replica nothing is decided."""
    load = stage.load()
    (replica,) = watched.others
    with watched.first.client() as client:
        client.config_set("min-replicas-max-lag", 1)
        client.config_set("min-replicas-to-write", 1)
        good = "min_slaves_good_slaves"
        wait_until(lambda: client.info("replication").get(good) == 1, PATIENCE)
    assert load.start(NUMBER) == 201
    code = stage.provider.code(NUMBER)
    started = load.ledger.starts[NUMBER].answer
    replica.freeze()
    ready = lambda: stage.web.ask("GET", "/readyz", key=None)  # noqa: E731
    wait_until(lambda: "too few replicas" in ready().text, PATIENCE)
    guess = {"verificationId": started["verificationId"], "code": "1234"}
    assert stage.web.ask("POST", "/verify/check", guess).status == 503
    replica.thaw()
    assert [load.guess(NUMBER, code) for _ in range(2)] == [200, 200]
    assert [one.verified for one in load.ledger.verdicts[NUMBER]] == [True, False]
