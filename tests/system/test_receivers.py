"""The receivers of docs/events.md in Flask and PHP; `make test-clients` runs the one in Node.js."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.receivers import (
    program,
    require_a_good_receiver,
    require_events_of_the_service,
    running,
)
from tests.signing import OTHER_SECRET, SECRET


def test_in_flask(tmp_path: Path) -> None:
    program("receiver.py", tmp_path)
    port = free_port()
    command = [sys.executable, "-m", "flask", "--app", "receiver", "run", "--port", str(port)]
    with running(command, port, tmp_path, SECRET, OTHER_SECRET) as receiver:
        require_a_good_receiver(receiver)
        require_events_of_the_service(receiver, tmp_path)


def test_in_php(tmp_path: Path) -> None:
    """`.ci/run` installs PHP."""
    if not shutil.which("php") and not os.environ.get("CI"):
        pytest.skip("no php")
    program("receiver.php", tmp_path)
    port = free_port()
    command = ["php", "-S", f"127.0.0.1:{port}", "receiver.php"]
    with running(command, port, tmp_path, SECRET, OTHER_SECRET) as receiver:
        require_a_good_receiver(receiver)
        require_events_of_the_service(receiver, tmp_path)
