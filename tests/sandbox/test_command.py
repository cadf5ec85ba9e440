"""`python -m verify_service.sandbox`, as a process and from inside."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from flask import Flask
from werkzeug.serving import BaseWSGIServer

from tests.waiting import wait_until
from verify_service.sandbox import SandboxConfig, __main__, create_sandbox
from verify_service.sandbox.server import base_url, bind

from .harness import PATIENCE, Sandbox

ROOT = Path(__file__).parents[2]


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], Sandbox]]:
    """The simulator in a process of its own, ready to answer."""
    command = [sys.executable, "-m", "verify_service.sandbox", "--port", "0", *options]
    pipes: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    environment = {**os.environ, "PYTHONUTF8": "1", "SANDBOX_CALLER_PREFIX": "4930"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, encoding="utf-8", **pipes) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().split()[-1].removesuffix("/api")
            assert process.stdout.readline() == f"A phone that rings: {address}/phone\n"
            yield process, Sandbox(address)
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_process(ending: signal.Signals) -> None:
    """It prints its address, takes options and variables, logs the call, and ends quietly."""
    with running("--callback-url", "http://127.0.0.1:1/", "--callback-delay", "60") as (
        process,
        sandbox,
    ):
        answer = sandbox.place("79990000001").json()
        sandbox.post(params={"X-Authorization": "AccessKey secret-token"})
        process.send_signal(ending)
        rest, log = process.communicate(timeout=PATIENCE)
    assert answer["from"] == "49301234"
    assert process.returncode == 0
    assert rest == ""
    placed, refused = log.splitlines()
    assert placed == (
        f"call {answer['requestId'][:4]}… to 79990000001 from 49301234: ANSWERED; "
        "callbacks: ANSWERED"
    )
    assert refused == "call to no number refused: errorCode 1, Authentication required (HTTP 401)"


@pytest.mark.slow
def test_a_process_whose_clients_wait() -> None:
    """They do not keep it from ending."""
    with running("--hang", "600") as (process, sandbox), ThreadPoolExecutor() as pool:
        with sandbox.open("79990000304") as hanging:
            wait_until(sandbox.calls)
            polling = pool.submit(sandbox.get, "/sandbox/calls?after=1&wait=30")
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
            assert hanging.recv(1) == b""
        with suppress(requests.ConnectionError):  # where its request was yet to come
            polling.result(PATIENCE)


def test_the_table() -> None:
    """Printed for the documentation, with this simulator's own figures."""
    printed = run("--table", "--slow-answer", "0.5").output
    assert printed.startswith("| number | outcome | what happens | callbacks |\n|---|")
    assert "| `+79990000301` | `slowAnswer` | the answer takes 0.5 s | TERMINATED |\n" in printed


@pytest.fixture
def kept_signals() -> Iterator[None]:
    """Puts the signal handlers back that a command run in this process has set."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def run(*options: str, **environment: str) -> Result:
    return CliRunner().invoke(__main__.main, options, env=environment, catch_exceptions=False)


@pytest.mark.usefixtures("kept_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """A terminal's Ctrl-C and a parent's SIGTERM often come together."""
    undisturbed = []

    def serve(server: BaseWSGIServer) -> None:
        server.server_close()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        undisturbed.append(True)

    monkeypatch.setattr(BaseWSGIServer, "serve_forever", serve)
    result = run("--port", "0")
    assert undisturbed
    assert result.exit_code == 0
    assert result.output.startswith("Provider simulator: http://127.0.0.1:")


@pytest.mark.usefixtures("kept_signals")
def test_options_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting has both; the option wins, and an empty variable is none."""
    seen: list[SandboxConfig] = []

    def create(config: SandboxConfig) -> Flask:
        seen.append(config)
        return create_sandbox(config)

    monkeypatch.setattr(__main__, "create_sandbox", create)
    monkeypatch.setattr(BaseWSGIServer, "serve_forever", BaseWSGIServer.server_close)
    run(
        "--callback-delay=0.5",
        SANDBOX_PORT="0",
        SANDBOX_ACCESS_KEY="a",
        SANDBOX_APP_KEY="b",
        SANDBOX_CALLBACK_URL="",
        SANDBOX_CALLBACK_DELAY="9",
        SANDBOX_CALLER_PREFIX="7",
        SANDBOX_SLOW_ANSWER="0.1",
        SANDBOX_DRIP="0.2",
        SANDBOX_HANG="0.3",
        SANDBOX_LATE_CALLBACK="0.4",
    )
    assert seen == [SandboxConfig("a", "b", None, 0.5, "7", 0.1, 0.2, 0.3, 0.4)]


@pytest.mark.usefixtures("kept_signals")
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--callback-url", "nowhere"], "callback URL: must begin with http"),
        (["--callback-delay", "-1"], "callback delay"),
        (["--hang", "601"], "hang: seconds"),
        (["--port", "65536"], "--port"),
    ],
)
def test_bad_options(options: list[str], complaint: str) -> None:
    """A sentence and exit code 2, never a traceback."""
    result = run("--port", "0", *options)
    assert result.exit_code == 2
    assert complaint in result.output


def test_help() -> None:
    """The help names every option and the variables' prefix."""
    text = run("--help").output
    options = ("host", "port", "access-key", "app-key", "callback-url", "callback-delay")
    timings = ("slow-answer", "drip", "hang", "late-callback")
    assert all(f"--{option}" in text for option in (*options, *timings, "caller-prefix", "table"))
    assert "SANDBOX_PORT" in text


@pytest.mark.usefixtures("kept_signals")
def test_a_port_that_is_taken() -> None:
    """The operator reads why it does not start."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert "in use" in result.output


def test_an_ipv6_address() -> None:
    """It goes into brackets, as a client needs it."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    server = bind(create_sandbox(SandboxConfig()), "::1", 0)
    server.server_close()
    assert base_url(server) == f"http://[::1]:{server.port}/api"
