"""Every command of docs/operate.md is one that exists, with options that it has."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import redis
from click.testing import CliRunner

from tests.redis_clients import store_client
from verify_service import cli
from verify_service.app import create_operator
from verify_service.cli.__main__ import main

from .service import Service
from .standin import StandIn

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operate.md").read_text("utf-8")
USAGE = 2
"""The exit status of a command line that click cannot read."""


def commands(program: str) -> list[str]:
    """Return the arguments of each command line, in code blocks and in the text."""
    return sorted(set(re.findall(rf"{re.escape(program)} ([^`\n]+)", PAGE)))


@pytest.mark.parametrize("line", commands("flask --app wsgi"))
def test_a_command_runs(timed: Service, fake: redis.Redis, provider: StandIn, line: str) -> None:
    """`doctor` ends with 1 here: its checks look for the Redis of the settings."""
    vid = timed.started()
    timed.check(vid, provider.code)
    group = click.Group()
    cli.install(group, create_operator(timed.settings, store_client(fake)), timed.settings)
    done = CliRunner().invoke(group, shlex.split(line.replace("<id>", vid)), input="y\n")
    assert done.exit_code != USAGE, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)


@pytest.mark.parametrize("line", commands("python -m verify_service.cli"))
def test_a_command_without_settings_runs(line: str) -> None:
    done = CliRunner().invoke(main, shlex.split(line))
    assert (done.exit_code, "ACCESS_KEYS" in done.output) == (0, True)


def test_a_variable_is_one_of_the_settings() -> None:
    settings = (ROOT / "docs/settings.md").read_text("utf-8")
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PAGE))
    assert len(named) > 15
    assert {name for name in named if f"| `{name}` |" not in settings} == set()


def test_a_link_leads_somewhere() -> None:
    """To a file, and to a heading of it."""
    for path, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]+))?\)", PAGE):
        target = ROOT / "docs" / path if path else ROOT / "docs/operate.md"
        headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.M)
        anchors = {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}
        assert not anchor or anchor in anchors, (path, anchor)


def test_a_reason_of_a_refused_callback_is_one() -> None:
    words = set(
        re.findall(r"`(\w+)`", PAGE.partition("### VerifyCallbacksRefused")[2].partition("### ")[0])
    )
    known = (ROOT / "verify_service/api/vocabulary.py").read_text("utf-8")
    reasons = {word for word in words if re.match(r"[a-z]+[A-Z]?[a-z]*\Z", word)}
    assert {"appKey", "path", "method", "schema", "future"} <= reasons
    assert {word for word in reasons - {"reason", "detail"} if f'"{word}"' not in known} == set()
