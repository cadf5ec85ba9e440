"""Readers for the settings that are more than a number or a word.

An error says what the value should look like and never repeats it: it may be a secret.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import SplitResult, urlsplit

from environs import EnvError

from verify_service.domain.codes import FIRST
from verify_service.domain.errors import InvalidNumber
from verify_service.domain.limits import DRY_RUN_LIMITS, GUESS_BUDGETS, ConversionThreshold
from verify_service.domain.models import AccessKey, Window
from verify_service.domain.numbers import REGIONS, TYPE_NAMES, normalize
from verify_service.domain.test_numbers import TestNumber
from verify_service.settings.redis_address import RedisAddress

LIVE_KEYS = 2
"""Keys an app may have at a time: the old one and the new."""
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_APP = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_WINDOW = re.compile(r"([0-9]{1,9})/([0-9]{1,9})\Z")
_CONVERSION = re.compile(r"([0-9]{1,9})/([01](?:\.[0-9]{1,6})?)(?:/(block|alarm))?\Z")
ANY_GUARD = "*"
_PAUSE = re.compile(r"[0-9]{1,9}\Z")
_TEST_NUMBER = re.compile(r"([^=@]+)=([0-9]{4})@([0-9]{4}-[0-9]{2}-[0-9]{2})\Z")
_PATH_SECRET = re.compile(r"[A-Za-z0-9_.~-]{1,128}\Z")


def sha256_hex(key: str) -> str:
    """Return what ``ACCESS_KEYS`` holds of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def add_parsers(env: Any) -> None:
    """Teach an ``environs.Env`` the readers below."""
    for name, reader in _READERS.items():
        env.add_parser(name, reader)


def _word(text: str) -> str:
    if not text or not text.isprintable() or not text.isascii():
        raise EnvError("Must be a non-empty text of printable ASCII characters.")
    return text


def _secret(text: str) -> bytes:
    if not text:
        raise EnvError("Must not be empty.")
    return text.encode()


def _secrets(text: str) -> tuple[bytes, ...]:
    return tuple(_secret(part) for part in _parts(text))


def _parts(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise EnvError("Must be a comma-separated list without empty parts.")
    return parts


def _access_keys(text: str) -> tuple[AccessKey, ...]:
    keys = tuple(_access_key(part) for part in _parts(text))
    apps = Counter(key.app for key in keys)
    if max(apps.values()) > LIVE_KEYS:
        raise EnvError(f"An app may have {LIVE_KEYS} keys at a time, to change one for the other.")
    if len({key.digest for key in keys}) < len(keys):
        raise EnvError("A key stands twice; each app needs its own, or whose request would it be?")
    return keys


def _access_key(text: str) -> AccessKey:
    app, _, digest = text.partition("=")
    if not _APP.match(app) or not _SHA256.match(digest.lower()):
        raise EnvError("Must be a list of app=<SHA-256 of the key, 64 hexadecimal digits>.")
    return AccessKey(app, bytes.fromhex(digest))


def _split(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:  # its message quotes the address, and a password may be in it
        raise EnvError("Must be an address; percent-encode a password's / @ : [ ].") from None
    return url


def _redis_url(text: str) -> RedisAddress:
    try:
        return RedisAddress.parse(text)
    except ValueError as error:
        raise EnvError(str(error)) from None


def _http_url(text: str) -> str:
    url = _split(text)
    plain = "@" not in url.netloc and not url.query and not url.fragment
    if url.scheme not in ("http", "https") or not url.hostname or not plain:
        raise EnvError("Must be an http(s) address without user or query: https://host/api.")
    return text.rstrip("/")


def _path_secret(text: str) -> str | None:
    if text and not _PATH_SECRET.match(text):
        raise EnvError("Must be 1 to 128 of the characters A-Z a-z 0-9 _ . ~ - (it is in a path).")
    return text or None


def _pauses(text: str) -> tuple[int, ...]:
    parts = _parts(text)
    if not all(_PAUSE.match(part) for part in parts):
        raise EnvError("Must be a list of whole seconds, e.g. 30,60,120,300; 0 for none.")
    return tuple(int(part) for part in parts)


def _windows(text: str) -> tuple[Window, ...]:
    return tuple(_window(part) for part in _parts(text))


def _window(text: str) -> Window:
    match = _WINDOW.match(text)
    window = Window(int(match[1]), int(match[2])) if match else None
    if window is None or window.count == 0 or window.seconds == 0:
        raise EnvError("Must be a list of <count>/<seconds>, e.g. 3/600,5/86400.")
    return window


def _breaker(text: str) -> Window | None:
    return None if text == "0" else _window(text)


def _conversion(text: str, *, blocks: bool) -> ConversionThreshold:
    match = _CONVERSION.match(text)
    share = float(match[2]) if match else 0.0
    if match is None or int(match[1]) == 0 or not 0 < share <= 1:
        raise EnvError(
            "Must be <least starts>/<least share approved, up to 1>, e.g. 20/0.2, with /block or "
            "/alarm behind it to say what follows."
        )
    return ConversionThreshold(int(match[1]), share, match[3] == "block" if match[3] else blocks)


def _prefix_conversion(text: str) -> ConversionThreshold:
    return _conversion(text, blocks=True)


def _country_conversion(text: str) -> ConversionThreshold:
    # An alarm only: strangers could close a country otherwise.
    return _conversion(text, blocks=False)


def _guards(text: str) -> frozenset[str]:
    if not text:
        return frozenset()
    names = set(_parts(text))
    if ANY_GUARD in names:
        names = names - {ANY_GUARD} | DRY_RUN_LIMITS
    if names & set(GUESS_BUDGETS):
        raise EnvError("failures and locked are what the codes' safety rests on; no dry run.")
    if names - DRY_RUN_LIMITS:
        raise EnvError(f"Must be *, or of: {', '.join(sorted(DRY_RUN_LIMITS))}.")
    return frozenset(names)


def _countries(text: str) -> frozenset[str]:
    countries = frozenset(part.upper() for part in _parts(text))
    if countries - REGIONS:
        raise EnvError("Must be a list of ISO 3166 country codes, e.g. RU,KZ; * for all.")
    return countries


def _number_types(text: str) -> frozenset[str]:
    types = frozenset(part.upper() for part in _parts(text))
    if types - TYPE_NAMES:
        raise EnvError(f"Must be of: {', '.join(sorted(TYPE_NAMES))}.")
    return types


def _test_numbers(text: str) -> tuple[TestNumber, ...]:
    if not text.strip():
        return ()
    fixed = tuple(_fixed_code(part) for part in _parts(text))
    if len({each.number for each in fixed}) < len(fixed):
        raise EnvError("A number stands twice; which code would be its own?")
    return fixed


def _fixed_code(part: str) -> TestNumber:
    match = _TEST_NUMBER.match(part)
    try:
        if match and int(match[2]) >= FIRST:
            return TestNumber(normalize(match[1]), match[2], date.fromisoformat(match[3]))
    except (ValueError, InvalidNumber):
        pass
    raise EnvError(
        f"Must be a list of <number>=<code>@<yyyy-mm-dd>, the code {FIRST} to 9999 and the date "
        "the last day, e.g. +15550100001=4321@2027-01-31."
    )


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise EnvError(f"Must be one of: {', '.join(LEVELS)}.")
    return text.upper()


_READERS: dict[str, Callable[[str], Any]] = {
    "word": _word,
    "secret": _secret,
    "secrets": _secrets,
    "access_keys": _access_keys,
    "redis_url": _redis_url,
    "http_url": _http_url,
    "path_secret": _path_secret,
    "pauses": _pauses,
    "windows": _windows,
    "breaker": _breaker,
    "prefix_conversion": _prefix_conversion,
    "country_conversion": _country_conversion,
    "guards": _guards,
    "countries": _countries,
    "number_types": _number_types,
    "test_numbers": _test_numbers,
    "level": _level,
}
