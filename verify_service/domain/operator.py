"""What an operator may look at and change while the service runs."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Protocol

from verify_service.domain.diagnosis import Diagnosis, Restriction, Resumed
from verify_service.domain.errors import DestinationNotAllowed, InvalidNumber
from verify_service.domain.limits import WideLimits
from verify_service.domain.numbers import (
    Destinations,
    country_of,
    has_room,
    normalize,
    require_valid,
    strip_separators,
)
from verify_service.domain.scopes import DIGITS_BELOW_PREFIX

FAILURE_RATE = "failureRate"
_PREFIX = re.compile(r"\+?([1-9][0-9]{0,14})\Z")
_COUNTRY = re.compile(r"[A-Za-z]{2}\Z|001\Z")
_WORDS = {word.casefold(): word for word in ("unknown", FAILURE_RATE)}


class OperatorStore(Protocol):
    """Where it is kept. Every method raises StoreUnavailable; numbers are in E.164."""

    def diagnose(
        self, number: str, country: str, apps: Sequence[str], *, test: bool = False
    ) -> Diagnosis: ...
    def unlock(self, number: str) -> int | None: ...
    def erase(self, number: str) -> int: ...
    def rule(self, place: str, kind: str, duration: int = 0) -> int: ...
    def pause(self, duration: int) -> None: ...
    def resume(self) -> Resumed: ...
    def restrictions(self) -> list[Restriction]: ...


@dataclass(frozen=True, slots=True)
class Operator:
    """Every method raises StoreUnavailable, and those of a number or a place InvalidNumber.

    Attributes:
        policy: The limits over all numbers.
        destinations: Where calls may go to.
        test_numbers: In E.164; they need not exist.
        apps: Whose starts are counted.
    """

    store: OperatorStore
    policy: WideLimits
    destinations: Destinations
    test_numbers: Set[str]
    apps: Sequence[str]

    def number(self, text: str) -> str:
        """Return a number in E.164, judged as a start's is, wherever calls may go to."""
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
        """End a number's lock, its runs and the day's failures, in every budget.

        Returns:
            How many wrong guesses that were; None where nothing is kept of the number.
        """
        return self.store.unlock(self.number(number))

    def erase(self, number: str) -> int:
        """Delete everything that is kept of a number; return how many things there were."""
        return self.store.erase(self.number(number))

    def block(self, prefix: str, seconds: int) -> str:
        """Refuse every number with this prefix for a time; return the prefix as it is kept."""
        return self._rule(prefix, "block", seconds)

    def allow(self, prefix: str, seconds: int) -> str:
        """Exempt a prefix from the prefix limit, the conversion guard and shorter blocks."""
        return self._rule(prefix, "allow", seconds)

    def unblock(self, text: str) -> str | None:
        """Let the limits decide again: end a rule of the operator's, a guard's block or alarm.

        Returns:
            The place as it was held; None where nothing held there.
        """
        place = parse_scope(text)
        return place if self.store.rule(place, "none") else None

    def pause(self, seconds: int) -> None:
        """Place no calls for so many seconds. Checks go on."""
        self.store.pause(seconds)

    def resume(self) -> Resumed:
        """Let calls be placed again; return what had paused them."""
        return self.store.resume()

    def restrictions(self) -> list[Restriction]:
        """Return what is blocked, allowed, paused and under alarm."""
        return self.store.restrictions()

    def _rule(self, prefix: str, kind: str, seconds: int) -> str:
        plain = parse_prefix(prefix)
        self.store.rule(plain, kind, seconds)
        return plain

    def _refused(self, number: str) -> str:
        try:
            self.destinations.accept(number)
        except DestinationNotAllowed as refused:
            return refused.reason
        return ""


def parse_scope(text: str) -> str:
    """Return a place as the rules have it: a prefix, a country, ``unknown`` or an alarm's name.

    Raises:
        InvalidNumber: It is none.
    """
    word = _WORDS.get(text.casefold())
    if word or _COUNTRY.match(text):
        return word or text.upper()
    digits = _PREFIX.match(strip_separators(text))
    if digits is None:
        raise InvalidNumber(
            "Write a place as `blocked` lists it: a prefix, e.g. +7917913, a country, e.g. RU, "
            f"or {FAILURE_RATE}."
        )
    return f"+{digits[1]}"


def parse_prefix(text: str) -> str:
    """Return a prefix with its plus. It is no more of a number than the guards look at, too.

    Raises:
        InvalidNumber: It is none, or too long for one.
    """
    digits = _PREFIX.match(strip_separators(text))
    if digits is None or not has_room(f"+{digits[1]}", DIGITS_BELOW_PREFIX):
        raise InvalidNumber(
            "Write a prefix as the first digits of E.164, e.g. +7917913: at most a number less its "
            "last four digits."
        )
    return f"+{digits[1]}"
