"""What an operator can see and change while the service runs."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Protocol

from verify_service.domain import limits
from verify_service.domain.counts import CountsStore
from verify_service.domain.diagnosis import Diagnosis, LimitUsage, Restriction, Resumed
from verify_service.domain.errors import DestinationNotAllowed, InvalidNumber
from verify_service.domain.ids import is_pseudonym
from verify_service.domain.limits import WideLimits
from verify_service.domain.models import Window
from verify_service.domain.numbers import (
    Destinations,
    country_of,
    has_room,
    normalize,
    require_valid,
)
from verify_service.domain.outboxes import OutboxStore, OutboxUsage, Resent
from verify_service.domain.scopes import DIGITS_BELOW_PREFIX, network_of
from verify_service.domain.separators import strip_separators
from verify_service.domain.timeline import TimelineStore

FAILURE_RATE = "failureRate"
WRONG_TOKENS = Window(5, 60)
"""Wrong tokens of the console that are answered with 401: a person mistypes a few. Further ones
are answered with 429. The right one always signs in, so its length is what protects it."""
_PREFIX = re.compile(r"\+?([1-9][0-9]{0,14})\Z")
_COUNTRY = re.compile(r"[A-Za-z]{2}\Z|001\Z")
_WORDS = {word.casefold(): word for word in ("unknown", FAILURE_RATE)}


class OperatorStore(Protocol):
    """The operator's side of the store. Numbers are E.164. Every method raises StoreUnavailable."""

    def diagnose(
        self, number: str, country: str, apps: Sequence[str], *, test: bool = False
    ) -> Diagnosis: ...
    def unlock(self, number: str) -> int | None: ...
    def erase(self, number: str) -> int: ...
    def set_rule(self, scope: str, kind: str, duration: int = 0) -> int: ...
    def pause(self, duration: int) -> None: ...
    def resume(self) -> Resumed: ...
    def restrictions(self) -> list[Restriction]: ...
    def full_limits(self) -> list[LimitUsage] | None: ...
    def limit_usage(self, scopes: Sequence[tuple[str, str]]) -> list[LimitUsage]: ...
    def reset(self, limit: str, scope: str) -> bool: ...
    def count_wrong_token(self) -> WrongTokens: ...


@dataclass(frozen=True, slots=True)
class WrongTokens:
    """Wrong tokens that were sent to the console.

    Attributes:
        count: In the present minute, over all addresses and processes.
        seconds: Until it ends.
    """

    count: int
    seconds: int

    @property
    def too_many(self) -> bool:
        """Whether there were more than are answered with 401."""
        return self.count > WRONG_TOKENS.count


@dataclass(frozen=True, slots=True)
class Operator:
    """Every method raises StoreUnavailable; those with a number or a scope raise InvalidNumber.

    Attributes:
        limits: The limits over many numbers.
        destinations: The numbers that may be called.
        test_numbers: E.164.
        apps: The apps whose starts are counted.
        counts, timeline: What happened: in numbers, and to single verifications.
        outboxes: The events that wait for a receiver.
        receiving: The apps that have an address for their events.
    """

    store: OperatorStore
    limits: WideLimits
    destinations: Destinations
    test_numbers: Set[str]
    apps: Sequence[str]
    counts: CountsStore
    timeline: TimelineStore
    outboxes: OutboxStore
    receiving: Sequence[str]

    def number(self, text: str) -> str:
        """Return a number in E.164, as a start reads it, whether or not it may be called."""
        number = normalize(text)
        return number if number in self.test_numbers else require_valid(text)

    def diagnose(self, text: str) -> Diagnosis:
        """Return what a number may still do, and what refuses its starts."""
        number = self.number(text)
        test = number in self.test_numbers
        found = self.store.diagnose(number, country_of(number), self.apps, test=test)
        destination = "" if test else self._refused(number)
        return replace(found, destination=destination)

    def unlock(self, number: str) -> int | None:
        """End a number's lock, and forget its wrong guesses, in every budget.

        Returns:
            How many wrong guesses were forgotten; None if Redis has nothing about the number.
        """
        return self.store.unlock(self.number(number))

    def erase(self, number: str) -> int:
        """Delete all keys of a number; return how many there were."""
        return self.store.erase(self.number(number))

    def block(self, prefix: str, seconds: int) -> str:
        """Refuse every number with this prefix for a time; return the normalized prefix."""
        return self._rule(prefix, "block", seconds)

    def allow(self, prefix: str, seconds: int) -> str:
        """Exempt a prefix from the prefix limit, the conversion guard and shorter blocks."""
        return self._rule(prefix, "allow", seconds)

    def unblock(self, text: str) -> str | None:
        """End a rule of the operator, or a guard's block or alarm.

        Returns:
            The normalized scope; None if nothing was in force there.
        """
        scope = parse_scope(text)
        return scope if self.store.set_rule(scope, "none") else None

    def pause(self, seconds: int) -> None:
        """Pause all calls for a time. Checks go on."""
        self.store.pause(seconds)

    def resume(self) -> Resumed:
        """Resume calls; return what had paused them."""
        return self.store.resume()

    def restrictions(self) -> list[Restriction]:
        """Return all blocks, exemptions, pauses and alarms."""
        return self.store.restrictions()

    def full_limits(self) -> list[LimitUsage] | None:
        """Return the limits over many numbers that are full; None if they cannot be listed."""
        return self.store.full_limits()

    def limit_usage(self, scopes: Sequence[tuple[str, str]]) -> list[LimitUsage]:
        """Return how far limits over many numbers are used up.

        Args:
            scopes: Names of limits, each with a scope. A limit that is switched off is left out.
        """
        return self.store.limit_usage(scopes)

    def outbox_usage(self) -> list[OutboxUsage]:
        """Return how full the outbox of each app with an address is."""
        return self.outboxes.usage(self.receiving) if self.receiving else []

    def switch_webhook_on(self, app: str) -> bool:
        """Deliver an app's events again after a 410; return whether the address was off."""
        return self.outboxes.switch_on(app)

    def resend(self, verification_id: str) -> Resent:
        """Add an event that says how a verification stands now.

        Raises:
            VerificationNotFound: There is no such verification.
            RefusedResend: It has no event, or its app had no address when it began.
        """
        return self.outboxes.resend(verification_id)

    def count_wrong_token(self) -> WrongTokens:
        """Count a wrong token that was sent to the console."""
        return self.store.count_wrong_token()

    def reset(self, limit: str, text: str) -> bool:
        """Have a limit over many numbers count from zero; return whether it had counted anything.

        Args:
            text: A prefix, a country, an app, or a client's address or its digest.
        """
        return self.store.reset(limit, parse_limit_scope(limit, text))

    def _rule(self, prefix: str, kind: str, seconds: int) -> str:
        normalized = parse_prefix(prefix)
        self.store.set_rule(normalized, kind, seconds)
        return normalized

    def _refused(self, number: str) -> str:
        try:
            self.destinations.require_allowed(number)
        except DestinationNotAllowed as refused:
            return refused.reason
        return ""


def parse_scope(text: str) -> str:
    """Return a scope in its normal form: a prefix, a country, ``unknown`` or an alarm's name.

    Raises:
        InvalidNumber: The text is none of them.
    """
    word = _WORDS.get(text.casefold())
    if word or _COUNTRY.match(text):
        return word or text.upper()
    digits = _PREFIX.match(strip_separators(text))
    if digits is None:
        raise InvalidNumber(
            "Write a scope as `blocked` lists it: a prefix such as +7917913, a country such as RU, "
            f"or {FAILURE_RATE}."
        )
    return f"+{digits[1]}"


def parse_limit_scope(limit: str, text: str) -> str:
    """Return the scope of a limit over many numbers, as its key contains it.

    Raises:
        InvalidNumber: The text is no scope of this limit.
    """
    match limit:
        case limits.PREFIX:
            return parse_prefix(text)
        case limits.CLIENT_IP if not is_pseudonym(text):
            return _network(text)
        case limits.COUNTRY:
            return _WORDS.get(text.casefold()) or text.upper()
    return text


def _network(text: str) -> str:
    try:
        return network_of(ip_address(text))
    except ValueError:
        raise InvalidNumber(
            "Write a client as its address, or as `blocked` lists it: 19 characters."
        ) from None


def parse_prefix(text: str) -> str:
    """Return a prefix in its normal form, with a plus.

    Raises:
        InvalidNumber: The text is not a prefix, or it is longer than a number without its last
            four digits.
    """
    digits = _PREFIX.match(strip_separators(text))
    if digits is None or not has_room(f"+{digits[1]}", DIGITS_BELOW_PREFIX):
        raise InvalidNumber(
            "Write a prefix as the first digits of E.164, for example +7917913, without the last "
            "four digits of the number."
        )
    return f"+{digits[1]}"
