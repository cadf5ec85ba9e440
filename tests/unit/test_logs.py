"""Logs: JSON for machines, text for a person, and never the message of an error."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from verify_service.telemetry import logs
from verify_service.telemetry.canonical_line import CanonicalLine


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_a_line_is_json() -> None:
    """One line per event, with its level and its time in UTC."""
    stream = io.StringIO()
    logs.configure("INFO", stream)
    CanonicalLine().begin("r-1")
    structlog.get_logger("x").info("call_placed", number="+7917•••••87")
    (line,) = stream.getvalue().splitlines()
    shown = json.loads(line)
    assert shown.pop("timestamp").endswith("Z")
    assert shown == {
        "event": "call_placed",
        "level": "info",
        "request_id": "r-1",
        "number": "+7917•••••87",
    }


def test_on_a_terminal_a_line_is_text() -> None:
    stream = Terminal()
    logs.configure("INFO", stream)
    structlog.get_logger("x").info("call_placed")
    assert "call_placed" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


class Full(io.StringIO):
    """A log on a disk that is full, or whose reader has gone."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_a_log_that_cannot_be_written_is_lost() -> None:
    """It must not keep a request from its answer."""
    logs.configure("INFO", Full())
    structlog.get_logger("x").error("call_failed")
    closed = io.StringIO()
    logs.configure("INFO", closed)
    closed.close()
    structlog.get_logger("x").error("call_failed")


def test_after_a_request_a_line_has_no_id() -> None:
    """A thread serves requests of several callers, and works between them."""
    stream = io.StringIO()
    logs.configure("INFO", stream)
    line = CanonicalLine()
    line.begin("r-1")
    line.end()
    line.note(app="shop")
    structlog.get_logger("x").info("redis_warning")
    assert "request_id" not in json.loads(stream.getvalue())
    line.begin("r-2")
    line.write(http=200)
    assert "app" not in json.loads(stream.getvalue().splitlines()[-1])


def test_a_line_stays_one_line() -> None:
    """A value cannot add a line of its own to the log."""
    stream = io.StringIO()
    logs.configure("INFO", stream)
    structlog.get_logger("x").info("unknown_call_status", call_status='x\n{"event": "forged"}\x1b')
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["event"] == "unknown_call_status"


@pytest.mark.parametrize(
    ("level", "heard"),
    [("DEBUG", 4), ("INFO", 3), ("WARNING", 2), ("ERROR", 1)],
)
def test_the_level_is_the_configured_one(level: str, heard: int) -> None:
    stream = io.StringIO()
    logs.configure(level, stream)
    log = structlog.get_logger("x")
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("event")
    assert len(stream.getvalue().splitlines()) == heard


def test_urllib3_does_not_log() -> None:
    """Even its warnings quote whole addresses, and a key may be in the query."""
    logs.configure("DEBUG", io.StringIO())
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.ERROR)


def failing(secret: str) -> None:
    try:
        {}[secret]
    except KeyError as error:
        raise ValueError(f"could not use {secret}") from error


def test_where_has_frames_and_no_messages() -> None:
    """Of the error and of its causes, oldest first."""
    with pytest.raises(ValueError, match="canary") as caught:
        failing("canary")
    shown = logs.where(caught.value)
    assert "canary" not in " ".join(shown)
    assert [line for line in shown if line.endswith("Error")] == ["KeyError", "ValueError"]
    assert shown[0].endswith(" failing")
    assert all(".py:" in line for line in shown if not line.endswith("Error"))


def test_where_ends_if_two_errors_cause_each_other() -> None:
    """`raise a from b` after b was caused by a: Python permits the cycle."""
    first, second = ValueError(), KeyError()
    first.__cause__, second.__context__ = second, first
    assert logs.where(first) == ["KeyError", "ValueError"]


def test_an_error_is_logged_by_its_class_and_its_frames() -> None:
    """Given as `exc_info`, by itself or as the current one. Its message is not logged."""
    stream = io.StringIO()
    logs.configure("INFO", stream)
    try:
        failing("canary")
    except ValueError as error:
        structlog.get_logger().error("bug", exc_info=error)
        structlog.get_logger().exception("bug")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["error"] for line in lines] == ["ValueError", "ValueError"]
    assert all(line["where"][0].endswith(" failing") for line in lines)
    assert "exc_info" not in lines[0]
    assert "canary" not in stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["JSON", "terminal"])
def test_without_an_error_there_is_no_field(stream: io.StringIO) -> None:
    logs.configure("INFO", stream)
    structlog.get_logger().error("bug", exc_info=None)
    assert "where" not in stream.getvalue()
    assert "exc_info" not in stream.getvalue()
