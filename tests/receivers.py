"""The receivers of docs/events.md, each as a process, and what all of them have to do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.signing import OTHER_SECRET, SECRET, event, signed
from tests.waiting import wait_until
from verify_service.testing.stack import VerifySandbox
from verify_service.testing.stack import running as stack_running

ROOT = Path(__file__).parent.parent
PROGRAMS = ROOT / "verify_service/api/templates/examples"
START_SECONDS = 30
NUMBER = "+79161234567"
OFF = {
    "state": "undelivered",
    "callerPrefix": "7917913",
    "callerLength": 11,
    "codeDigits": 4,
    "providerStatus": "UNAVAILABLE",
}


@dataclass(frozen=True)
class Receiver:
    """A running receiver.

    Attributes:
        url: Where events are posted.
        output: What it prints.
    """

    url: str
    output: Path

    def post(self, headers: dict[str, str], body: bytes) -> requests.Response:
        return requests.post(self.url, body, headers=headers, timeout=10)

    def shown(self) -> int:
        """Return how often the phone that is off was shown."""
        return self.output.read_text("utf-8").count("AbC-_123 UNAVAILABLE")


@contextmanager
def running(command: list[str], port: int, folder: Path, *secrets: str) -> Iterator[Receiver]:
    """Run a receiver whose program is in ``folder``; it accepts events of these secrets."""
    output = folder / "output.txt"
    environment = os.environ | {
        "VERIFY_WEBHOOK_SECRETS": ",".join(secrets),
        "PORT": str(port),
        "PYTHONPATH": str(ROOT),
    }
    with (
        output.open("wb") as file,
        subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            receiver = Receiver(f"http://127.0.0.1:{port}/hooks/verify", output)
            wait_until(lambda: _answers(process, receiver), START_SECONDS)
            yield receiver
        finally:
            # The program may be a child of the command: Node.js from a wheel is.
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(START_SECONDS)


def program(name: str, folder: Path) -> None:
    """Write a program of the page into ``folder``."""
    shutil.copy(PROGRAMS / f"{name}.txt", folder / name)


def require_a_good_receiver(receiver: Receiver) -> None:
    """It accepts a good event once, and refuses a forged one and one of six minutes' age."""
    undelivered = event(call=OFF)
    for forged in (
        signed(undelivered, "whsec_" + "QUFB" * 8, event_id="evt_1"),
        signed(undelivered, event_id="evt_2", age=361),
        signed(undelivered, event_id="evt_3", age=-361),
        (signed(undelivered, event_id="evt_4")[0], signed(event("verification.approved"))[1]),
        ({}, signed(undelivered)[1]),
        (signed(undelivered)[0] | {"webhook-signature": "v1"}, signed(undelivered)[1]),
    ):
        assert receiver.post(*forged).status_code == 401
    assert receiver.shown() == 0
    good = signed(undelivered, event_id="evt_5")
    for _ in range(2):
        assert receiver.post(*good).status_code == 204
        assert receiver.shown() == 1
    # The next try of the same event has a time and so a signature of its own.
    assert receiver.post(*signed(undelivered, event_id="evt_5", age=5)).status_code == 204
    assert receiver.shown() == 1
    for kind in ("verification.delivered", "verification.of_tomorrow"):
        assert receiver.post(*signed(event(kind), event_id=kind)).status_code == 204
    assert receiver.shown() == 1
    rotated = signed(undelivered, OTHER_SECRET, event_id="evt_6")
    assert receiver.post(*rotated).status_code == 204
    assert receiver.shown() == 2
    require_no_secret(receiver)


def require_no_secret(receiver: Receiver) -> None:
    """What it printed has none of its secrets and no signature."""
    text = receiver.output.read_text("utf-8")
    assert not [secret for secret in (SECRET, OTHER_SECRET) if secret[6:] in text]
    assert "v1," not in text


def _answers(process: subprocess.Popen[bytes], receiver: Receiver) -> bool:
    assert process.poll() is None, receiver.output.read_text("utf-8")
    try:
        return receiver.post({}, b"").status_code == 401
    except requests.ConnectionError:
        return False


def require_events_of_the_service(receiver: Receiver, folder: Path) -> None:
    """The running service posts an event that it accepts, right after the provider's callback."""
    settings = {"WEBHOOKS": f"demo={receiver.url}", "WEBHOOK_SECRETS": f"demo={SECRET}"}
    with stack_running(settings, folder / "log.txt") as stack:
        sandbox = VerifySandbox(stack)
        sandbox.next_call(NUMBER, status="UNAVAILABLE")
        with sandbox.client as client:
            started = client.start(NUMBER)
        assert sandbox.wait_for_callback(NUMBER).http_status == 200
        line = f"{started.verification_id} UNAVAILABLE"
        wait_until(lambda: line in receiver.output.read_text("utf-8"))
        wait_until(lambda: '"event_delivered"' in stack.log.read_text("utf-8"))
    require_no_secret(receiver)
