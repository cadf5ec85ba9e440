"""What an attacker is, and how all of them are listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.attack.town import Town
from verify_service.cli.attack_bounds import AttackBounds, Bound


@dataclass(frozen=True)
class Figures:
    """What an attacker may achieve at most, and what its victims met.

    Attributes:
        guesses, calls: Figures of docs/security.md; the calls are those of any day.
        logins: Right codes that were read off a phone: no guesses.
        locked_out: People whom the attacker kept from getting in.
        may_lock_out: Of these so many, as the page says of what can be closed.
        note: What was closed, and for how long.
    """

    guesses: Bound
    calls: Bound
    logins: int = 0
    locked_out: int = 0
    may_lock_out: int = 0
    note: str = ""


@dataclass(frozen=True)
class Attacker:
    """One that is played."""

    name: str
    play: Callable[[Town, AttackBounds], Figures]


EVERYBODY: list[Attacker] = []
NONE = Bound(0, "")


def attacker(
    play: Callable[[Town, AttackBounds], Figures],
) -> Callable[[Town, AttackBounds], Figures]:
    """Add a function to those that are played, under its own name."""
    EVERYBODY.append(Attacker(play.__name__.replace("_", " "), play))
    return play
