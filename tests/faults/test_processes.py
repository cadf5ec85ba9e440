"""Processes die at any instruction: no second call, no lost guess, no code accepted twice."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress

from tests.faults.stage import PATIENCE, Stage
from tests.servers import Server
from tests.waiting import wait_until

DEATHS = 50


def test_processes_killed_at_random_moments(stage: Stage, server: Server) -> None:
    """SIGKILL fifty times, to one of two processes at a time, during logins."""
    dice = random.Random(6)  # noqa: S311
    with stage.under_load(f"worker killed -9, {DEATHS} times") as fault:
        for _ in range(DEATHS):
            # Until a process serves again.
            fault.begin()
            fault.wait_until_struck(200, 201, times=1)
            # The moment is random.
            time.sleep(dice.uniform(0, 0.03))
            with suppress(ProcessLookupError):
                os.kill(dice.choice(stage.web.workers()), signal.SIGKILL)
        fault.heal()
    with server.client() as client:
        fault.in_redis(client)


def test_processes_replaced_during_logins(stage: Stage, server: Server) -> None:
    """SIGTERM to one process after the other: every request gets an answer."""
    with stage.under_load("worker recycled (SIGTERM), 4 times") as fault:
        for _ in range(4):
            wait_until(lambda: len(stage.web.workers()) == 2, PATIENCE)
            oldest = min(stage.web.workers())
            os.kill(oldest, signal.SIGTERM)
            wait_until(lambda gone=oldest: gone not in stage.web.workers(), PATIENCE)
        fault.heal()
    with server.client() as client:
        fault.in_redis(client)
    assert fault.ledger.count(0, 502) == 0
