"""The running service, its document, and the generators that `make test-clients` installs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.system.house import House, running

GENERATORS = Path(sys.prefix) / "generators"
"""The environment of the generators: Python packages, and beside them node_modules."""
PATIENCE = 300


class Generators:
    """Runs programs of that environment, in a folder for what they write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # A relative path would find the tests' own packages.
        self._environment = os.environ | {
            "PATH": f"{GENERATORS / 'bin'}:{GENERATORS / 'node_modules/.bin'}:{os.environ['PATH']}"
        }
        self._environment.pop("PYTHONPATH", None)

    def run(self, *command: str | Path) -> str:
        """Return what a command prints. One that fails fails the test, with all of its output."""
        done = subprocess.run(
            [str(each) for each in command],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def generators(tmp_path: Path) -> Generators:
    return Generators(tmp_path)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The processes of `make run`."""
    with running(tmp_path_factory.mktemp("house") / "output.txt") as house:
        yield house


@pytest.fixture(scope="session")
def document(house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document as the service serves it."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(requests.get(f"{house.web}/openapi.json", timeout=5).content)
    return path
