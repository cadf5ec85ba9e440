"""What a login flow and a person do with the running processes, over HTTP."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.ports import free_port
from tests.waiting import wait_until
from verify_service.testing.servers import ROOMY

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60
KEY = "development-access-key"
_numbers = itertools.count(1_000_000)


def new_number() -> str:
    """Return a number that no other test has started."""
    return f"+7916{next(_numbers)}"


@dataclass(frozen=True)
class House:
    web: str
    sandbox: str
    output: Path

    def start(self, number: str, **more: str) -> requests.Response:
        return self._post("/verify/start", {"number": number, **more})

    def check(self, verification_id: str, code: str) -> dict[str, Any]:
        body = {"verificationId": verification_id, "code": code}
        answer: dict[str, Any] = self._post("/verify/check", body).json()
        return answer

    def status(self, verification_id: str) -> dict[str, Any]:
        headers = {"X-Authorization": f"AccessKey {KEY}"}
        answer: dict[str, Any] = requests.get(
            f"{self.web}/verify/{verification_id}", headers=headers, timeout=5
        ).json()
        return answer

    def calls(self, number: str) -> list[dict[str, Any]]:
        """Return the calls on the person's phone."""
        answer = requests.get(
            f"{self.sandbox}/sandbox/calls", params={"number": number}, timeout=5
        ).json()
        calls: list[dict[str, Any]] = answer["calls"]
        return calls

    def wait_for_call(self, verification_id: str, state: str) -> dict[str, Any]:
        def arrived() -> dict[str, Any] | None:
            found = self.status(verification_id)
            return found if found["call"]["state"] == state else None

        found: dict[str, Any] = wait_until(arrived, 10)
        return found

    def _post(self, path: str, body: dict[str, Any]) -> requests.Response:
        headers = {"X-Authorization": f"AccessKey {KEY}"}
        return requests.post(self.web + path, json=body, headers=headers, timeout=15)


@contextmanager
def running(output: Path, **settings: str) -> Iterator[House]:
    """Run all processes of `make run`, on free ports, for the duration of the block.

    settings: environment variables, for the service and for the simulator.
    """
    usual = {"SANDBOX_CALLBACK_DELAY": "0.2", "WEB_CONCURRENCY": "2", **ROOMY}
    web, sandbox = free_port(), free_port()
    with output.open("w") as stream:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "verify_service.dev"),
                *("--port", str(web), "--sandbox-port", str(sandbox)),
            ],
            cwd=ROOT,
            env=os.environ | usual | settings,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until(
                lambda: "Ctrl-C ends everything" in output.read_text() or process.poll(), PATIENCE
            )
            assert process.poll() is None, output.read_text()
            yield House(f"http://127.0.0.1:{web}", f"http://127.0.0.1:{sandbox}", output)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
