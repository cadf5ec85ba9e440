"""Prints what each attacker achieved beside its bound; ends with 0 only if nobody went beyond."""

from __future__ import annotations

import math
import sys
import tempfile
import time
from pathlib import Path

from tests.attack.attackers import EVERYBODY
from tests.attack.town import Town, running
from verify_service.guards.bounds import Bounds
from verify_service.guards.claim import CODES
from verify_service.guards.limits import WidePolicy
from verify_service.policy import Policy

ROW = "{:<28}{:>8}{:>8}{:>10}{:>10}{:>8}{:>8}{:>12}{:>7}"
UNLIKELY = 1e-9
"""Chance that an attacker within all bounds has more logins than are let pass here."""


def main() -> int:
    bounds = Bounds(Policy(), WidePolicy())
    print(
        ROW.format("", "guesses", "at most", "logins", "expected", "calls", "paid", "at most", "s")
    )
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output.txt"
        with running(output) as town:
            beyond = sum(_play(town, attack, bounds) for attack in EVERYBODY)
        bugs = output.read_text().count('"event": "bug"')
    print(f"{len(EVERYBODY)} played, {beyond} beyond a bound, {bugs} bugs")
    return 1 if beyond or bugs else 0


def _play(town: Town, attack: object, bounds: Bounds) -> bool:
    """Return whether the attacker went beyond a bound."""
    town.begin()
    began, before = time.monotonic(), _counts(town)
    name = attack.__name__.replace("_", " ")  # type: ignore[attr-defined]
    trouble = ""
    try:
        allowed = attack(town, bounds)  # type: ignore[operator]
    except AssertionError as error:
        print(f"{name}: {error}")
        return True
    wrong, right, placed = (now - then for now, then in zip(_counts(town), before, strict=True))
    # The owner's own logins and calls are among them, and allowed for.
    compared = wrong + right
    expected = compared / CODES
    print(
        ROW.format(
            name, compared, allowed.guesses, right, f"{expected:.3f}", placed, placed,
            allowed.calls, f"{time.monotonic() - began:.0f}",
        )
    )  # fmt: skip
    own = allowed.guesses if name == "honest person" else 2
    if compared > allowed.guesses or placed > allowed.calls:
        trouble = "beyond the bound"
    if right > own + _lucky(expected):
        trouble = "more logins than luck explains"
    if trouble:
        print(f"{name}: {trouble}")
    return bool(trouble)


def _counts(town: Town) -> tuple[int, int, int]:
    return (
        town.count('verify_checks_total{verdict="wrong"}'),
        town.count('verify_checks_total{verdict="right"}'),
        town.count('verify_starts_total{outcome="placed"}'),
    )


def _lucky(mean: float) -> int:
    """Return how many hits are no more than luck, by Poisson's distribution."""
    count, tail, term = 0, 1.0 - math.exp(-mean), math.exp(-mean)
    while tail > UNLIKELY:
        count += 1
        term *= mean / count
        tail -= term
    return count


sys.exit(main())
