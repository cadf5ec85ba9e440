"""`flask --app wsgi` as an operator types it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.servers import Server
from tests.system.house import ROOT

COMMANDS = {
    *("allow +7917", "block +7917", "blocked", "erase --yes +79179136787", "number +79179136787"),
    *("stats", f"verification {'A' * 40}"),
    *("reset day", "pause", "resume", "unblock +7917", "unlock +79179136787"),
}
"""The commands that need Redis."""


def flask(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a terminal of the usual width."""
    own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *line.split()],
        cwd=ROOT,
        env=own | {"APP_ENV": "development", "COLUMNS": "80"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_prints_the_security_of_the_settings_in_force() -> None:
    """The table of docs/security.md at the default settings. Redis is not needed."""
    printed = flask("security", REDIS_URL="redis://127.0.0.1:1").stdout
    assert printed.strip() in (ROOT / "docs/security.md").read_text("utf-8")
    assert printed.count("\n") > 10


def test_the_help_lists_flasks_commands_and_the_operators_apart() -> None:
    """One entry leads from the first list to the second. No description is cut off."""
    listed = flask("--help").stdout.partition("Commands:")[2]
    assert re.findall(r"^  ([a-z]+)", listed, re.M) == ["operator", "routes", "run", "shell"]
    operators = flask("operator --help").stdout
    assert {line.split()[0] for line in COMMANDS} <= set(
        re.findall(r"^  ([a-z]+)", operators, re.M)
    )
    assert "…" not in listed + operators
    assert "..." not in (listed + operators).replace("[ARGS]...", "")


@pytest.mark.parametrize("line", ["blocked", "security", "--help", "operator --help"])
def test_invalid_settings_are_reported_in_sentences(line: str) -> None:
    """With the variable's name and without a traceback."""
    done = flask(line, MAX_CHECKS="many")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The environment is not complete or not valid:\n  MAX_CH")
    assert done.stderr.count("\n") == 2


def test_a_web_server_sees_the_error_itself() -> None:
    """It stops for good. An exit would look like a crash, and it would start the process again."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=ROOT,
        env=os.environ | {"APP_ENV": "development", "MAX_CHECKS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "SettingsError: " in loaded.stderr


def test_a_metrics_folder_is_made_or_reported_in_a_sentence(tmp_path: Path) -> None:
    """A one-off process does not have the folder that the web server created."""
    redis_url = f"redis://127.0.0.1:{free_port()}"
    missing = tmp_path / "missing"
    done = flask("blocked", REDIS_URL=redis_url, PROMETHEUS_MULTIPROC_DIR=str(missing))
    assert done.stderr.startswith("Error: Redis cannot be reached.")
    assert missing.is_dir()
    (tmp_path / "file").touch()
    done = flask("blocked", REDIS_URL=redis_url, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "file"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: PROMETHEUS_MULTIPROC_DIR: Must be a folder ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("line", sorted(COMMANDS))
def test_an_unreachable_redis_is_reported_in_a_sentence(line: str) -> None:
    done = flask(line, REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: Redis cannot be reached. Repair that, and repeat the command.\n"


def test_doctor_begins_with_the_verdict() -> None:
    """Without Redis too: that is when it is needed most. A script reads the exit status."""
    done = flask("doctor", REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("Redis cannot be reached")
    assert "\nok       Settings: Complete, for development.\n" in done.stdout


@pytest.mark.parametrize("program", ["flask", "verify_service.cli"])
def test_an_access_key_is_made_with_and_without_settings(program: str) -> None:
    """The first one is needed before there are settings."""
    if program == "flask":
        printed = flask("access-key new shop", REDIS_URL="redis://127.0.0.1:1").stdout
    else:
        line = [sys.executable, "-m", program, "access-key", "new", "shop"]
        path = {"PATH": os.environ["PATH"]}
        done = subprocess.run(line, cwd=ROOT, env=path, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        printed = done.stdout
    assert re.search(r"^  shop=[0-9a-f]{64}$", printed, re.M)


def test_a_wrong_password_is_reported_in_a_sentence(tmp_path: Path) -> None:
    """The sentence contains neither the right password nor ours."""
    server = Server(tmp_path / "server", {"requirepass": "right"}).start()
    try:
        for line in ("blocked", "pause", "erase --yes +79179136787"):
            done = flask(line, REDIS_URL=f"redis://:wrong-one@127.0.0.1:{server.port}")
            assert (done.returncode, done.stdout) == (1, "")
            sentence = (
                "Error: Redis refuses our user or password. Repair that, and repeat the command.\n"
            )
            assert done.stderr == sentence
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"user": "default on nopass ~* &* +@all -fcall"},
            "refuses our user a command or a key; `python -m verify_service.cli.release` names it",
        ),
        (
            {"rename-command": 'FCALL ""'},
            "has no functions: Redis 7.0 or newer, or Valkey, is needed",
        ),
    ],
)
def test_an_unsuitable_redis_is_reported_in_a_sentence(
    tmp_path: Path, options: dict[str, str], sentence: str
) -> None:
    """The sentence says what to do."""
    server = Server(tmp_path / "server", options).start()
    try:
        done = flask("blocked", REDIS_URL=f"redis://127.0.0.1:{server.port}")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"Error: Redis {sentence}. Repair that, and repeat the command.\n"
    finally:
        server.kill()


@pytest.mark.parametrize("duration", ["2y", "-5", "0", "1e9", "٣", "9" * 30, "367d"])
def test_an_invalid_duration_is_reported_in_a_sentence(duration: str) -> None:
    done = flask(f"pause --for {duration}")
    assert done.returncode == 1
    sentence = "Write a duration as 90 (seconds), 30m, 2h or 1d; a year at most."
    assert done.stderr == f"Error: {sentence}\n"
