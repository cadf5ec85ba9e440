"""docs/events.md shows the receivers that tests run, and its words and links exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from verify_service.client import webhooks
from verify_service.client.webhooks import TOLERANCE_SECONDS, EventType
from verify_service.domain import events
from verify_service.domain.limits import DAY, HOUR

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "events.md"
TEXT = PAGE.read_text("utf-8")
GUIDE = (ROOT / "verify_service/api/templates/guide.html").read_text("utf-8")
PROGRAMS = ROOT / "verify_service/api/templates/examples"


@pytest.mark.parametrize(
    ("language", "name"),
    [("python", "receiver.py"), ("js", "receiver.mjs"), ("php", "receiver.php")],
)
def test_a_receiver_is_shown_completely(language: str, name: str) -> None:
    """The file that `tests/receivers.py` runs, which the guide shows too."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    assert blocks == [(PROGRAMS / f"{name}.txt").read_text("utf-8")]


def test_a_receiver_takes_ten_lines() -> None:
    """From its address to its answer."""
    program = (PROGRAMS / "receiver.py.txt").read_text("utf-8")
    assert len(program.partition("def receive():\n")[2].splitlines()) <= 10


@pytest.mark.parametrize("text", [TEXT, GUIDE], ids=["page", "guide"])
def test_every_type_is_explained(text: str) -> None:
    words = set(re.findall(r"verification\.[a-z]+", text.partition("## A receiver")[0]))
    assert words >= {each.value for each in EventType} - {"other"}
    assert words <= {each.value for each in EventType}


def test_the_request_is_one_that_the_client_reads() -> None:
    """With all fields of a status, and with the id of one change."""
    shown = re.findall(r"^```\n(POST .*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    head, _, body = shown[0].partition("\n\n")
    headers = dict(re.findall(r"^(webhook-\w+): (.*)$", head, re.MULTILINE))
    event = webhooks.parse(headers["webhook-id"], body.encode())
    assert event.type is EventType.UNDELIVERED
    assert event.id == f"evt_{event.verification.verification_id}_undelivered_1790000021"
    assert int(event.timestamp.timestamp()) == int(headers["webhook-timestamp"])
    assert event.verification.call.provider_status == "UNAVAILABLE"


def test_every_error_is_explained() -> None:
    rows = re.findall(r"^\| `(Wrong\w+)` \|", TEXT, re.MULTILINE)
    assert rows == ["WrongSignature", "WrongAge", "WrongShape"]
    assert set(rows) <= set(webhooks.__all__)


def test_the_figures_are_those_of_the_service() -> None:
    """The table of tries, and the bounds in sentences."""
    tries = re.findall(r"^\| [2-6] \| (\d+) (s|min) \|", TEXT, re.MULTILINE)
    unit = {"s": 1, "min": 60}
    assert tuple(int(count) * unit[name] for count, name in tries) == events.RETRY_SECONDS
    assert (events.JITTER, events.OFF_SECONDS) == (0.1, DAY)
    assert events.KEPT_SECONDS == 2 * HOUR
    assert f"within {events.TRY_SECONDS} seconds" in TEXT
    assert f"again after {events.LEASE_SECONDS} seconds" in TEXT
    assert (events.OUTBOX_VERIFICATIONS, events.OUTBOX_EVENTS) == (5_000, 5)
    assert TOLERANCE_SECONDS == 5 * 60


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https:)(.+?)\)", TEXT))))
def test_a_link_has_a_target(target: str) -> None:
    """The file exists, and so does its heading."""
    path, _, anchor = target.partition("#")
    file = (PAGE.parent / path).resolve() if path else PAGE
    assert file.exists()
    if anchor:
        headings = re.findall(r"^#+ (.*)$", file.read_text("utf-8").lower(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", each).replace(" ", "-") for each in headings}
