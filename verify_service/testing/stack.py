"""Starts ``python -m verify_service.testing`` as a child, and ends it."""

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
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 30
"""Seconds until everything has to run; on a laptop it takes one."""


class DidNotStart(RuntimeError):
    """The message has what the child said."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs, and where.

    Attributes:
        url: The service.
        sandbox: The provider's simulator.
        access_key: A key of the service.
        log: What service and simulator say.
    """

    url: str
    sandbox: str
    access_key: str
    log: Path


@contextmanager
def running(settings: Mapping[str, str], log: Path) -> Iterator[Stack]:
    """Run service, Valkey and simulator.

    Args:
        settings: Of the service, by the names of its variables.
        log: The file that takes what they say.

    Raises:
        DidNotStart: A setting is wrong, or a package is missing.
    """
    command = [sys.executable, "-m", "verify_service.testing", "--until-eof"]
    command += [f"--set={name}={value}" for name, value in settings.items()]
    with log.open("wb") as output:
        # Its input is a pipe of ours: it ends with us, however we end.
        # A group of its own, with its Valkey in it: Ctrl-C is for us to tell it of.
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
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _stack(process: subprocess.Popen[bytes], log: Path) -> Stack:
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        # Whatever Python or a library had to say may stand before it.
        if line := re.search(rb'^{"url": .*\n', log.read_bytes(), re.MULTILINE):
            told = json.loads(line[0])
            return Stack(told["url"], told["sandbox"], told["accessKey"], log)
        time.sleep(0.01)
    said = log.read_text("utf-8", "replace").strip() or f"It said nothing for {PATIENCE} s."
    raise DidNotStart(f"verify-service did not start.\n{said}")
