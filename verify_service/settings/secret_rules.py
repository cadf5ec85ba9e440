"""What production requires of every secret: long enough, unknown to others, used once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote

from verify_service.domain.models import AccessKey
from verify_service.domain.test_numbers import TestNumber
from verify_service.settings.call_variables import SANDBOX_PREFIX
from verify_service.settings.redis_address import RedisAddress
from verify_service.settings.variable import Variable
from verify_service.settings.webhooks import SECRET_PREFIX, signing_key

PUBLIC_VALUES = frozenset(
    {
        b"development-access-key",
        b"development-code-secret",
        b"development-console-token",
        b"development-number-secret",
        b"sandbox-access-key",
        b"sandbox-app-key",
        b"forged",
        b"forged-app-key",
        b"password",  # in the examples of REDIS_URL
        b"test",  # the example of ACCESS_KEYS is its digest
        b"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        # Ids in examples, as long as a secret.
        b"4a1dd0d5a76f2b7c6d6d1d6a3b8f0c11",
        b"0a4d55a8d778e5022fab701977c5d840",
        # In the specification of Standard Webhooks, and in the README of its libraries.
        b"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }
)
"""Every secret that a page or an example of this repository prints: readers know them."""
PUBLIC_TEST_NUMBERS = frozenset({("+15550100001", "4321"), ("+15550100002", "8765")})
"""The test numbers that pages print, each with its code."""
_MAKE_ONE = "make one with: openssl rand -hex 32"
_GIVEN_BY_PROVIDER = "use that of your account at the provider"
_REPLACEMENTS = {
    "ACCESS_KEYS": "make one with: python -m verify_service.cli access-key new <app>",
    "CALLBACK_APP_KEYS": _GIVEN_BY_PROVIDER,
    "PROVIDER_ACCESS_KEY": _GIVEN_BY_PROVIDER,
    "WEBHOOK_SECRETS": f'make one with: echo "{SECRET_PREFIX}$(openssl rand -base64 32)"',
}
"""Where another secret comes from, by the variable; else ``_MAKE_ONE``."""


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


_PUBLIC_DIGESTS = frozenset(map(_digest, PUBLIC_VALUES))


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of the settings. A variable may have several.

    Attributes:
        name: The variable's name.
        digest: Its SHA-256, the only thing that is known of an access key.
        text: The secret itself; None for an access key.
    """

    name: str
    digest: bytes
    text: bytes | None = None


def weak_secrets(
    declared: Mapping[str, Variable], values: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Return what is wrong with secrets, by the names of their variables. No sentence has a value.

    Args:
        declared: The variables.
        values: Their values, by the same names.
    """
    secrets = [
        secret
        for name, each in declared.items()
        if each.secret
        for secret in _secrets(name, values[name])
    ]
    errors: dict[str, list[str]] = {}
    for secret in secrets:
        sentences = (
            *_public(secret),
            *_short(secret, declared[secret.name].least_bytes),
            *_shared(secret, secrets),
        )
        known = errors.setdefault(secret.name, [])
        known += [sentence for sentence in sentences if sentence not in known]
    return {name: sentences for name, sentences in errors.items() if sentences}


def _secrets(name: str, value: Any) -> Iterator[Secret]:
    match value:
        case str():
            yield from _secrets(name, value.encode())
        case bytes():
            yield Secret(name, _digest(value), value)
        case AccessKey():
            yield Secret(name, value.digest)
        case TestNumber():
            pass  # its four digits are no secret of this kind
        case RedisAddress():
            for password in filter(None, {value.password, value.sentinel_password}):
                yield from _secrets(name, password)
        case SplitResult():
            yield from _secrets(name, unquote(value.password or "") or None)
        case Mapping():
            for live in value.values():  # of an app; the address of WEBHOOKS is no secret alone
                yield from _signing_secrets(name, live if isinstance(live, tuple) else ())
        case tuple():
            for each in value:
                yield from _secrets(name, each)


def _signing_secrets(name: str, live: tuple[str, ...]) -> Iterator[Secret]:
    """Yield each secret of an app as it is written, and what it was possibly made from."""
    for each in live:
        yield from _secrets(name, each)
        yield from _secrets(name, each.removeprefix(SECRET_PREFIX))
        yield from _secrets(name, signing_key(each))


def _replacement(secret: Secret) -> str:
    return _REPLACEMENTS.get(secret.name, _MAKE_ONE)


def _public(secret: Secret) -> Iterator[str]:
    simulators = (secret.text or b"").startswith(SANDBOX_PREFIX.encode())
    if secret.digest in _PUBLIC_DIGESTS or simulators:
        yield f"This repository prints it, so it is public; {_replacement(secret)}"


def _short(secret: Secret, least: int) -> Iterator[str]:
    if secret.text is not None and len(secret.text) < least:
        yield f"Must have at least {least} bytes in production; {_replacement(secret)}"


def _shared(secret: Secret, secrets: list[Secret]) -> Iterator[str]:
    others = [each for each in secrets if each is not secret and each.digest == secret.digest]
    names = dict.fromkeys(each.name for each in others)
    if secret.name in names:
        yield "The same secret is twice in this variable."
        del names[secret.name]
    if names:
        yield f"The same secret is in {', '.join(names)}; each must have a value of its own."
