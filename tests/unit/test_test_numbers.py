"""Test numbers: which code, until when, and how the setting is written."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import time_machine

from verify_service.domain import test_numbers
from verify_service.settings.settings import SettingsError

from .conftest import Read

NUMBER = "+15550100001"
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
LAST = test_numbers.TestNumber(NUMBER, "4567", date(2026, 11, 30))


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), "4567"),
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), "4567"),
        (datetime(2026, 12, 1, tzinfo=UTC), None),
    ],
)
def test_the_last_day_counts_and_the_next_does_not(moment: datetime, code: str | None) -> None:
    """By UTC, whatever the time zone of the machine."""
    with time_machine.travel(moment, tick=False):
        fixed = test_numbers.TestNumbers([LAST]).find(NUMBER)
        assert (fixed and fixed.code) == code


def test_other_numbers_are_ordinary() -> None:
    with time_machine.travel(NOVEMBER, tick=False):
        assert test_numbers.TestNumbers([LAST]).find(NUMBER[:-1] + "2") is None


@pytest.mark.parametrize(
    "text",
    [
        *("+7 8 999 000 00 01", "7 (999) 000-00-01", "+79990000001", "+7\u00a0999\u2011000 00 01"),
    ],
)
def test_a_start_finds_a_test_number_in_any_spelling(text: str) -> None:
    """If a trunk prefix hid it, a real phone would ring for a test number."""
    fixed = test_numbers.TestNumber("+79990000001", "1000", date(2026, 11, 30))
    with time_machine.travel(NOVEMBER, tick=False):
        assert test_numbers.TestNumbers([fixed]).find(text) == fixed


def test_a_start_finds_a_test_number_in_its_national_spelling() -> None:
    with time_machine.travel(NOVEMBER, tick=False):
        numbers = test_numbers.TestNumbers([LAST])
        assert numbers.find("(555) 010-0001", "US") == LAST
        assert numbers.find("555 0100001", "RU") is None


def test_numbers_in_any_spelling(read: Read) -> None:
    with time_machine.travel(NOVEMBER, tick=False):
        settings = read(
            TEST_NUMBERS="+1 (555) 010-0001=4567@2026-11-30, 79990000001=1000@2026-12-01"
        )
    assert settings.test_numbers == (
        LAST,
        test_numbers.TestNumber("+79990000001", "1000", date(2026, 12, 1)),
    )
    assert "4567" not in repr(settings)


@pytest.mark.parametrize("value", ["", " "])
def test_none_is_the_default(read: Read, value: str) -> None:
    assert read(TEST_NUMBERS=value).test_numbers == read().test_numbers == ()


@pytest.mark.parametrize(
    "value",
    [
        "canary",
        "+15550100001=4567",
        "+15550100001=4567@2026-11-31",
        "+15550100001=4567@30.11.2026",
        "+15550100001=0999@2026-11-30",
        "+15550100001=45670@2026-11-30",
        "+15550100001=۴۳۲۱@2026-11-30",
        "canary=4567@2026-11-30",
        "+1555=4567@2026-11-30",
        "+15550100001=4567@2026-11-30,",
        "+15550100001=4567@2026-11-30,15550100001=1234@2026-11-30",
    ],
)
def test_a_malformed_list_is_refused(read: Read, value: str) -> None:
    """The error shows the format, and repeats neither number nor code."""
    with pytest.raises(SettingsError, match="TEST_NUMBERS") as refused:
        read(TEST_NUMBERS=value)
    assert "canary" not in str(refused.value)
    assert value[:12] not in str(refused.value).replace("+15550100001=4321@2027", "")


def test_production_accepts_at_most_ninety_days_ahead(read: Read) -> None:
    """A login without a phone must not be forgotten; in development it may."""
    with time_machine.travel(NOVEMBER, tick=False):
        assert read(TEST_NUMBERS="+15550100001=4567@2027-01-30").test_numbers
        with pytest.raises(SettingsError, match="within 90 days"):
            read(TEST_NUMBERS="+15550100001=4567@2027-01-31")
        assert read(APP_ENV="development", TEST_NUMBERS="+15550100001=4567@2099-01-01")


def test_a_day_in_the_past_is_accepted(read: Read) -> None:
    """A number becomes ordinary again without a deployment."""
    assert read(TEST_NUMBERS="+15550100001=4567@2020-01-01").test_numbers


@pytest.mark.parametrize("example", ["+15550100001=4321", "1 555 010 0002=8765"])
def test_production_refuses_the_code_of_an_example(read: Read, example: str) -> None:
    """Any reader of the page could log in with it."""
    with time_machine.travel(NOVEMBER, tick=False):
        with pytest.raises(SettingsError, match=r"TEST_NUMBERS: .* not be that of an example"):
            read(TEST_NUMBERS=f"{example}@2026-12-01")
        assert read(TEST_NUMBERS=f"{example}@2026-12-01", APP_ENV="development")
