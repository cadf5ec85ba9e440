"""The lines of `stats` and `verification`: those of the manual, and the ends of the scales."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from verify_service.cli.stats_lines import event_lines, group_lines, stats_lines
from verify_service.domain.counts import Counts, Tally
from verify_service.domain.timeline import Attempt, Found, TimelineEvent

PAGE = (Path(__file__).parents[2] / "docs/command-line.md").read_text("utf-8").splitlines()
HOUR = Counts(
    {
        **{"started": 200, "placed": 196, "unknown": 1, "failed.throttled": 2, "failed.account": 1},
        **{"delivered.10": 40, "delivered.15": 60, "delivered.30": 40, "delivered.45": 20},
        **{"delivered.60": 11, "recovered": 1},
        **{"undelivered.UNAVAILABLE": 12, "undelivered.REJECTED": 3},
        **{"approved.20": 50, "approved.30": 60, "approved.60": 36, "approved.300": 4},
        **{"exhausted": 4, "canceled": 2, "wrong": 25},
        **{"refused.cooldown": 31, "refused.prefix": 17},
    }
)
SCOPES = Counter({("prefix", "+7917913"): 12, ("prefix", "+7916123"): 5})
START = 1_790_000_000_000


def shown(lines: list[str]) -> bool:
    """Return whether the page has these lines in this order."""
    at = PAGE.index(lines[0])
    return PAGE[at : at + len(lines)] == lines


def test_the_page_shows_what_the_command_prints() -> None:
    assert shown(list(stats_lines(Tally({"shop": HOUR}, {"RU": HOUR}, SCOPES))))


def test_the_page_shows_a_table_as_the_command_does() -> None:
    """The country with the most starts is the first line."""
    groups = {
        "KZ": Counts(started=311, placed=305, **{"failed.account": 6})
        + Counter({"delivered.10": 262, "approved.30": 190}),
        "RU": Counts(started=9120, placed=9034, unknown=22, **{"failed.account": 64})
        + Counter({"delivered.10": 8125, "approved.30": 7310}),
    }
    tables = {name: Counts(numbers) for name, numbers in groups.items()}
    assert shown(list(group_lines("country", tables)))


def test_the_page_shows_a_verification_as_the_command_does() -> None:
    events = [
        *((0, "started", ""), (412, "placed", ""), (14_020, "delivered", "ANSWERED")),
        *((21_300, "wrong", ""), (25_700, "approved", "")),
    ]
    attempt = Attempt(
        "id",
        "shop",
        "RU",
        "+7917•••••87",
        tuple(TimelineEvent(START + at, *e) for at, *e in events),
    )
    assert shown(list(event_lines(Found(None, attempt))))


def test_nothing_divides_by_zero() -> None:
    """A service without a start."""
    assert [line.split()[-1] for line in stats_lines(Tally())] == ["0"] * 11
    assert len(list(group_lines("app", {}))) == 1
    assert list(event_lines(Found(None, None))) == []


@pytest.mark.parametrize(
    ("numbers", "line"),
    [
        ({"delivered.5": 1}, "half within 5 s, nine in ten within 5 s, 99 % within 5 s"),
        (
            {"delivered.5": 50, "delivered.300": 45, "delivered.inf": 5},
            "half within 5 s, nine in ten within 300 s, 99 % later than 300 s",
        ),
    ],
)
def test_a_time_is_the_bound_of_its_bucket(numbers: dict[str, int], line: str) -> None:
    counts = Counts({"started": 100, **numbers})
    assert list(stats_lines(Tally({"shop": counts})))[-1] == f"from start to delivered: {line}"


def test_a_share_of_the_times_is_within_a_bound() -> None:
    """The smallest one that is enough; none without events."""
    times = Counts({"approved.5": 1, "approved.30": 8, "approved.60": 1}).times("approved")
    found = [times.within(share) for share in (0, 0.1, 0.11, 0.9, 0.91, 1)]
    assert found == [5, 5, 30, 30, 60, 60]
    assert Counts().times("approved").within(0.5) is None
