"""`make demo`, as somebody who has just cloned the project runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.demo.stage import Stage
from tests.ports import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
PATIENCE = 60


@contextmanager
def make_demo(output: Path) -> Iterator[Stage]:
    """All of its processes, on free ports; the addresses are the ones that it prints."""
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
            said = output.read_text()
            found = re.search(r"The login:  (\S+)/\n +The phone:  (\S+)/phone\n", said)
            assert found, said
            yield Stage(found[1], found[2])
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
