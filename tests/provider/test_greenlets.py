"""The same tests under gevent, as the service runs: each wait is one of a greenlet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = ("deadline", "floods", "kept", "lost", "names", "proxy", "tls", "call_slots")
UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys, pytest
sys.exit(pytest.main(sys.argv[1:]))
"""

ENDED = """
from gevent import monkey
monkey.patch_all()
import os, sys, warnings
import gevent
from tests.provider.harness import place, provider_at
from tests.provider.server import Server, hang
from tests.provider.test_deadline import full_backlog
from tests.waiting import wait_until
# An unclosed socket is reported here.
warnings.simplefilter("error")
sys.unraisablehook = lambda _: os._exit(3)
def ended(url):
    provider = provider_at(url, deadline=5)
    before = len(os.listdir("/proc/self/fd"))
    with gevent.Timeout(0.2, False):
        place(provider)
        raise SystemExit("it was not ended")
    wait_until(lambda: len(os.listdir("/proc/self/fd")) == before)
    with provider.reserve_slot():
        pass
with full_backlog() as (listener, _):
    ended("http://127.0.0.1:%d" % listener.getsockname()[1])
for scheme in ("http", "https"):
    with Server(hang, reads=False) as server:
        ended(f"{scheme}://127.0.0.1:{server.port}")
"""


@pytest.mark.slow
def test_a_caller_that_is_ended_leaves_nothing_open() -> None:
    """The server ends requests that take too long, while they connect, shake hands or read."""
    done = subprocess.run([sys.executable, "-c", ENDED], cwd=HERE.parent.parent, check=False)
    assert done.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_the_promises_hold_in_greenlets(name: str) -> None:
    """The deadline, what was sent, and kept connections do not depend on threads."""
    words = [HERE / f"test_{name}.py", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    done = subprocess.run(
        [sys.executable, "-c", UNDER_GEVENT, *words],
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    assert " passed" in done.stdout
