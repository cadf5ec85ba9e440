"""The web line of the Procfile as a platform runs it: what it takes from the environment."""

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
from verify_service.settings.settings import Settings
from verify_service.store.connection.client import POOL_WAIT_SECONDS

PATIENCE = 20
KEY = "canary-access-key"
SECRET = "canary-path-secret"
EXCHANGES = 2
SERVERS = {"PORT", "WEB_CONCURRENCY", "THREADS", "GUNICORN_CMD_ARGS"}


def web_line() -> list[str]:
    """The command, with this very Python."""
    line = parse_procfile((ROOT / "Procfile").read_text("utf-8")).processes["web"]
    command, *arguments = shlex.split(line)
    return [sys.executable, "-m", command, *arguments]


def environment(**variables: str) -> dict[str, str]:
    """The caller's, without what it may say to the service or its server."""
    ours = {name.upper() for name in get_type_hints(Settings)} | SERVERS
    kept = {name: text for name, text in os.environ.items() if name not in ours}
    return kept | {"APP_ENV": "development"} | variables


def configured(**variables: str) -> dict[str, str]:
    """What the server makes of these variables, as it says itself."""
    done = subprocess.run(
        [*web_line(), "--print-config"],
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
    """`THREADS` counts requests at a time; idle connections come on top."""
    told = configured(PORT="8123", WEB_CONCURRENCY="3", THREADS="700")
    assert told["bind"] == "['127.0.0.1:8123']"
    assert told["workers"] == "3"
    assert int(told["worker_connections"]) >= 700


def test_worker_logger_and_hooks_are_the_services_own() -> None:
    """The server's own have other names: "gevent", a dotted path, or `OnStarting.on_starting`."""
    told = configured()
    assert (told["worker_class"], told["logger_class"]) == ("<Worker()>", "<Logger()>")
    for hook in ("on_starting", "post_worker_init", "pre_request", "on_exit"):
        assert told[hook] == f"<{hook}()>"


def test_in_production_it_listens_to_everybody() -> None:
    """And on 8000, with two processes, where nobody says otherwise."""
    production = {
        "APP_ENV": "production",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "ACCESS_KEYS": f"shop={'0' * 64}",
        "CODE_SECRET": "x",
        "NUMBER_SECRET": "y",
        "PROVIDER_ACCESS_KEY": "z",
        "CALLBACK_APP_KEYS": "z",
        "ALLOWED_COUNTRIES": "RU",
    }
    told = configured(**production)
    assert told["bind"] == "['0.0.0.0:8000']"
    assert told["workers"] == "2"


def test_a_server_without_its_secrets_does_not_start() -> None:
    """It says which variable is missing, and ends."""
    done = subprocess.run(
        [*web_line(), "--check-config"],
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
    """Beside a deadline of 18 also where Redis is at its worst in both of the exchanges that
    tests/api/test_round_trips.py counts; two seconds for a request that comes after the signal."""
    deadline, reply = 18, 0.5
    longest = 2 + deadline + EXCHANGES * (POOL_WAIT_SECONDS + reply)
    assert longest <= int(configured()["graceful_timeout"]) < 25


@pytest.mark.parametrize(
    ("name", "text", "least"),
    [("WEB_CONCURRENCY", "0", 1), ("THREADS", "x", 2), ("THREADS", "", 2)],
)
def test_a_number_that_is_none_is_told_in_a_sentence(name: str, text: str, least: int) -> None:
    """And nothing begins to serve with no process at all."""
    done = subprocess.run(
        [*web_line(), "--check-config"],
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
    """The server on a free port, everything it says in a file; no Redis is needed."""
    port = free_port()
    with output.open("w") as stream:
        process = subprocess.Popen(
            web_line(),
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


@pytest.mark.parametrize("arguments", ["", "--access-logfile - --log-level debug"])
def test_no_key_is_in_an_access_log(tmp_path: Path, arguments: str) -> None:
    """Build packs switch one on, with a format that prints path and query."""
    output = tmp_path / "output.txt"
    secrets = {"CALLBACK_PATH_SECRET": SECRET, "GUNICORN_CMD_ARGS": arguments}
    with running(output, **secrets, LOG_LEVEL="DEBUG") as url:
        query = {"X-Authorization": f"AccessKey {KEY}"}
        requests.get(f"{url}/verify/x", params=query, timeout=5)
        requests.get(f"{url}/verify/x", headers=query, timeout=5)
        requests.get(f"{url}/nowhere", params=query, timeout=5)
        requests.post(f"{url}/callbacks/flashcall/{SECRET}", json={"appKey": KEY}, timeout=5)
        requests.get(f"{url}/callbacks/flashcall/{SECRET}", timeout=5)
    said = output.read_text()
    assert "canary" not in said
    assert said.count('"event": "request"') >= 6
