"""The operator's hand: what a person may look at and change while the service runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from verify_service.errors import InvalidNumber
from verify_service.models import Wait
from verify_service.numbers import canonical

_PREFIX = re.compile(r"\+?([1-9][0-9]{0,14})\Z")


@dataclass(frozen=True, slots=True)
class Lane:
    """What one kind of caller may still do with a number.

    Attributes:
        device: The digest of a known device; nothing for strangers.
        run: Wrong guesses in a row.
        failures: Wrong guesses that are remembered.
        starts: Starts that count.
        wait: What a new start waits for.
    """

    device: str
    run: int
    failures: int
    starts: int
    wait: Wait | None


@dataclass(frozen=True, slots=True)
class Held:
    """Something that is not as the settings alone would have it.

    Attributes:
        who: ``operator``, or the guard's name.
        place: A prefix, a country, ``all calls``.
        kind: ``block``, ``allow``, ``paused``, ``alarm``.
        seconds: How long it lasts.
    """

    who: str
    place: str
    kind: str
    seconds: int


class HandStore(Protocol):
    """Where it is kept."""

    def lanes(self, number: str) -> list[Lane]: ...
    def unlock(self, number: str) -> int: ...
    def erase(self, number: str) -> int: ...
    def rule(self, prefix: str, kind: str, seconds: int = 0) -> int: ...
    def pause(self, seconds: int) -> None: ...
    def resume(self) -> bool: ...
    def held(self) -> list[Held]: ...


@dataclass(frozen=True, slots=True)
class Hand:
    """Every method raises StoreUnavailable, and those of a number InvalidNumber."""

    store: HandStore

    def lanes(self, number: str) -> list[Lane]:
        """Return what a number may still do, the strangers' lane first."""
        return self.store.lanes(canonical(number))

    def unlock(self, number: str) -> int:
        """End a number's lock, its runs and the day's failures; return how many lanes had any."""
        return self.store.unlock(canonical(number))

    def erase(self, number: str) -> int:
        """Delete everything that is kept of a number; return how many keys there were."""
        return self.store.erase(canonical(number))

    def block(self, prefix: str, seconds: int) -> str:
        """Refuse every number with this prefix for a time; return the prefix as it is kept."""
        plain = prefix_in(prefix)
        self.store.rule(plain, "block", seconds)
        return plain

    def allow(self, prefix: str, seconds: int) -> str:
        """Exempt a prefix from the prefix limit, the conversion guard and shorter blocks."""
        plain = prefix_in(prefix)
        self.store.rule(plain, "allow", seconds)
        return plain

    def unblock(self, place: str) -> bool:
        """Let the limits decide again: end a rule of the operator's and a block of the guard's."""
        plain = place.upper() if place.isalpha() else prefix_in(place)
        return bool(self.store.rule(plain, "none"))

    def pause(self, seconds: int) -> None:
        """Let nobody be called for so long. Checks go on."""
        self.store.pause(seconds)

    def resume(self) -> bool:
        """Let calls be placed again; return whether they were paused."""
        return self.store.resume()

    def held(self) -> list[Held]:
        """Return what is blocked, allowed, paused and under alarm."""
        return self.store.held()


def prefix_in(text: str) -> str:
    """Return a prefix with its plus.

    Raises:
        InvalidNumber: It is none.
    """
    match = _PREFIX.match(text)
    if match is None:
        raise InvalidNumber("Write a prefix as the first digits of E.164, e.g. +7917913.")
    return f"+{match[1]}"
