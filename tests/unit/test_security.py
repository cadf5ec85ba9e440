"""docs/security.md, the command and the settings agree, and the arithmetic is right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from verify_service.cli.attack_bounds import AttackBounds, most_between_cooldowns, most_in_windows
from verify_service.cli.lockout import lockouts
from verify_service.cli.security_table import security_table
from verify_service.domain.limits import (
    DAY,
    DRY_RUN_LIMITS,
    HOUR,
    ConversionThreshold,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import Window

from .conftest import Read

TEXT = (Path(__file__).parents[2] / "docs/security.md").read_text("utf-8")
BOUNDS = AttackBounds(NumberLimits(), WideLimits())


def rows(settings: object) -> list[str]:
    """Return the rows that the command prints with these settings."""
    return security_table(settings.number_limits, settings.wide_limits).splitlines()  # type: ignore[attr-defined]


def test_the_page_has_the_tables_of_the_default_settings(read: Read) -> None:
    """To the letter, as the command prints them."""
    shown = TEXT.partition("<!-- flask --app wsgi security -->\n")[2].partition("\n<!-- end -->")[0]
    assert shown == security_table(read().number_limits, read().wide_limits)


def test_the_bounds_at_the_default_settings() -> None:
    """Three per verification, nine per day and budget, thirty in a row; of 9,000 codes."""
    assert BOUNDS.guesses_per_verification.count == 3
    assert (BOUNDS.guesses_per_budget.count, BOUNDS.guesses_in_a_row.count) == (9, 30)
    assert "| 0.033 % |" in TEXT
    assert "| 0.100 % |" in TEXT
    assert "| 0.333 % |" in TEXT


def test_what_the_provider_refuses_is_bounded_too() -> None:
    """Twenty a day for one number, beside its calls; as many as each wide limit permits."""
    assert BOUNDS.refused_per_budget.count == 20
    requests = (BOUNDS.requests_per_number, BOUNDS.requests_per_client, BOUNDS.requests_per_app)
    assert [bound.count for bound in requests] == [28, 120, 8000]
    assert BOUNDS.requests.count == 10_000
    narrow = AttackBounds(NumberLimits(), WideLimits(prefix=(Window(9, DAY),)))
    assert narrow.requests_per_number.count == 18


def test_spraying_is_bounded_by_the_calls() -> None:
    """Without a bound on calls, 10,000 numbers would yield ten logins a day."""
    assert BOUNDS.sprayed_guesses_on_average(10_000).count == 15_000
    assert BOUNDS.sprayed_guesses_on_average(100).count == 900
    wide = replace(WideLimits(), day=(Window(10**9, DAY),))
    assert AttackBounds(NumberLimits(), wide).sprayed_guesses_on_average(10_000).count == 90_000


def test_one_day_has_guesses_for_the_calls_of_two() -> None:
    """Those of the last minutes before the day are still pending."""
    assert BOUNDS.sprayed_guesses(10_000).count == 30_000


def test_spraying_without_an_alarm() -> None:
    """299 guesses in each hour, or fewer if there are fewer calls."""
    assert BOUNDS.sprayed_guesses_unnoticed(10_000).count == 24 * 299
    few = AttackBounds(NumberLimits(), WideLimits(day=(Window(30, DAY),)))
    assert few.sprayed_guesses_unnoticed(10_000).count == 90


@pytest.mark.parametrize(
    ("windows", "count"),
    [
        ((), None),
        ((Window(5, DAY),), 5),
        ((Window(3, 600),), 432),
        ((Window(3, 600), Window(5, DAY)), 5),
        ((Window(7, 2 * DAY),), 7),
        ((Window(1, DAY - 1),), 2),
    ],
)
def test_the_most_in_a_day(windows: tuple[Window, ...], count: int | None) -> None:
    assert most_in_windows(windows) == count


@pytest.mark.parametrize(
    ("pauses", "seconds", "count"),
    [
        ((0,), 60, None),
        ((60, 0), 60, None),
        ((60,), 60, 1),
        ((60,), 61, 2),
        ((30, 60, 120, 300), 60, 2),
        ((30, 60, 120, 300), 90, 2),
        ((30, 60, 120, 300), DAY, 4 + 287),
        ((100, 10), 100, 10),  # it may have been called before, so that the second cooldown is next
    ],
)
def test_the_most_between_pauses(pauses: tuple[int, ...], seconds: int, count: int | None) -> None:
    assert most_between_cooldowns(pauses, seconds) == count


@pytest.mark.parametrize(
    ("variable", "value", "row"),
    [
        ("MAX_CHECKS", "2", "| Guessed, per verification | 0.022 % |"),
        ("FAILURES_PER_NUMBER", "4/86400", "| Guessed, per number, budget and day | 0.044 % |"),
        ("LOCK_AFTER_FAILURES", "60", "| Guessed, in a row without a success | 0.667 % |"),
        (
            "STARTS_PER_DAY",
            "30",
            "| Logins a day, spraying over 10000 numbers, on average | 0.01 |",
        ),
        ("STARTS_PER_DAY", "30", "| Logins in any one day, spraying over 10000 numbers | 0.02 |"),
        ("STARTS_PER_NUMBER", "2/86400", "| Calls a day to one number, by strangers | 5 |"),
        ("START_COOLDOWNS", "10", "| Calls within a minute to one number, by strangers | 6 |"),
        ("START_COOLDOWNS", "43200", "| Calls a day to one number, by strangers | 5 |"),
        ("STARTS_PER_CLIENT_IP", "7/86400", "| Calls a day for one client address | 7 |"),
        ("STARTS_PER_PREFIX", "7/86400", "| Calls a day to one prefix, by strangers | 7 |"),
        ("STARTS_PER_PREFIX", "7/86400", "| Calls a day to one prefix, with known devices | 14 |"),
        (
            "STARTS_PER_PREFIX",
            "7/86400",
            "| Calls a day to one number, by the holder of the phone | 14 |",
        ),
        ("STARTS_PER_PREFIX", "7/86400", "| Calls a day to one number, by strangers | 7 |"),
        ("STARTS_PER_COUNTRY", "7/86400", "| Calls a day to one country | 7 |"),
        ("STARTS_PER_APP", "7/86400", "| Calls a day for one app | 7 |"),
        ("STARTS_PER_DAY", "7/86400", "| Calls a day in all | 7 |"),
        ("STARTS_PER_CLIENT_IP", "50/86400", "`country` | 24 h | 2500 | 50 |"),
        ("STARTS_PER_COUNTRY", "700/7200", "`country` | 2 h | 700 | 12 |"),
        ("STARTS_PER_APP", "90/90", "`app` | 90 s | 90 | 5 |"),
        ("STARTS_PER_DAY", "1200/86400", "`country` | never (`day` is full before) | – | – |"),
        (
            "STARTS_PER_PREFIX",
            "9/86400",
            "`conversion` | never (`prefix` is full before) | – | – |",
        ),
        ("CONVERSION_PREFIX", "90/0.2/alarm", "`conversion` | never (alarm only) | – | – |"),
        (
            "CONVERSION_COUNTRY",
            "200/0.2/block",
            "country, for strangers | `conversion` | 1 h, then doubled up to 24 h | 200 | 5 |",
        ),
    ],
)
def test_each_figure_follows_its_setting(read: Read, variable: str, value: str, row: str) -> None:
    if variable.startswith("STARTS") and "/" not in value:
        value = f"{value}/86400"
    assert row in "\n".join(rows(read(**{variable: value})))


WITHOUT = {
    "cooldown": ["Calls within a minute to one number, by strangers | 6 | `number`"],
    "number": ["Calls a day to one number, by strangers | 100 | `prefix`"],
    "clientIp": [
        "Calls a day for one client address | 5000 | `day`",
        "| all calls, for everybody | `day` | 24 h | 5000 | 1 |",
    ],
    "prefix": [
        "Calls a day to one prefix, by strangers | 2500 | `country`",
        "Calls a day to one prefix, with known devices | 2500 | `country`",
        "| a prefix, for strangers | `prefix` | never (dry run) | – | – |",
    ],
    "country": [
        "Calls a day to one country | 5000 | `day`",
        "| a country, for everybody | `country` | never (dry run) | – | – |",
    ],
    "app": [
        "Calls a day for one app | 5000 | `day`",
        "| an app, for everybody | `app` | never (dry run) | – | – |",
    ],
    "day": [
        "Calls a day in all | no bound (dry run) | `day`",
        "Logins a day, spraying over 10000 numbers, on average | 10.00 | 90000",
        "Logins in any one day, spraying over 10000 numbers | 10.00 | 90000",
        "| all calls, for everybody | `day` | never (dry run) | – | – |",
    ],
    "conversion": ["| a prefix, for strangers | `conversion` | never (dry run) | – | – |"],
    "destination": ["Destinations that are called | no bound (dry run) | `destination`"],
}
"""The rows if this limit is in dry run: the next bound, if there is one."""


def test_every_limit_that_can_run_dry_is_tried() -> None:
    assert set(WITHOUT) == DRY_RUN_LIMITS


@pytest.mark.parametrize("name", WITHOUT)
def test_a_limit_in_dry_run_bounds_nothing(read: Read, name: str) -> None:
    dry_run, in_force = "\n".join(rows(read(GUARDS_DRY_RUN=name))), "\n".join(rows(read()))
    for row in WITHOUT[name]:
        assert row in dry_run
        assert row not in in_force


def test_the_starts_of_a_number_in_dry_run_bound_no_guesses(read: Read) -> None:
    """The guesses are bounded by the starts of a number here, until these are in dry run."""
    wide = {"FAILURES_PER_NUMBER": "100/86400", "STARTS_PER_NUMBER": "1/86400"}
    row = "Guessed, per number, budget and day"
    assert f"| {row} | 0.267 % | 24 guesses / 9000 |" in rows(read(**wide))
    assert f"| {row} | 1.111 % | 100 guesses / 9000 |" in rows(
        read(**wide, GUARDS_DRY_RUN="number")
    )


def test_with_everything_in_dry_run_nothing_bounds_the_calls(read: Read) -> None:
    calls = [row for row in rows(read(GUARDS_DRY_RUN="*")) if row.startswith("| Calls ")]
    assert len(calls) == 9
    assert all("| no bound (dry run) |" in row for row in calls)


def test_a_limit_without_windows_is_no_bound() -> None:
    """Bounds that depend on it alone have none either."""
    none = WideLimits(client_ip=(), prefix=(), country=(), app=(), day=())
    numbers = NumberLimits(starts=(), failures=(), cooldowns=(0,))
    found = security_table(numbers, none).splitlines()
    assert sum("no bound (no limit)" in row for row in found) == 9 + 4 + 2 + 2
    assert sum("never (no limit)" in row for row in found) == 4


@pytest.mark.parametrize(
    ("limits", "count"),
    [
        (NumberLimits(lock_after=5), 9),
        (NumberLimits(lock_after=100, code_ttl=DAY, starts=(Window(1, DAY),), failures=()), 24),
        (NumberLimits(starts=(Window(1, 2 * DAY),), failures=()), 21),
    ],
)
def test_the_guesses_of_a_budget_are_bounded(limits: NumberLimits, count: int) -> None:
    """Not the lock, which a success prevents. Verifications that were started before count."""
    assert AttackBounds(limits, WideLimits()).guesses_per_budget.count == count


def test_a_window_counts_for_a_bucket_longer_than_its_span() -> None:
    """A window of another span may have been used more than once by then."""
    wide = WideLimits(day=(Window(100, DAY),), client_ip=(Window(10, DAY + HOUR // 2),), country=())
    (day,) = [one for one in lockouts(AttackBounds(NumberLimits(), wide)) if one.limit == "day"]
    assert (day.calls, day.addresses) == (100, 5)


def test_the_conversion_guard_counts_longer_by_the_codes_ttl() -> None:
    """One hour of the prefix limit permits too few starts for the guard, two hours enough."""
    wide = WideLimits(
        prefix=(Window(15, HOUR),), conversion_prefix=ConversionThreshold(20, 0.2, blocks=True)
    )
    (guard,) = [
        one for one in lockouts(AttackBounds(NumberLimits(), wide)) if one.limit == "conversion"
    ]
    assert guard.calls == 20
