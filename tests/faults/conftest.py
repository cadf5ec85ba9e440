"""One service for most of the faults, and the table at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.event_books import LATENCIES, EventRow, Latency
from tests.faults.event_books import TABLE as EVENT_TABLE
from tests.faults.ledger import Row
from tests.faults.stage import TABLE, Stage
from tests.faults.tcp_proxy import TcpProxy
from tests.servers import Server


@pytest.fixture(scope="session")
def wire() -> Iterator[TcpProxy]:
    """The proxy between the service and its Redis."""
    wire = TcpProxy()
    yield wire
    wire.close()


@pytest.fixture(scope="session")
def _stage(tmp_path_factory: pytest.TempPathFactory, wire: TcpProxy) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("stage"), f"redis://127.0.0.1:{wire.port}/0")
    stage.web.ready()
    yield stage
    stage.end()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A Valkey that writes all its data to disk."""
    server = Server(tmp_path / "redis", {"appendonly": "yes"}).start()
    yield server
    server.kill()


@pytest.fixture
def stage(_stage: Stage, server: Server, wire: TcpProxy) -> Stage:
    """The service, with this test's own Redis behind the proxy."""
    wire.target = server.port
    wire.drop_all()
    _stage.provider.control.reset()
    _stage.ready()
    return _stage


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one row per fault, as docs/reliability.md shows them."""
    tables = (Row.HEAD, TABLE), (EventRow.HEAD, EVENT_TABLE), (Latency.HEAD, LATENCIES)
    for head, rows in tables:
        if rows:
            terminalreporter.write_line("")
            terminalreporter.write_line("| " + " | ".join(head) + " |")
            terminalreporter.write_line("|---" * len(head) + "|")
            for row in rows:
                terminalreporter.write_line("| " + " | ".join(row.cells) + " |")
