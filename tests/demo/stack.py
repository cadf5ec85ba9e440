"""Runs the demo login with verify-service, the provider's simulator and its phone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from examples.login.app import Config, create_app
from tests.ports import free_port
from tests.sandbox.harness import KEY, PATIENCE, served
from tests.signing import SECRET
from verify_service.sandbox.control import SandboxControl
from verify_service.testing.stack import running

_numbers = itertools.count(1_000_000)


@dataclass(frozen=True)
class Demo:
    """The URLs of the login and of the simulator."""

    login: str
    sandbox: str

    @property
    def control(self) -> SandboxControl:
        return SandboxControl(self.sandbox)

    def phone(self, number: str) -> str:
        return f"{self.sandbox}/phone?number=%2B{number.removeprefix('+')}"

    def place(self, number: str, code: int = 4821) -> None:
        """Make the simulator place a call that no login requested."""
        body = {"number": number, "code": code, "timeout": 30000}
        url = f"{self.sandbox}/api/apps/flash/calls/flash"
        requests.post(url, json=body, headers=KEY, timeout=PATIENCE).raise_for_status()


def fresh_number() -> str:
    """Return a number that no test has used."""
    return f"+7916{next(_numbers)}"


def wrong_code(code: str) -> str:
    """Return four digits that are not this code."""
    return str(1000 + (int(code) - 1000 + 1) % 9000)


@contextmanager
def running_demo(
    folder: Path, redis_url: str, *, events: bool = True, **settings: str
) -> Iterator[Demo]:
    """Run all processes until the block ends.

    Args:
        events: Whether the login receives events.
        settings: verify-service's.
    """
    port = free_port()
    if events:
        settings["WEBHOOKS"] = f"demo=http://127.0.0.1:{port}/hooks/verify"
        settings["WEBHOOK_SECRETS"] = f"demo={SECRET}"
    with running(settings, folder / "log.txt") as stack:
        config = Config(
            verify_url=stack.url,
            access_key=stack.access_key,
            redis_url=redis_url,
            secret="of tests, which have nothing to hide",
            secure_cookies=False,
            phone_url=f"{stack.sandbox}/phone",
            webhook_secrets=(SECRET,) if events else (),
        )
        with served(create_app(config), port) as login:
            yield Demo(login, stack.sandbox)
