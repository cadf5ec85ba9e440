"""A disk with a slow fsync, and a server that is killed: which used codes are right again."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
import redis

from tests.connecting import connect
from tests.servers import Server
from tests.store.world import OPEN, RIGHT, World
from tests.waiting import wait_until
from verify_service.domain.limits import NumberLimits
from verify_service.domain.models import Verdict, Verification

STARTS = 40


def slow_disk(milliseconds: int) -> Sequence[str]:
    """Return the program that becomes the server and delays each of its fsyncs."""
    calls = "fsync,fdatasync"
    delayed = f"inject={calls}:delay_exit={milliseconds * 1000}"
    return ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", delayed)


@cache
def can_trace() -> bool:
    """Return whether strace is installed and may trace a process."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode == 0


needs_strace = pytest.mark.skipif(not can_trace(), reason="needs strace, and the right to trace")


def used_again(folder: Path, fsync: str, milliseconds: int) -> int:
    """Use codes until the server is killed; return how many are right once more after it."""
    options = {"appendonly": "yes", "appendfsync": fsync}
    server = Server(folder, options, wrapper=slow_disk(milliseconds)).start()
    try:
        begun = _use(server, syncs_later=fsync == "everysec")
        server.kill()
        server.start()
        return _still_right(server, begun)
    finally:
        server.kill()


def _use(server: Server, *, syncs_later: bool) -> list[Verification]:
    with _world(server) as world, server.client() as plain:
        begun = [world.start(f"+7917{number:07}") for number in range(STARTS)]
        plain.set("written", 1)
        # The starts are on the disk once what was written after them is.
        wait_until(lambda: plain.execute_command("WAITAOF", 1, 0, 100)[0], 20)
        if syncs_later:
            # While an fsync is in progress, the server keeps what follows in its own memory.
            plain.set("written", 2)
            wait_until(lambda: plain.info("persistence")["aof_pending_bio_fsync"])
        for one in begun:
            assert world.check(one, RIGHT).verdict is Verdict.RIGHT
    return begun


def _still_right(server: Server, begun: list[Verification]) -> int:
    with _world(server) as world, server.client() as plain:
        wait_until(lambda: _has_loaded(plain))
        return [world.check(one, RIGHT).verdict for one in begun].count(Verdict.RIGHT)


def _has_loaded(client: redis.Redis) -> bool:
    with contextlib.suppress(redis.BusyLoadingError):
        return bool(client.ping())
    return False


@contextmanager
def _world(server: Server) -> Iterator[World]:
    url = f"redis://127.0.0.1:{server.port}"
    with connect(url, pool=1, timeout=5) as client, server.client() as plain:
        yield World(plain, None, NumberLimits(), OPEN, connected=client)


@needs_strace
def test_with_always_no_used_code_returns(tmp_path: Path) -> None:
    """Each decision is on the disk before its answer, however slow the disk is."""
    assert used_again(tmp_path / "server", "always", 50) == 0


@needs_strace
def test_with_everysec_used_codes_may_return(tmp_path: Path) -> None:
    """Which is why the release check warns of it."""
    assert used_again(tmp_path / "server", "everysec", 1_500) > 0
