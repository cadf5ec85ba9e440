"""Runs ``python -m verify_service.testing`` as a child process, for the fixture."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from verify_service.client import VerifyClient

try:
    from verify_service.sandbox.control import SandboxControl
    from verify_service.testing.events import SandboxEvents
except ModuleNotFoundError as missing:
    EXTRA = "Install the package's extra: pip install 'verify-service[testing]'"
    raise ModuleNotFoundError(f"{missing.name} is not installed. {EXTRA}") from None

START_TIMEOUT = 30
"""Seconds. A laptop needs one."""


class DidNotStart(RuntimeError):
    """The child process did not start. The message contains its output."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The running processes.

    Attributes:
        url: The address of the service.
        sandbox: The address of the provider's simulator.
        access_key: A key of the service.
        webhook_secret: What signs the service's events.
        log: The output of both.
    """

    url: str
    sandbox: str
    access_key: str
    webhook_secret: str = field(repr=False)
    log: Path


class VerifySandbox(SandboxControl):
    """The service, and the phone that it calls.

    It has the methods of :class:`~verify_service.sandbox.control.SandboxControl`. ``reset`` also
    removes verifications and limits.

    Attributes:
        url: The address of the service, for the login flow under test.
        access_key: The login flow's key.
        client: A client of the service.
        events: The events that the service posted.
        webhook_secret: What signs them, for a receiver under test.
    """

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack.sandbox)
        self.url = stack.url
        self.access_key = stack.access_key
        self.client = VerifyClient(stack.url, stack.access_key)
        self.events = SandboxEvents(self._ask)
        self.webhook_secret = stack.webhook_secret


@contextmanager
def running(settings: Mapping[str, str], log: Path) -> Iterator[Stack]:
    """Run service, Valkey and simulator until the block ends.

    Args:
        settings: The service's environment variables.
        log: The file for the output.

    Raises:
        DidNotStart: A setting is not valid, or a package is missing.
    """
    command = [sys.executable, "-m", "verify_service.testing", "--until-eof"]
    command += [f"--set={name}={value}" for name, value in settings.items()]
    with log.open("wb") as output:
        # Its input is a pipe from this process, so it ends with this process, also after a kill.
        # Its own process group, which includes Valkey: Ctrl-C does not reach it directly.
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield _stack(process, log)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(START_TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _stack(process: subprocess.Popen[bytes], log: Path) -> Stack:
    until = time.monotonic() + START_TIMEOUT
    while process.poll() is None and time.monotonic() < until:
        # Python or a library can write other lines before it.
        if line := re.search(rb'^{"url": .*\n', log.read_bytes(), re.MULTILINE):
            found = json.loads(line[0])
            return Stack(
                url=found["url"],
                sandbox=found["sandbox"],
                access_key=found["accessKey"],
                webhook_secret=found["webhookSecret"],
                log=log,
            )
        time.sleep(0.01)
    output = log.read_text("utf-8", "replace").strip() or f"No output in {START_TIMEOUT} s."
    raise DidNotStart(f"verify-service did not start.\n{output}")
