"""The provider is slow, drips, hangs up, answers rubbish, is gone: no call is placed twice."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.load import Load
from tests.faults.stage import DEADLINE, TABLE, Stage, summed
from tests.servers import Server
from tests.system.leaky_provider import Call, LeakyProvider, Saying, placed, raw, success
from tests.waiting import wait_until

SPELL = 2.5


def slow(call: Call) -> bytes:
    """In time, but hardly."""
    time.sleep(DEADLINE * 0.6)
    return success(call)


def dripping(call: Call) -> Iterator[bytes]:
    """A byte in a while, for as long as somebody listens."""
    for byte in itertools.cycle(success(call)):
        yield bytes([byte])
        time.sleep(0.1)


def half(call: Call) -> bytes:
    """The connection ends in the middle of the body."""
    return placed(call, call.caller)[:-20]


def lost(_: Call) -> bytes:
    """The request was read, and nothing came back."""
    return b""


def rubbish(call: Call) -> bytes:
    return raw("HTTP/1.1 200 OK", "Content-Type: text/html", "", f"<html>{call.words}")


def silent(_: Call) -> bytes:
    time.sleep(DEADLINE * 1.5)
    return b""


WAYS: dict[str, tuple[Saying, set[int]]] = {
    "slow, in time": (slow, {201}),
    "silent": (silent, {201}),
    "dripping": (dripping, {201}),
    "hangs up before the body": (lost, {201}),
    "hangs up in the body": (half, {201}),
    "answers rubbish": (rubbish, {502}),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_provider_that_misbehaves(stage: Stage, server: Server, way: str) -> None:
    """Each number is called once at most; starts are answered or held back, checks go on."""
    saying, answers = WAYS[way]
    with stage.under_load(f"provider {way}") as fault:
        stage.provider.usual = saying
        time.sleep(SPELL)
        stage.provider.usual = success
        fault.heal()
    with server.client() as client:
        fault.in_redis(client)
    starts = {one.status for one in fault.ledger.sent if one.kind == "start"}
    assert starts <= {201, 409, 503} | answers


def test_a_provider_that_is_gone(stage: Stage, server: Server) -> None:
    """Nobody listens: 502, then held back by the breaker, and found again when it comes back."""
    port = int(stage.provider.url.split(":")[2].split("/")[0])
    with stage.under_load("provider down") as fault:
        heard = stage.provider.heard
        calls, numbers = stage.provider.calls, stage.provider.say
        stage.provider.close()
        wait_until(lambda: stage.web.ask("GET", "/readyz", key=None).json["calls"] != "open", 10)
        wait_until(lambda: fault.ledger.count(503) > 10, 10)
        again = LeakyProvider(port)
        again.heard, again.calls, again.say = heard, calls, numbers
        stage.provider = again
        fault.heal()
    with server.client() as client:
        fault.in_redis(client)
    assert fault.ledger.count(502) >= 5
    assert stage.web.ask("GET", "/readyz", key=None).json["calls"] == "open"


def test_every_place_taken(tmp_path: Path, server: Server) -> None:
    """A hung provider and no place left for a start: checks go on as ever."""
    few = {"WEB_CONCURRENCY": "2", "PROVIDER_MAX_IN_FLIGHT": "4", "PROVIDER_DEADLINE": "10"}
    stage = Stage(tmp_path / "full", f"redis://127.0.0.1:{server.port}/0", few)
    try:
        stage.ready()
        load = Load(stage.web.port, stage.code, clients=2)
        for _ in range(10):
            load.login()
        waiting = [f"7916900{n:04}" for n in range(40)]
        known = [f"7916800{n:04}" for n in range(40)]
        ids = {n: _start(load, n) for n in known}
        stage.provider.usual = stage.provider.hangs
        with ThreadPoolExecutor(len(waiting)) as crowd:
            starts = [crowd.submit(_start, load, number) for number in waiting]
            wait_until(lambda: load.ledger.count(503) > 20, 10)
            began = time.monotonic()
            for number, verification_id in ids.items():
                assert verification_id
                code = stage.code(number)
                body = {"verificationId": verification_id, "code": code}
                found = load.ask("check", "/verify/check", body)
                assert found
                assert found[1]["verified"]
            spent = time.monotonic() - began
            stage.provider.usual = success
            stage.provider.gate.set()
            answered = [start.result() for start in starts]
        assert all(answered)
        assert spent / len(ids) < 0.5
        calls = Counter(call.number for call in stage.provider.heard)
        row = summed("provider hung, every place taken", load.ledger, calls, spent / len(ids))
        TABLE.append(row)
        assert (row.double, row.twice, row.over) == (0, 0, 0)
    finally:
        stage.end()


def _start(load: Load, number: str) -> str | None:
    found = load.ask("start", "/verify/start", {"number": f"+{number}"})
    return found[1].get("verificationId") if found else None
