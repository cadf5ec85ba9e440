"""Parsers of the variables of the events: each app's address, and the secrets that sign.

The form of a secret is that of Standard Webhooks, section "Signature scheme": the prefix
``whsec_`` and 24 to 64 bytes in base64. What is raised never repeats the text.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

from verify_service.settings.addresses import webhook_url
from verify_service.settings.parsers import LIVE_KEYS, is_app_name, parts
from verify_service.settings.variable import VariableError

SECRET_PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
"""Of the key that a secret contains."""
_ADDRESSES = (
    "Must be a list of <app>=<address>, for example shop=https://shop.example/hooks; write a comma "
    "within an address as %2C."
)
_SECRETS = f"Must be a list of <app>={SECRET_PREFIX}<base64>."
_BYTES = (
    f"Each must be {SECRET_PREFIX} and then {LEAST_BYTES} to {MOST_BYTES} bytes in base64, with "
    "the = at its end; make one with: openssl rand -base64 32"
)


def addresses_by_app(text: str) -> Mapping[str, str]:
    """Return the address of each app."""
    pairs = list(_pairs(text, _ADDRESSES))
    if not all("://" in url for _, url in pairs):
        raise VariableError(_ADDRESSES)
    addresses = {app: webhook_url(url) for app, url in pairs}
    if len(addresses) < len(pairs):
        raise VariableError("Must have one address for each app.")
    return addresses


def secrets_by_app(text: str) -> Mapping[str, tuple[str, ...]]:
    """Return the secrets of each app, in their order."""
    secrets: dict[str, tuple[str, ...]] = {}
    for app, secret in _pairs(text, _SECRETS):
        secrets[app] = (*secrets.get(app, ()), _require_secret(secret))
    if any(len(live) > LIVE_KEYS for live in secrets.values()):
        raise VariableError(
            f"Must have at most {LIVE_KEYS} secrets for an app: the old and the new."
        )
    return secrets


def signing_key(secret: str) -> bytes:
    """Return the key that a secret contains.

    Raises:
        ValueError: It is not base64 of RFC 4648, section 4. Libraries of receivers differ in what
            else they accept.
    """
    text = secret.removeprefix(SECRET_PREFIX)
    key = base64.b64decode(text)
    if base64.b64encode(key).decode() != text:
        raise ValueError("It has letters or bits that belong to no byte.")
    return key


def _pairs(text: str, sentence: str) -> Iterator[tuple[str, str]]:
    """Yield each app, and what follows the first equals sign."""
    for part in parts(text) if text else ():
        app, _, value = part.partition("=")
        if not is_app_name(app) or not value:
            raise VariableError(sentence)
        yield app, value


def _require_secret(text: str) -> str:
    if not text.startswith(SECRET_PREFIX):
        raise VariableError(_SECRETS)
    try:
        size = len(signing_key(text))
    except ValueError:
        size = 0
    if not LEAST_BYTES <= size <= MOST_BYTES:
        raise VariableError(_BYTES)
    return text
