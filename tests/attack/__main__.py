"""Prints what each attacker achieved beside its bound. Exits with 0 only if none exceeded it.

The windows over whole countries, apps and the day, and those of a client address, are a fifth of
the defaults, so that using them up does not take thousands of calls. The addresses that it takes to
use up a limit are as many. ``--full`` plays at the defaults. Other arguments choose attackers.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.attack import guessers, payers
from tests.attack.play import EVERYBODY, Attacker, Figures
from tests.attack.town import Counts, Town, running
from verify_service.cli.attack_bounds import AttackBounds
from verify_service.cli.security_table import CODES
from verify_service.domain.limits import NumberLimits, WideLimits
from verify_service.domain.models import Window

PLAYED = (guessers, payers)
HEADS = (
    *("guesses", "at most", "logins", "expected"),
    *("placed", "paid", "in a day", "at most", "locked out", "may be", "s", "closed"),
)
ROW = "{:<32}{:>8}{:>8}{:>7}{:>9}{:>7}{:>6}{:>9}{:>8}{:>11}{:>7}{:>4}  {}"
UNLIKELY = 1e-9
"""The accepted probability that an attacker within all bounds has more logins than expected."""


def main(names: list[str]) -> int:
    """Play all attackers, or those whose names contain one of these words."""
    full = "--full" in names
    wide = WideLimits() if full else a_fifth_of(WideLimits())
    names = [name for name in names if name != "--full"]
    bounds = AttackBounds(NumberLimits(), wide)
    played = [one for one in EVERYBODY if not names or any(word in one.name for word in names)]
    print(
        f"clientIp, country, app and day at {'the defaults' if full else 'a fifth of the defaults'}"
    )
    print(ROW.format("", *HEADS), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output.txt"
        with running(output, variables(wide)) as town:
            beyond = sum(_play(town, attacker, bounds) for attacker in played)
        bugs = output.read_text().count('"event": "bug"')
    print(f"{len(played)} played, {beyond} beyond a bound, {bugs} bugs")
    return 1 if beyond or bugs or not played else 0


def a_fifth_of(wide: WideLimits) -> WideLimits:
    """Return the same limits with a fifth of those that take thousands of calls."""

    def less(windows: tuple[Window, ...]) -> tuple[Window, ...]:
        return tuple(Window(window.count // 5, window.seconds) for window in windows)

    return replace(
        wide,
        client_ip=less(wide.client_ip),
        country=less(wide.country),
        app=less(wide.app),
        day=less(wide.day),
    )


def variables(wide: WideLimits) -> dict[str, str]:
    """Return the variables of the service."""
    scaled = {
        "STARTS_PER_CLIENT_IP": wide.client_ip,
        "STARTS_PER_COUNTRY": wide.country,
        "STARTS_PER_APP": wide.app,
        "STARTS_PER_DAY": wide.day,
    }
    return {
        name: ",".join(f"{window.count}/{window.seconds}" for window in windows)
        for name, windows in scaled.items()
    }


def _play(town: Town, attacker: Attacker, bounds: AttackBounds) -> bool:
    """Return whether the attacker exceeded a bound."""
    town.begin()
    began = time.monotonic()
    try:
        figures = attacker.play(town, bounds)
    except AssertionError as error:
        print(f"{attacker.name}: {error}", flush=True)
        return True
    done, worst = town.counts(), town.paid_in_a_day()
    compared = done.wrong + done.right - figures.logins
    print(
        ROW.format(
            attacker.name, compared, figures.guesses.count, done.right, f"{compared / CODES:.3f}",
            done.placed, done.paid, worst, figures.calls.count, int(figures.locked_out),
            figures.may_lock_out, f"{time.monotonic() - began:.0f}", figures.note,
        ),
        flush=True,
    )  # fmt: skip
    troubles = _troubles(done, worst, figures)
    for trouble in troubles:
        print(f"{attacker.name}: {trouble}", flush=True)
    return bool(troubles)


def _troubles(done: Counts, worst: int, figures: Figures) -> list[str]:
    compared = done.wrong + done.right - figures.logins
    troubles = {
        "more guesses than the bound": compared > (figures.guesses.count or 0),
        "more calls in a day than the bound": worst > (figures.calls.count or 0),
        "calls that the service did not count, or none": done.placed != done.paid,
        "more logins than luck explains": done.right > figures.logins + _lucky(compared / CODES),
        "people are locked out": figures.locked_out > figures.may_lock_out,
    }
    return [trouble for trouble, is_so in troubles.items() if is_so]


def _lucky(mean: float) -> int:
    """Return the highest number of hits that is not improbable, by Poisson's distribution."""
    count, tail, term = 0, 1.0 - math.exp(-mean), math.exp(-mean)
    while tail > UNLIKELY:
        count += 1
        term *= mean / count
        tail -= term
    return count


sys.exit(main(sys.argv[1:]))
