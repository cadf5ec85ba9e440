"""What a login flow and a person do with the running house, over HTTP."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.waiting import wait_until

KEY = "development-access-key"
_numbers = itertools.count(1_000_000)


def fresh_number() -> str:
    """A number that no other test has started."""
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
        """What the person's phone shows."""
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
