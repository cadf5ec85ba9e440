"""The provider is slow, drips, hangs up, answers rubbish, or is gone: no call is placed twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.books import Fault, summed
from tests.faults.ledger import Start
from tests.faults.simulator import Simulator
from tests.faults.stage import DEADLINE, PATIENCE, TABLE, Stage
from tests.faults.tcp_proxy import End, Passed, Way
from tests.servers import Server
from tests.waiting import wait_until

Misbehavior = Callable[[Simulator], AbstractContextManager[None]]
STRUCK = 3
"""Starts during the fault. After five failures (PROVIDER_BREAKER) there are only probes."""
TOO_MANY = 20
"""Starts refused with 503 because no call slot is free."""


def scripted(outcome: str | None = None, **line: Any) -> Misbehavior:
    """The line of the script is explained in docs/sandbox.md."""
    return lambda provider: provider.saying(outcome, **line)


def on_the_wire(way: Way) -> Misbehavior:
    return lambda provider: provider.wire.with_ways(back=way)


def reset_in_the_body(piece: bytes) -> Passed:
    """Forward most of the last piece."""
    return Passed(piece[:-20], End.RESET) if _ends(piece) else Passed(piece)


def reset_after_the_body(piece: bytes) -> Passed:
    return Passed(piece, End.RESET if _ends(piece) else None)


def _ends(piece: bytes) -> bool:
    return piece.rstrip().endswith(b"}")


PLACED, UNKNOWN, FAILED = "placed", "unknown", "failed"
WAYS: dict[str, tuple[Misbehavior, set[str]]] = {
    # On a busy machine an answer in time may be late.
    "slow, in time": (scripted(answer_after=DEADLINE * 0.5), {PLACED, UNKNOWN}),
    "silent": (scripted("answerLost"), {UNKNOWN}),
    "dripping headers": (scripted("drippingHeaders"), {UNKNOWN}),
    "dripping": (scripted("drippingBody"), {UNKNOWN}),
    "hangs up before the body": (scripted("connectionClosed"), {UNKNOWN}),
    "hangs up in the body": (scripted("answerCutShort"), {UNKNOWN}),
    "resets before the body": (scripted("connectionReset"), {UNKNOWN}),
    "resets in the body": (on_the_wire(reset_in_the_body), {UNKNOWN}),
    "resets after the body": (on_the_wire(reset_after_the_body), {PLACED, UNKNOWN}),
    "answers rubbish": (scripted("html"), {FAILED}),
    "answers 10 MB": (scripted("hugeBody"), {FAILED, UNKNOWN}),
    "answers HTTP 503": (scripted("http503"), {FAILED}),
}
"""The behavior, and the possible outcomes of a start."""


@pytest.mark.parametrize("way", WAYS)
def test_a_provider_that_misbehaves(stage: Stage, server: Server, way: str) -> None:
    """Each number is called at most once. Starts are answered or refused by the breaker. Checks
    work."""
    misbehavior, outcomes = WAYS[way]
    with stage.under_load(f"provider {way}") as fault:
        with misbehavior(stage.provider):
            fault.begin()
            fault.wait_until_struck(201, 502, times=STRUCK, kind="start")
            ended = time.monotonic()
        fault.heal()
    with server.client() as client:
        fault.in_redis(client)
    met = outcomes_of(fault, ended)
    assert met, "no start met the fault"
    assert met <= outcomes


def outcomes_of(fault: Fault, ended: float) -> set[str]:
    """Return the outcomes of the starts that were requested and answered during the fault."""
    starts = fault.ledger.starts.values()
    return {_outcome(one) for one in starts if one.at >= fault.began and one.done <= ended}


def _outcome(start: Start) -> str:
    if start.status == 502:
        return FAILED
    state = str(start.answer["call"]["state"])
    # The callback of a call may arrive before the answer to its start.
    return PLACED if state == "delivered" else state


def test_a_provider_that_is_gone(stage: Stage, server: Server) -> None:
    """Connection refused: 502, then the breaker refuses. A probe finds the provider when it is
    back."""
    with stage.under_load("provider down") as fault:
        with stage.provider.wire.refusing():
            # Starts in flight end as "unknown" and can open the breaker: then the 502 is a probe's.
            fault.wait_until_struck(502, times=1)
            fault.wait_until_struck(503, times=10)
            assert calls_are(stage) == "breaker"
        fault.heal()
    with server.client() as client:
        fault.in_redis(client)
    wait_until(lambda: calls_are(stage) == "open", PATIENCE)


def calls_are(stage: Stage) -> str:
    return str(stage.web.ask("GET", "/readyz", key=None).json["calls"])


def test_every_call_slot_in_use(tmp_path: Path, server: Server) -> None:
    """A hung provider and no free call slot for a start: checks work."""
    few = {"PROVIDER_MAX_IN_FLIGHT": "4", "PROVIDER_DEADLINE": "20"}
    stage = Stage(tmp_path / "full", f"redis://127.0.0.1:{server.port}/0", few)
    try:
        stage.ready()
        load = stage.load()
        fault = Fault("provider hung, every place taken", load.ledger)
        known = [f"7916800{n:04}" for n in range(40)]
        waiting = [f"7916900{n:04}" for n in range(40)]
        assert {load.start(number) for number in known} == {201}
        codes = {number: stage.provider.code(number) for number in known}
        with ThreadPoolExecutor(len(waiting)) as crowd:
            with stage.provider.saying("answerLost"):
                fault.begin()
                starts = [crowd.submit(load.start, number) for number in waiting]
                fault.wait_until_struck(503, times=TOO_MANY, kind="start")
                began = time.monotonic()
                assert {load.guess(number, code) for number, code in codes.items()} == {200}
                spent = time.monotonic() - began
            # The hung calls end: they may be ringing. All the others are called.
            stage.provider.wire.drop_all()
            assert {start.result() for start in starts} == {201}
        assert load.ledger.verified == set(known)
        assert spent / len(known) < 0.5
        fault.calls = stage.provider.called()
        TABLE.append(summed(fault.name, load.ledger, fault.calls, spent / len(known)))
        fault.check_sums()
        with server.client() as client:
            fault.in_redis(client)
    finally:
        stage.end()
