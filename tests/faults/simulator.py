"""The provider's simulator in a process of its own, behind a proxy that fails on demand."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.tcp_proxy import TcpProxy
from tests.system.house import ROOT
from tests.system.observed_service import APP_KEY, PROVIDER_KEY
from tests.waiting import wait_until
from verify_service.sandbox.control import Call, SandboxControl

PATIENCE = 60
MANY = 1000
"""Calls for which one line of the script is valid, at most."""
DRIP = 0.1
"""Seconds from byte to byte of an answer that drips."""


class Simulator:
    """Rings no phone, keeps every request, and behaves as its script says.

    Args:
        log: The file for its output.
    """

    def __init__(self, log: Path) -> None:
        self.wire = TcpProxy()
        self.url = f"http://127.0.0.1:{self.wire.port}/api"
        self._log = log

    def start(self, callback_url: str, access_key: str = PROVIDER_KEY) -> None:
        """Start it, and wait until it listens.

        Args:
            callback_url: Where it reports the status of its calls.
            access_key: The token that it accepts.
        """
        options = {
            "port": 0,
            "access-key": access_key,
            "app-key": APP_KEY,
            "callback-url": callback_url,
            "callback-delay": 0.2,
            "drip": DRIP,
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        with self._log.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "verify_service.sandbox", *words],
                cwd=ROOT,
                stdout=stream,
                stderr=stream,
            )
        self.wire.target = wait_until(self._port, PATIENCE)
        url = f"http://127.0.0.1:{self.wire.target}"
        self.control = SandboxControl(url)

    def _port(self) -> int:
        assert self._process.poll() is None, self._log.read_text()
        found = re.search(r"simulator: http://[0-9.]+:(\d+)/", self._log.read_text())
        return int(found[1]) if found else 0

    def end(self) -> None:
        self.wire.close()
        self._process.kill()
        self._process.wait()

    def code(self, number: str) -> str | None:
        """Return the code on a person's phone: the code of the last call to a number."""
        calls = self.control.calls(number)
        return calls[-1].code if calls else None

    def calls(self) -> list[Call]:
        """Return every request for a call since the last reset, the oldest first."""
        return self.control.calls()

    def called(self) -> Counter[str]:
        """Return how often each number was to be called."""
        return Counter(call.number or "" for call in self.calls())

    @contextmanager
    def saying(self, outcome: str | None = None, **line: Any) -> Iterator[None]:
        """Give all calls this outcome until the block ends."""
        self.control.next_call(outcome=outcome, times=MANY, **line)
        try:
            yield
        finally:
            self.control.clear_script()
