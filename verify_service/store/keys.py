"""Every key of the store. All of them share one hash tag, hence one slot of a cluster."""

from __future__ import annotations

from verify_service.domain import limits as names
from verify_service.domain.ids import VerificationKey
from verify_service.domain.scopes import prefix_of

TAG = "{verify}"
"""What a user of Redis has to be permitted: the keys ``{verify}:*``."""


def number(tag: str) -> str:
    """What a number may still do. Lives as long as a limit, a call or a callback remembers it."""
    return f"{TAG}:n:{tag}"


def verification(address: VerificationKey) -> str:
    """One verification. Lives until an hour after its end."""
    return f"{TAG}:v:{address.tag}:{address.own}"


def idempotency_key(digest: str) -> str:
    """Which start an Idempotency-Key is bound to, until its verification is gone.

    Lives until an hour after the code's end.
    """
    return f"{TAG}:i:{digest}"


def limit(name: str, place: str) -> str:
    """A limit over many numbers, at one place. Lives as long as its longest window."""
    return f"{TAG}:limit:{name}:{place}"


def conversion(place: str) -> str:
    """What the conversion guard counts of a prefix or a country. Lives for its hour."""
    return f"{TAG}:conversion:{place}"


def limits(number: str, country: str, app: str, client: str) -> dict[str, str]:
    """Each limit over many numbers that a start may count in, by name.

    Behind the others come the places that the prefix keeps for known devices.

    Args:
        app, client: May be empty: such a limit is left out.
    """
    prefix = prefix_of(number)
    places = {
        names.CLIENT_IP: client,
        names.PREFIX: prefix,
        names.COUNTRY: country,
        names.APP: app,
        names.DAY_TOTAL: "all",
        names.KNOWN_DEVICE: prefix,
    }
    return {name: limit(name, place) for name, place in places.items() if place}


def conversions(number: str, country: str) -> tuple[str, str]:
    """What the conversion guard counts of a number's prefix and of its country."""
    return conversion(prefix_of(number)), conversion(country)


GUESSES = f"{TAG}:guesses"
"""Right and wrong guesses over all numbers. Lives for an hour."""
RESTRICTIONS = f"{TAG}:restrictions"
"""What is blocked, allowed, paused and under alarm. Lives a day longer than the last of it."""
BREAKER = f"{TAG}:breaker"
"""Whether calls are paused because the provider fails. Lives for minutes."""
LIBRARIES = f"{TAG}:libraries"
"""The function libraries of the last releases. Lives for 90 days."""
WRITE_TEST = f"{TAG}:probe"
"""Written to find out whether Redis takes writes. Lives for a second."""
