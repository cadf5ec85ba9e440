"""`flask --app wsgi`, as an operator types it."""

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
    *("pause", "resume", "unblock +7917", "unlock +79179136787"),
}
"""Those that ask Redis."""


def flask(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it on a terminal of the usual width."""
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
    """The page's own table, at default settings; Redis is not asked."""
    printed = flask("security", REDIS_URL="redis://127.0.0.1:1").stdout
    assert printed.strip() in (ROOT / "docs/security.md").read_text("utf-8")
    assert printed.count("\n") > 10


def test_flasks_own_commands_and_the_operators_are_apart() -> None:
    """One line leads from the one list to the other; nothing in either is cut off."""
    listed = flask("--help").stdout.partition("Commands:")[2]
    assert re.findall(r"^  ([a-z]+)", listed, re.M) == ["operator", "routes", "run", "shell"]
    operators = flask("operator --help").stdout
    assert {line.split()[0] for line in COMMANDS} <= set(
        re.findall(r"^  ([a-z]+)", operators, re.M)
    )
    assert "…" not in listed + operators
    assert "..." not in (listed + operators).replace("[ARGS]...", "")


@pytest.mark.parametrize("line", ["blocked", "security", "--help", "operator --help"])
def test_settings_that_do_not_work_are_told_in_sentences(line: str) -> None:
    """With the variable's name, and no traceback."""
    told = flask(line, MAX_CHECKS="many")
    assert told.returncode == 1
    assert told.stderr.startswith("Error: The environment is not complete or not valid:\n  MAX_CH")
    assert told.stderr.count("\n") == 2


def test_a_web_server_sees_the_error_itself() -> None:
    """It ends in its own way, for good: a mere exit it would take for a crash, and start again."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=ROOT,
        env=os.environ | {"APP_ENV": "development", "MAX_CHECKS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "SettingsError: " in loaded.stderr


@pytest.mark.parametrize("line", sorted(COMMANDS))
def test_redis_that_is_away_is_told_in_a_sentence(line: str) -> None:
    told = flask(line, REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == "Error: Redis cannot be reached. Repair that, and repeat the command.\n"


def test_a_wrong_password_is_told_in_a_sentence(tmp_path: Path) -> None:
    """Without the right one, and without ours."""
    server = Server(tmp_path / "server", {"requirepass": "right"}).start()
    try:
        for line in ("blocked", "pause", "erase --yes +79179136787"):
            told = flask(line, REDIS_URL=f"redis://:wrong-one@127.0.0.1:{server.port}")
            assert (told.returncode, told.stdout) == (1, "")
            words = (
                "Error: Redis refuses our user or password. Repair that, and repeat the command.\n"
            )
            assert told.stderr == words
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"user": "default on nopass ~* &* +@all -fcall"},
            (
                "refuses our user a command or a key: `python -m verify_service.cli.release` "
                "says which"
            ),
        ),
        (
            {"rename-command": 'FCALL ""'},
            "has no functions: Redis 7.0 or newer is needed, or Valkey",
        ),
    ],
)
def test_a_redis_that_cannot_serve_is_told_in_a_sentence(
    tmp_path: Path, options: dict[str, str], words: str
) -> None:
    """It says what to do."""
    server = Server(tmp_path / "server", options).start()
    try:
        told = flask("blocked", REDIS_URL=f"redis://127.0.0.1:{server.port}")
        assert (told.returncode, told.stdout) == (1, "")
        assert told.stderr == f"Error: Redis {words}. Repair that, and repeat the command.\n"
    finally:
        server.kill()


@pytest.mark.parametrize("duration", ["2y", "-5", "0", "1e9", "٣", "9" * 30, "367d"])
def test_a_duration_that_is_none_is_told_in_a_sentence(duration: str) -> None:
    told = flask(f"pause --for {duration}")
    assert told.returncode == 1
    words = "Write a duration as 90 (seconds), 30m, 2h or 1d; a year at most."
    assert told.stderr == f"Error: {words}\n"
