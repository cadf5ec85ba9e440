"""Parsers of the variables that are more than a number or a word.

Each takes the text of a variable and returns its value. What they raise says what to write and
never repeats the text, which may be a secret.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from datetime import date
from decimal import Decimal

from verify_service.domain.codes import FIRST
from verify_service.domain.errors import InvalidNumber
from verify_service.domain.limits import DRY_RUN_LIMITS, GUESS_BUDGETS, ConversionThreshold
from verify_service.domain.models import AccessKey, Window
from verify_service.domain.numbers import REGIONS, TYPE_NAMES, normalize
from verify_service.domain.prices import Prices
from verify_service.domain.test_numbers import TestNumber
from verify_service.settings.scalars import OFF
from verify_service.settings.variable import VariableError

LIVE_KEYS = 2
"""Keys that an app may have at a time: the old one and the new one."""
NEVER = "off"
"""Switches the breaker off, as do the other words of OFF."""
EVERY_LIMIT = "*"
"""Switches the dry run on for every limit that has one."""
_APP = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_WINDOW = re.compile(r"([0-9]{1,9})/([0-9]{1,9})\Z")
_CONVERSION = re.compile(r"([0-9]{1,9})/([01](?:\.[0-9]{1,6})?)(?:/(block|alarm))?\Z")
_SECONDS = re.compile(r"[0-9]{1,9}\Z")
_TEST_NUMBER = re.compile(r"([^=@]+)=([0-9]{4})@([0-9]{4}-[0-9]{2}-[0-9]{2})\Z")
_PRICE = re.compile(r"([A-Za-z0-9]{2,3}|\*):([0-9]{1,9}(?:\.[0-9]{1,6})?)\Z")


def sha256_hex(key: str) -> str:
    """Return the digest of a key as ``ACCESS_KEYS`` contains it."""
    return hashlib.sha256(key.encode()).hexdigest()


_DIGESTS_OF_NOTHING = frozenset(map(sha256_hex, ("", "\n", "\r\n", " \n", "-n \n")))
"""Of an empty key, as different shells print it."""


def parts(text: str) -> list[str]:
    """Return the parts of a comma-separated list."""
    found = [part.strip() for part in text.split(",")]
    if not all(found):
        raise VariableError("Must be a comma-separated list without empty parts.")
    return found


def is_app_name(text: str) -> bool:
    """Return whether an app may have this name in ACCESS_KEYS."""
    return _APP.match(text) is not None


def access_keys(text: str) -> tuple[AccessKey, ...]:
    """Return the digests of the keys, each with its app."""
    keys = tuple(_access_key(part) for part in parts(text))
    apps = Counter(key.app for key in keys)
    if max(apps.values()) > LIVE_KEYS:
        raise VariableError(f"Must have at most {LIVE_KEYS} keys for an app: the old and the new.")
    if len({key.digest for key in keys}) < len(keys):
        raise VariableError("Must not have the same key twice; make a key for each app.")
    return keys


def _access_key(text: str) -> AccessKey:
    app, _, digest = text.partition("=")
    if not is_app_name(app) or not _SHA256.match(digest.lower()):
        raise VariableError("Must be a list of app=<SHA-256 of the key, 64 hexadecimal digits>.")
    if digest.lower() in _DIGESTS_OF_NOTHING:
        raise VariableError(
            "One digest is that of an empty text: the variable with the key was not set when it "
            "was made."
        )
    return AccessKey(app, bytes.fromhex(digest))


def seconds_list(text: str) -> tuple[int, ...]:
    """Return durations in seconds."""
    durations = parts(text)
    if not all(_SECONDS.match(each) for each in durations):
        raise VariableError("Must be a list of whole seconds, for example 10,60; 0 for none.")
    return tuple(map(int, durations))


def windows(text: str) -> tuple[Window, ...]:
    """Return the windows of a limit."""
    return tuple(_window(part) for part in parts(text))


def _window(text: str) -> Window:
    match = _WINDOW.match(text)
    window = Window(int(match[1]), int(match[2])) if match else None
    if window is None or window.count == 0 or window.seconds == 0:
        raise VariableError("Must be written <count>/<seconds>, for example 10/60.")
    return window


def breaker(text: str) -> Window | None:
    """Return failures and seconds of pause, or None where the breaker is switched off."""
    if text.lower() in OFF:
        return None
    try:
        return _window(text)
    except VariableError:
        raise VariableError(
            f"Must be <failures>/<seconds>, for example 5/10, or {NEVER}."
        ) from None


def conversion(text: str, *, blocks: bool) -> ConversionThreshold:
    """Return when the conversion guard acts.

    Args:
        text: The text of the variable.
        blocks: Whether the guard blocks where the text does not say what it does.
    """
    match = _CONVERSION.match(text)
    share = float(match[2]) if match else 0.0
    if match is None or int(match[1]) == 0 or not 0 < share <= 1:
        raise VariableError(
            "Must be <least starts>/<least share approved, up to 1>, for example 50/0.1; "
            "append /block or /alarm to choose what the guard does."
        )
    return ConversionThreshold(int(match[1]), share, match[3] == "block" if match[3] else blocks)


def dry_run_limits(text: str) -> frozenset[str]:
    """Return the names of the limits that only count and log."""
    names = set(parts(text)) if text else set()
    if EVERY_LIMIT in names:
        names = names - {EVERY_LIMIT} | DRY_RUN_LIMITS
    if names & set(GUESS_BUDGETS):
        budgets = " or ".join(GUESS_BUDGETS)
        raise VariableError(f"Must not contain {budgets}: without them four digits prove nothing.")
    if names - DRY_RUN_LIMITS:
        raise VariableError(f"Must be {EVERY_LIMIT}, or of: {', '.join(sorted(DRY_RUN_LIMITS))}.")
    return frozenset(names)


def countries(text: str) -> frozenset[str]:
    """Return the codes of the countries that may be called."""
    codes = frozenset(part.upper() for part in parts(text))
    if codes - REGIONS:
        raise VariableError("Must be a list of ISO 3166 codes, for example RU,KZ; * for all.")
    return codes


def call_price(text: str) -> Prices:
    """Return the price of a call, by country."""
    matches = [_PRICE.match(part) for part in parts(text)] if text.strip() else []
    prices = {match[1].upper(): Decimal(match[2]) for match in matches if match}
    if len(prices) < len(matches) or prices.keys() - REGIONS:
        raise VariableError(
            "Must be a list of <country>:<price>, each country once, for example RU:0.9,*:2.5"
        )
    return Prices(prices)


def number_types(text: str) -> frozenset[str]:
    """Return the types of numbers that may be called."""
    types = frozenset(part.upper() for part in parts(text))
    if types - TYPE_NAMES:
        raise VariableError(f"Must be of: {', '.join(sorted(TYPE_NAMES))}.")
    return types


def test_numbers(text: str) -> tuple[TestNumber, ...]:
    """Return the test numbers, each with its code and its last day."""
    if not text.strip():
        return ()
    numbers = tuple(_test_number(part) for part in parts(text))
    if len({each.number for each in numbers}) < len(numbers):
        raise VariableError("Must not have a number twice; give each number one code.")
    return numbers


def _test_number(part: str) -> TestNumber:
    match = _TEST_NUMBER.match(part)
    try:
        if match and int(match[2]) >= FIRST:
            return TestNumber(normalize(match[1]), match[2], date.fromisoformat(match[3]))
    except (ValueError, InvalidNumber):
        pass
    raise VariableError(
        f"Must be a list of <number>=<code>@<yyyy-mm-dd>, the code from {FIRST} to 9999 and the "
        "date the last day, for example +15550100001=4321@2027-01-31."
    )
