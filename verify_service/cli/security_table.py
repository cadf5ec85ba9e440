"""The claim as tables: what an attacker can achieve at most, and what it takes to close a place."""

from __future__ import annotations

from collections.abc import Iterator

from verify_service.cli.attack_bounds import DRY, AttackBounds, Bound
from verify_service.cli.lockout import Lockout, lockouts
from verify_service.domain.codes import FIRST, LAST
from verify_service.domain.limits import (
    DAY,
    DESTINATION,
    KNOWN_DEVICES,
    LOCK_SECONDS,
    WRONG_GUESSES,
    NumberLimits,
    WideLimits,
)

CODES = LAST - FIRST + 1
SPRAYED = 10_000
"""Numbers an attacker sprays over, for the table's sake."""


def security(policy: NumberLimits, wide: WideLimits) -> str:
    """Return the claim as two tables in Markdown."""
    bounds = AttackBounds(policy, wide)
    figures = [*_guesses(bounds), *_logins(bounds), *_calls(bounds), _destinations(wide)]
    return "\n".join(
        [
            *_table("At most", "Figure", "Because"),
            *(_line(*row) for row in figures),
            "",
            *_table("What can be closed", "By", "For", "Calls it takes", "Client addresses"),
            *(_line(*_closed(closing)) for closing in lockouts(bounds)),
        ]
    )


def _table(*heads: str) -> tuple[str, str]:
    return _line(*heads), "|" + "---|" * len(heads)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _guesses(bounds: AttackBounds) -> Iterator[tuple[str, str, str]]:
    run = f"then the lane is locked for {LOCK_SECONDS // DAY} days"
    lanes = f"{KNOWN_DEVICES + 1} lanes"
    holder = f"by somebody who holds all {KNOWN_DEVICES} known devices"
    yield _share("Guessed, per verification", bounds.guesses_per_verification)
    yield _share("Guessed, per number, lane and day", bounds.guesses_per_budget)
    yield _share("Guessed, per run without a success", bounds.guesses_per_run, run)
    yield _share(f"Guessed, per number and day, {holder}", bounds.guesses_per_number, lanes)


def _share(what: str, bound: Bound, more: str = "") -> tuple[str, str, str]:
    if bound.count is None:
        return what, *_unbounded(bound)
    share = f"{min(1.0, bound.count / CODES):.3%}".replace("%", " %")
    return what, share, f"{bound.count} guesses / {CODES}" + (f", {more}" if more else "")


def _logins(bounds: AttackBounds) -> Iterator[tuple[str, str, str]]:
    spraying = f"spraying over {SPRAYED} numbers"
    quiet = f"{WRONG_GUESSES - 1} an hour"
    ttl = f"calls of the {bounds.policy.code_ttl} s before count"
    average = bounds.sprayed_guesses_on_average(SPRAYED)
    unnoticed = bounds.sprayed_guesses_unnoticed(SPRAYED)
    yield _login(f"Logins a day, {spraying}, on average", average)
    yield _login(f"Logins in any one day, {spraying}", bounds.sprayed_guesses(SPRAYED), ttl)
    yield _login(f"Logins a day, {spraying}, without an alarm", unnoticed, quiet)


def _login(what: str, bound: Bound, more: str = "") -> tuple[str, str, str]:
    if bound.count is None:
        return what, *_unbounded(bound)
    tail = f", {more}" if more else ""
    return what, f"{bound.count / CODES:.2f}", f"{bound.count} guesses / {CODES}{tail}"


def _calls(bounds: AttackBounds) -> Iterator[tuple[str, str, str]]:
    for what, bound in [
        ("within a minute to one number, by strangers", bounds.calls_per_minute),
        ("a day to one number, by strangers", bounds.calls_per_number),
        ("a day to one number, by who holds the phone", bounds.calls_per_holder),
        ("a day for one client address", bounds.calls_per_client),
        ("a day to one prefix, by strangers", bounds.calls_per_prefix),
        ("a day to one prefix, with known devices", bounds.calls_per_prefix_with_devices),
        ("a day to one country", bounds.calls_per_country),
        ("a day for one app", bounds.calls_per_app),
        ("a day in all", bounds.calls),
    ]:
        figure = _unbounded(bound) if bound.count is None else (str(bound.count), bound.why)
        yield f"Calls {what}", *figure


def _destinations(wide: WideLimits) -> tuple[str, str, str]:
    what, why = "Destinations that are called", f"`{DESTINATION}`"
    if DESTINATION in wide.dry_run:
        return what, *_unbounded(Bound(None, why, DRY))
    return what, "those allowed", why


def _unbounded(bound: Bound) -> tuple[str, str]:
    return f"no bound ({bound.lack})", bound.why


def _closed(closing: Lockout) -> tuple[str, ...]:
    by = f"`{closing.limit}`"
    if closing.calls is None:
        return closing.place, by, f"never ({closing.lack})", "–", "–"
    return closing.place, by, closing.span, str(closing.calls), str(closing.addresses)
