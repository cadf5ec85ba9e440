"""The limits of one number: defaults, and where each figure comes from."""

from __future__ import annotations

from dataclasses import dataclass

from verify_service.models import Window

DAY = 86_400
LOCK_SECONDS = 90 * DAY
"""A lock and a run of failures end this long after the last failure."""
KNOWN_DEVICES = 3
"""Devices that a number knows, each with a lane of its own. A fourth takes the place of the one
that was longest without an approval."""
KNOWN_SECONDS = LOCK_SECONDS
"""A device is known so long after its last approval: no shorter than strangers can lock their
lane, or the owner would be locked out with them in the end."""
WAIVERS_PER_DAY = 3
"""How often a day an undelivered call (REJECTED, UNAVAILABLE) is taken out of a lane's windows."""
WAITING_CALLBACKS = 5
WAITING_SECONDS = 600
"""A callback that no call claims yet is kept this long; at most five for a number."""
READABLE_SECONDS = 3_600
"""How long a verification can be read after its end."""
IN_FLIGHT_SLACK = 2
"""Seconds after the provider's deadline in which a start has certainly come to its end."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What one number may do. Every duration in seconds.

    The defaults claim (docs/security.md): a guesser hits with 9/9000 = 0.1 % per number and day,
    and 30/9000 = 0.33 % per run before the number locks.

    Attributes:
        code_ttl: How long a code can be entered.
        max_checks: Guesses compared per verification.
        cooldowns: Pause after the 1st, 2nd … start of the last 24 h; the last one repeats.
        starts: Windows over starts.
        failures: Windows over wrong guesses.
        lock_after: Wrong guesses in a row, without a right one, that lock the number.
        deadline: When a call still ``placing`` must be taken for lost.
        dry_run: Of ``cooldown`` and ``number`` those that only count and log.
    """

    code_ttl: int = 300
    max_checks: int = 3
    cooldowns: tuple[int, ...] = (30, 60, 120, 300)
    starts: tuple[Window, ...] = (Window(3, 600), Window(5, DAY))
    failures: tuple[Window, ...] = (Window(9, DAY),)
    lock_after: int = 30
    deadline: float = 10.0
    dry_run: frozenset[str] = frozenset()
