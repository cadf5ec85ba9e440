"""The Procfile's command `web` as a platform runs it: what it reads from the environment."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_type_hints

import pytest
import requests
from honcho.environ import parse_procfile

from tests.ports import free_port
from tests.system.house import ROOT
from tests.waiting import wait_until
from verify_service.domain.limits import NumberLimits
from verify_service.settings.server_variables import EVERY_INTERFACE, SERVER_VARIABLES
from verify_service.settings.settings import Settings
from verify_service.store.connection.client import POOL_WAIT_SECONDS

PATIENCE = 20
KEY = "canary-access-key"
SECRET = "canary-path-secret"
EXCHANGES = 2
LONGEST_DEADLINE = 20
SERVERS = {*SERVER_VARIABLES, "GUNICORN_CMD_ARGS"}


def web_command() -> list[str]:
    """Return the command, with the Python that runs the tests."""
    command = parse_procfile((ROOT / "Procfile").read_text("utf-8")).processes["web"]
    program, *arguments = shlex.split(command)
    return [sys.executable, "-m", program, *arguments]


def environment(**variables: str) -> dict[str, str]:
    """Return the caller's environment without the variables of the service and its server."""
    ours = {name.upper() for name in get_type_hints(Settings)} | SERVERS
    kept = {name: text for name, text in os.environ.items() if name not in ours}
    return kept | {"APP_ENV": "development"} | variables


def configured(**variables: str) -> dict[str, str]:
    """Return the settings that the server prints for these variables."""
    done = subprocess.run(
        [*web_command(), "--print-config"],
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def test_port_processes_and_threads_are_the_platforms() -> None:
    """`THREADS` is the number of requests at a time; idle connections come on top."""
    settings = configured(PORT="8123", WEB_CONCURRENCY="3", THREADS="700")
    assert settings["bind"] == "['127.0.0.1:8123']"
    assert settings["workers"] == "3"
    assert int(settings["worker_connections"]) >= 700


def test_the_host_can_be_set() -> None:
    assert configured(HOST="::1", PORT="8123")["bind"] == "['[::1]:8123']"
    assert configured(HOST=EVERY_INTERFACE)["bind"] == "['0.0.0.0:8000']"


def test_worker_logger_and_hooks_are_the_services_own() -> None:
    """The server's own have other names: "gevent", a dotted path, or `OnStarting.on_starting`."""
    settings = configured()
    assert (settings["worker_class"], settings["logger_class"]) == ("<Worker()>", "<Logger()>")
    for hook in ("on_starting", "post_fork", "post_worker_init", "pre_request", "on_exit"):
        assert settings[hook] == f"<{hook}()>"


def test_in_production_it_listens_on_every_interface() -> None:
    """By default on port 8000, with two processes."""
    production = {
        "APP_ENV": "production",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "ACCESS_KEYS": f"shop={'0' * 64}",
        "CODE_SECRET": "x" * 32,
        "NUMBER_SECRET": "y" * 32,
        "PROVIDER_ACCESS_KEY": "provider-key",
        "CALLBACK_APP_KEYS": "app-key",
        "ALLOWED_COUNTRIES": "RU",
    }
    settings = configured(**production)
    assert settings["bind"] == "['0.0.0.0:8000']"
    assert settings["workers"] == "2"


def test_a_server_without_its_secrets_does_not_start() -> None:
    """It names the missing variable and exits."""
    done = subprocess.run(
        [*web_command(), "--check-config"],
        cwd=ROOT,
        env=environment(APP_ENV="production", CODE_SECRET="canary"),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode != 0
    assert "NUMBER_SECRET: " in done.stderr
    assert "canary" not in done.stdout + done.stderr


def test_the_longest_start_ends_before_it_is_killed() -> None:
    """With a deadline of 18 s even if Redis is as slow as it may be in both exchanges, which
    tests/api/test_round_trips.py counts, and if the request arrives 2 s after the signal."""
    deadline, reply = 18, 0.5
    longest = 2 + deadline + EXCHANGES * (POOL_WAIT_SECONDS + reply)
    assert longest <= int(configured()["graceful_timeout"]) < 25


def test_no_start_is_ended_between_its_call_and_its_answer() -> None:
    """The work has more time than the longest start takes, whatever the body took. The slowest body
    and a start with the deadline's default fit the 30 s of routers."""
    script = (
        "import runpy; worker = runpy.run_path('config/gunicorn.conf.py')['Worker'];"
        "print(worker.reading_seconds, worker.working_seconds)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    reading, working = map(float, done.stdout.split())
    exchanges = EXCHANGES * (POOL_WAIT_SECONDS + 0.5)
    assert working > LONGEST_DEADLINE + exchanges
    assert reading + NumberLimits().deadline + exchanges < 30


@pytest.mark.parametrize(
    ("name", "text", "least"),
    [("WEB_CONCURRENCY", "0", 1), ("THREADS", "x", 2), ("THREADS", "", 2)],
)
def test_an_invalid_number_is_reported_in_a_sentence(name: str, text: str, least: int) -> None:
    """The server does not start without a process."""
    done = subprocess.run(
        [*web_command(), "--check-config"],
        cwd=ROOT,
        env=environment(**{name: text}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode != 0
    assert f"{name}: Must be a whole number, at least {least}; " in done.stderr
    assert "Traceback" not in done.stderr


@contextmanager
def running(output: Path, **variables: str) -> Iterator[str]:
    """Run the server on a free port, its output in a file. No Redis is needed."""
    port = free_port()
    with output.open("w") as stream:
        process = subprocess.Popen(
            web_command(),
            cwd=ROOT,
            env=environment(PORT=str(port), WEB_CONCURRENCY="1", **variables),
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until(lambda: _answers(f"http://127.0.0.1:{port}/healthz"), PATIENCE)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


@pytest.mark.parametrize("folder", ["missing/below", ""])
def test_the_metrics_folder_may_be_missing_or_empty(tmp_path: Path, folder: str) -> None:
    """A missing one is made; an empty name is none, and leaves no file in the working folder."""
    named = str(tmp_path / folder) if folder else ""
    before = set(ROOT.glob("*.db"))
    with running(tmp_path / "output.txt", PROMETHEUS_MULTIPROC_DIR=named) as url:
        assert requests.get(f"{url}/metrics", timeout=5).status_code == 200
    assert set(ROOT.glob("*.db")) == before
    assert not folder or list((tmp_path / folder).glob("counter_*.db"))


@pytest.mark.parametrize("arguments", ["", "--access-logfile - --log-level debug"])
def test_no_key_is_in_an_access_log(tmp_path: Path, arguments: str) -> None:
    """Build packs switch an access log on, with a format that prints path and query."""
    output = tmp_path / "output.txt"
    secrets = {"CALLBACK_PATH_SECRET": SECRET, "GUNICORN_CMD_ARGS": arguments}
    with running(output, **secrets, LOG_LEVEL="DEBUG") as url:
        query = {"X-Authorization": f"AccessKey {KEY}"}
        requests.get(f"{url}/verify/x", params=query, timeout=5)
        requests.get(f"{url}/verify/x", headers=query, timeout=5)
        requests.get(f"{url}/nowhere", params=query, timeout=5)
        requests.post(f"{url}/callbacks/flashcall/{SECRET}", json={"appKey": KEY}, timeout=5)
        requests.get(f"{url}/callbacks/flashcall/{SECRET}", timeout=5)
    text = output.read_text()
    assert "canary" not in text
    assert text.count('"event": "request"') >= 6
