"""The real processes, as `make run` starts them: Valkey, the simulator, the web line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.system.house import House
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Everything, running, until the last test has ended."""
    output = tmp_path_factory.mktemp("house") / "output.txt"
    web, sandbox = free_port(), free_port()
    with output.open("w") as stream:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "verify_service.dev"),
                *("--port", str(web), "--sandbox-port", str(sandbox)),
            ],
            cwd=ROOT,
            env=os.environ | {"SANDBOX_CALLBACK_DELAY": "0.2", "WEB_CONCURRENCY": "2"},
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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One house for all of them, however many processes share the tests."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("house"))
