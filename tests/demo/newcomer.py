"""Runs what `make demo` runs, for tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.demo.stack import Demo
from tests.ports import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
PATIENCE = 60


@contextmanager
def make_demo(output: Path) -> Iterator[Demo]:
    """Run all its processes on free ports. Return the addresses that it prints."""
    options = [f"--{name}={free_port()}" for name in ("port", "sandbox-port", "login-port")]
    with output.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "verify_service.dev", "--demo", *options],
            cwd=ROOT,
            env=os.environ,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until(lambda: "Ctrl-C ends" in output.read_text() or process.poll(), PATIENCE)
            printed = output.read_text()
            found = re.search(r"The login:  (\S+)/\n +The phone:  (\S+)/phone\n", printed)
            assert found, printed
            yield Demo(found[1], found[2])
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
