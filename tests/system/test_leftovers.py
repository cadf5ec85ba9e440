"""`make test` fails if a test leaves a process running."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.leftovers import CHILDREN, LEFT
from tests.system.house import PATIENCE, ROOT


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.leftovers", "sh", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_the_status_is_the_commands() -> None:
    assert run("exit 3").returncode == 3
    assert run("echo said").stdout == "said\n"


def test_a_process_that_ends_in_time_is_not_left() -> None:
    done = run("sleep 0.1 & exit 0")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not CHILDREN.exists(), reason="needs Linux's /proc")
def test_a_process_that_is_left_is_named_and_killed() -> None:
    """Also one whose parent ended before."""
    done = run("sh -c 'sleep 1234.5 >/dev/null 2>&1 &'; exit 0")
    assert done.returncode == LEFT
    assert done.stderr.startswith("left running: ")
    assert done.stderr.endswith(" sleep 1234.5\n")
    pid = done.stderr.split()[2]
    assert subprocess.run(["kill", "-0", pid], capture_output=True, check=False).returncode != 0
