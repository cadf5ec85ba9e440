"""docs/security.md, the command and the settings say the same, and the arithmetic is right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from verify_service.guards.claim import Bounds, most, security
from verify_service.guards.limits import WidePolicy
from verify_service.models import Window
from verify_service.policy import DAY, Policy

from .conftest import Read

TEXT = (Path(__file__).parents[2] / "docs/security.md").read_text("utf-8")
BOUNDS = Bounds(Policy(), WidePolicy())


def test_the_page_has_the_table_of_the_default_settings(read: Read) -> None:
    """To the letter, as the command prints it."""
    shown = TEXT.partition("<!-- flask --app wsgi security -->\n")[2].partition("\n<!-- end -->")[0]
    assert shown == security(read().policy, read().wide_policy)


def test_the_claim_of_the_bar() -> None:
    """Three per verification, nine a day and lane, thirty a run; of 9,000 codes."""
    assert BOUNDS.guesses_per_verification == 3
    assert (BOUNDS.guesses_per_lane, BOUNDS.guesses_per_run) == (9, 30)
    assert "| 0.033 % |" in TEXT
    assert "| 0.100 % |" in TEXT
    assert "| 0.333 % |" in TEXT


def test_spraying_is_bounded_by_the_calls() -> None:
    """Without a bound on calls, 10,000 numbers would yield ten logins a day."""
    assert BOUNDS.sprayed_guesses(10_000) == 15_000
    wide = replace(WidePolicy(), day=(Window(10**9, DAY),))
    assert Bounds(Policy(), wide).sprayed_guesses(10_000) == 90_000


@pytest.mark.parametrize(
    ("windows", "count"),
    [
        ((Window(5, DAY),), 5),
        ((Window(3, 600),), 432),
        ((Window(3, 600), Window(5, DAY)), 5),
        ((Window(7, 2 * DAY),), 7),
        ((Window(1, DAY - 1),), 2),
    ],
)
def test_the_most_in_a_day(windows: tuple[Window, ...], count: int) -> None:
    assert most(windows) == count


@pytest.mark.parametrize(
    ("variable", "value", "row"),
    [
        ("MAX_CHECKS", "2", "| Guessed, per verification | 0.022 % |"),
        ("FAILURES_PER_NUMBER", "4/86400", "| Guessed, per number, lane and day | 0.044 % |"),
        ("LOCK_AFTER_FAILURES", "60", "| Guessed, per run | 0.667 % |"),
        ("STARTS_PER_DAY", "30", "| Logins a day, spraying over 10000 numbers | 0.01 |"),
        ("STARTS_PER_NUMBER", "2/86400", "| Calls a day to one number, by strangers | 5 |"),
        ("STARTS_PER_CLIENT_IP", "7/86400", "| Calls a day for one client address | 7 |"),
        ("STARTS_PER_PREFIX", "7/86400", "| Calls a day to one prefix | 7 |"),
        ("STARTS_PER_COUNTRY", "7/86400", "| Calls a day to one country | 7 |"),
        ("STARTS_PER_APP", "7/86400", "| Calls a day for one app | 7 |"),
        ("STARTS_PER_DAY", "7/86400", "| Calls a day in all | 7 |"),
    ],
)
def test_each_figure_follows_its_setting(read: Read, variable: str, value: str, row: str) -> None:
    value = value if "/" in value or not variable.startswith("STARTS") else f"{value}/86400"
    settings = read(**{variable: value})
    assert row in security(settings.policy, settings.wide_policy)
