"""The real web processes, the provider's simulator, and the Redis that a fault needs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.books import Fault
from tests.faults.ledger import Row
from tests.faults.load import CLIENTS, Load
from tests.faults.simulator import Simulator
from tests.system.observed_service import variables
from tests.system.server_process import Web
from tests.waiting import wait_until

PATIENCE = 60
"""Seconds that suffice for anything, on a busy machine too."""
DEADLINE = 2
STEADY = 20
"""Logins that succeed before a fault begins, and after it has ended."""
SETTINGS = {
    "REDIS_TIMEOUT": "0.5",
    "PROVIDER_DEADLINE": f"{DEADLINE}",
    "PROVIDER_CONNECT_TIMEOUT": "1",
    "PROVIDER_BREAKER": "5/1",
    "LOG_LEVEL": "WARNING",
    "CALLBACK_PATH_SECRET": "",
}
"""Redis' timeout is the default. A hung call and a breaker's pause are shorter than by default. The
limits over many numbers are wide: ROOMY."""
TABLE: list[Row] = []


@dataclass
class Stage:
    """One service, and what it needs."""

    folder: Path
    redis_url: str
    more: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.provider = Simulator(self.folder / "provider")
        given = {"REDIS_URL": self.redis_url, **SETTINGS, **self.more}
        self.web = Web("wsgi:app", self.folder / "web", variables(1, self.provider.url, **given))
        self.provider.start(f"http://127.0.0.1:{self.web.port}/callbacks/flashcall")

    def ready(self) -> None:
        self.web.ready()
        wait_until(lambda: self.web.ask("GET", "/readyz", key=None).status == 200, PATIENCE)

    def end(self) -> None:
        # Its processes by name: without their parent they would end a while later.
        for pid in (self.web.process.pid, *self.web.workers()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.web.process.wait()
        self.provider.end()

    def load(self) -> Load:
        return Load(self.web.port, self.provider.code)

    @contextmanager
    def under_load(
        self, name: str, *, kind: str = "start", forgetful: bool = False
    ) -> Iterator[Fault]:
        """Log in before, during and after a fault; then compare everything.

        Args:
            name: The fault's, in the table.
            kind: The kind of request whose first success ends the recovery.
            forgetful: Whether this Redis may lose its last writes, and so answers that were given.
        """
        before = self.provider.called()
        load = self.load()
        fault = Fault(name, load.ledger, forgetful=CLIENTS if forgetful else 0)
        with load.running() as ledger:
            wait_until(lambda: ledger.finished >= STEADY, PATIENCE)
            fault.begin()
            yield fault
            settled = ledger.finished + STEADY
            wait_until(lambda: ledger.finished >= settled, PATIENCE)
        fault.calls = self.provider.called() - before
        TABLE.append(fault.row(kind))
        fault.check_sums()
