"""What an attacker is, and the list of all attackers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.attack.town import Town
from verify_service.cli.attack_bounds import AttackBounds, Bound


@dataclass(frozen=True)
class Figures:
    """What an attacker may achieve at most, and its effect on the victims.

    Attributes:
        guesses, calls: Bounds of docs/security.md; the calls are those of any day.
        logins: Right codes that were read off a phone: no guesses.
        locked_out: People whom the attacker kept from logging in.
        may_lock_out: How many of these the page permits, by the scope that is closed.
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
    """An attacker to play."""

    name: str
    play: Callable[[Town, AttackBounds], Figures]


EVERYBODY: list[Attacker] = []
NONE = Bound(0, "")


def attacker(
    play: Callable[[Town, AttackBounds], Figures],
) -> Callable[[Town, AttackBounds], Figures]:
    """Add a function to the attackers, under its own name."""
    EVERYBODY.append(Attacker(play.__name__.replace("_", " "), play))
    return play
