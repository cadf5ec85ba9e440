"""The keys of the store. All of them share one hash tag, hence one slot of a cluster."""

from __future__ import annotations

from verify_service.domain.ids import VerificationKey
from verify_service.domain.limits import APP, CLIENT_IP, COUNTRY, DAY_TOTAL, KNOWN_DEVICE, PREFIX
from verify_service.domain.scopes import prefix_of

TAG = "{verify}"
"""The hash tag. The ACL of our user needs the key pattern ``~{verify}:*``."""


EVERY_NUMBER = "all"
"""The scope of the day's limit."""


def number(tag: str) -> str:
    """The state of a number. Expires with its last limit, call or callback."""
    return f"{TAG}:n:{tag}"


def verification(address: VerificationKey) -> str:
    """One verification. Expires an hour after its end, or ten minutes if no call was placed."""
    return f"{TAG}:v:{address.tag}:{address.short_id}"


def idempotency_key(digest: str) -> str:
    """The start to which an Idempotency-Key is bound. Expires as its verification at the latest."""
    return f"{TAG}:i:{digest}"


def limit(name: str, scope: str) -> str:
    """The counts of a limit over many numbers, for one scope. Expires with its longest window."""
    return f"{TAG}:limit:{name}:{scope}"


LIMITS = limit("", "").removesuffix(":")
"""What the key of every limit begins with."""


def limit_of(key: str) -> tuple[str, str]:
    """Return the name and the scope of a limit, given its key."""
    name, _, scope = key.removeprefix(LIMITS).partition(":")
    return name, scope


def conversion(scope: str) -> str:
    """The conversion counts of a prefix or a country. Expires with their window."""
    return f"{TAG}:conversion:{scope}"


def limits(number: str, country: str, app: str, client: str) -> dict[str, str]:
    """The keys of all limits over many numbers that a start may count in, by the limit's name.

    The starts of a prefix that are reserved for known devices come last.

    Args:
        app, client: May be empty: then the limit is left out.
    """
    prefix = prefix_of(number)
    scopes = {
        CLIENT_IP: client,
        PREFIX: prefix,
        COUNTRY: country,
        APP: app,
        DAY_TOTAL: EVERY_NUMBER,
        KNOWN_DEVICE: prefix,
    }
    return {name: limit(name, scope) for name, scope in scopes.items() if scope}


def conversions(number: str, country: str) -> tuple[str, str]:
    """The keys of the conversion counts of a number's prefix and of its country."""
    return conversion(prefix_of(number)), conversion(country)


def outbox(app: str) -> tuple[str, str, str, str]:
    """The undelivered events of an app: new events, entries, due and age.

    They expire three hours after a process last found new ones. New events that no process looks
    at expire three hours after the first one.
    """
    new = f"{TAG}:events:{app}"
    return new, f"{new}:entries", f"{new}:due", f"{new}:age"


def app_of_outbox(key: str) -> str | None:
    """Return the app of an outbox, given one of its keys; None for another key."""
    app = key.removeprefix(outbox("")[0])
    return app.partition(":")[0] if app != key else None


GUESSES = f"{TAG}:guesses"
"""Right and wrong guesses over all numbers. Expires after an hour."""
RESTRICTIONS = f"{TAG}:restrictions"
"""Blocks, exemptions, pauses, alarms, and addresses that are switched off. Expires a day after the
last of them."""
COUNTS = f"{TAG}:counts"
"""What happened in this hour. Expires 90 days after the last hour in which anything happened."""
PAST_COUNTS = f"{TAG}:counts:past"
"""The same of past hours and days, and in total. Expires 90 days after the last start."""
TIMELINE = f"{TAG}:timeline"
"""The last events of verifications. Expires as the counts of this hour."""
BREAKER = f"{TAG}:breaker"
"""The breaker's state. Expires after minutes."""
WRONG_TOKENS = f"{TAG}:wrong_tokens"
"""Wrong tokens that were sent to /console. Expires after a minute."""
LIBRARIES = f"{TAG}:libraries"
"""The function libraries of the last releases. Expires after 90 days."""
WRITE_TEST = f"{TAG}:probe"
"""Written to test whether Redis takes writes. Expires after a second."""
