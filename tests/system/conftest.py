"""The real processes, as `make run` starts them: Valkey, the simulator, the web line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.house import House, running


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Everything, running, until the last test has ended."""
    with running(tmp_path_factory.mktemp("house") / "output.txt") as house:
        yield house


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One house for all of them, however many processes share the tests."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("house"))
