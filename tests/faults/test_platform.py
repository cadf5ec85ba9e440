"""A platform's life cycle: build, release check, start, replacement by the next release, and stop.

As its Python build does it: a new virtual environment, `requirements.txt` and nothing else, the
code in a read-only folder; a Procfile runner, a port that it chooses, a Redis with a self-signed
certificate and room for twenty connections.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.books import Fault
from tests.faults.load import Load
from tests.faults.simulator import Simulator
from tests.faults.stage import PATIENCE, TABLE
from tests.ports import free_port
from tests.provider.certificates import self_signed
from tests.servers import Server, redis_server
from tests.system.house import ROOT
from tests.system.observed_service import variables
from tests.waiting import wait_until

SMALL_PLAN = 20
"""Connections that a small plan allows."""
LOGINS = 30
PLAIN = {
    "HOME": "/nonexistent",
    "PYTHONUNBUFFERED": "1",
    # A build compiles everything. Root may write in spite of the folder's mode.
    "PYTHONDONTWRITEBYTECODE": "1",
}
needs_tls = pytest.mark.skipif(not redis_server(), reason="needs Debian's redis-server")


@dataclass(frozen=True)
class Built:
    """The result of a build: the code, and the programs."""

    code: Path
    programs: Path

    def runner(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        """Have the Procfile runner do something, in a process group of its own."""
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(
            [sys.executable, "-m", "honcho", *words],
            cwd=self.code,
            env={**PLAIN, "PATH": path, **environment},
            start_new_session=True,
        )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("build")
    code, environment = folder / "app", folder / "python"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0")[:-1]:
        if not name.startswith(("tests/", "bench/")) and (ROOT / name).is_file():
            (code / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, code / name)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [environment / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    # A module is compiled when it is imported. Most of the data on numbers never is.
    words = ["--no-compile", "--require-hashes", "-r", code / "requirements.txt"]
    subprocess.run([*pip, *words], check=True)
    everything = [code, *code.rglob("*")]
    for path in everything:
        path.chmod(path.stat().st_mode & ~0o222)
    before = contents(code)
    yield Built(code, environment / "bin")
    # No mode stops root, so the contents are compared.
    assert contents(code) == before
    for path in everything:
        path.chmod(path.stat().st_mode | 0o200)


def contents(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Return everything below a folder, with its time of modification."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Server]:
    """A Redis as an add-on provides it: only TLS, with a self-signed certificate."""
    certificate, key = self_signed(tmp_path)
    options = {
        "tls-cert-file": str(certificate),
        "tls-key-file": str(key),
        "tls-auth-clients": "no",
        "maxclients": str(SMALL_PLAN),
        "requirepass": "secret",
    }
    server = Server(tmp_path / "redis", options, program=redis_server(), tls=True)
    yield server.start()
    server.kill()


class Dyno:
    """The web process of one release, with all that it starts."""

    def __init__(self, built: Built, settings: dict[str, str]) -> None:
        self.port = free_port()
        words = ("start", "--no-prefix", "--no-colour", "web")
        self.process = built.runner(*words, **{**settings, "PORT": str(self.port)})

    @property
    def callback_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/callbacks/flashcall"

    def ready(self) -> None:
        load = Load(self.port, lambda _: None)
        # It binds the port within the platform's 60 s.
        wait_until(lambda: load.probe() == 200, 60)

    def term(self) -> None:
        """Send SIGTERM to every process at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)


@needs_tls
def test_a_release_rolls_over_another(built: Built, small: Server, tmp_path: Path) -> None:
    """No request fails while one release replaces the other and every process is signaled twice,
    and there are never more connections than a small plan permits."""
    provider = Simulator(tmp_path / "provider")
    url = f"rediss://:secret@127.0.0.1:{small.port}/0"
    more = {"REDIS_VERIFY": "off", "CALLBACK_PATH_SECRET": "", "LOG_LEVEL": "WARNING"}
    settings = variables(1, provider.url, REDIS_URL=url, **more) | {"REDIS_TIMEOUT": "0.9"}
    release = built.runner("run", "python", "-m", "verify_service.cli.release", **settings)
    assert release.wait(PATIENCE) == 0
    dynos = [Dyno(built, settings)]
    provider.start(dynos[0].callback_url)
    peak = 0
    try:
        dynos[0].ready()
        load = Load(dynos[0].port, provider.code)
        fault = Fault("", load.ledger)
        with small.client(password="secret") as client, load.running() as ledger:
            wait_until(lambda: ledger.finished > LOGINS, PATIENCE)
            dynos.append(Dyno(built, settings))
            dynos[1].ready()
            for goal in range(LOGINS, 3 * LOGINS, 5):
                wait_until(lambda goal=goal: ledger.finished > goal, PATIENCE)
                peak = max(peak, client.info("clients")["connected_clients"])
                if goal >= 2 * LOGINS:
                    load.port = dynos[1].port
            # The router sends no new request to the old one, which finishes those it has.
            fault.heal()
            dynos[0].term()
            dynos[0].term()
            dynos[0].process.wait(25)
            settled = ledger.finished + LOGINS
            wait_until(lambda: ledger.finished > settled, PATIENCE)
        dynos[1].term()
        assert dynos[1].process.wait(25) in (0, 143)
        fault.calls = provider.called()
    finally:
        for dyno in dynos:
            with suppress(ProcessLookupError):
                os.killpg(dyno.process.pid, signal.SIGKILL)
            dyno.process.wait()
        provider.end()
    fault.name = f"a release rolls over another ({peak} connections)"
    TABLE.append(fault.row("start"))
    fault.check_sums()
    with small.client(password="secret") as client:
        fault.in_redis(client)
    assert set(ledger.statuses) == {200, 201}
    assert 0 < peak <= SMALL_PLAN
