"""The attack bounds and the lockouts as two tables, for ``security`` and docs/security.md."""

from __future__ import annotations

from collections.abc import Iterator

from verify_service.cli.attack_bounds import DRY_RUN, AttackBounds, Bound
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
"""How many codes there are."""
SPRAYED_NUMBERS = 10_000
"""How many numbers the table's attacker sprays guesses over."""


def security_table(number_limits: NumberLimits, wide_limits: WideLimits) -> str:
    """Return both tables in Markdown."""
    bounds = AttackBounds(number_limits, wide_limits)
    figures = [
        *_guesses(bounds),
        *_logins(bounds),
        *_calls(bounds),
        *_requests(bounds),
        _destinations(wide_limits),
    ]
    return "\n".join(
        [
            *_header("At most", "Figure", "Because"),
            *(_row(*figure) for figure in figures),
            "",
            *_header("What can be locked out", "By", "For", "Calls it takes", "Client addresses"),
            *(_row(*_lockout(lockout)) for lockout in lockouts(bounds)),
        ]
    )


def _header(*titles: str) -> tuple[str, str]:
    return _row(*titles), "|" + "---|" * len(titles)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _guesses(bounds: AttackBounds) -> Iterator[tuple[str, str, str]]:
    locked = f"then the budget is locked for {LOCK_SECONDS // DAY} days"
    budgets = f"{KNOWN_DEVICES + 1} budgets"
    holder = f"by the holder of all {KNOWN_DEVICES} known devices"
    yield _chance("Guessed, per verification", bounds.guesses_per_verification)
    yield _chance("Guessed, per number, budget and day", bounds.guesses_per_budget)
    yield _chance("Guessed, in a row without a success", bounds.guesses_in_a_row, locked)
    yield _chance(f"Guessed, per number and day, {holder}", bounds.guesses_per_number, budgets)


def _chance(title: str, bound: Bound, note: str = "") -> tuple[str, str, str]:
    if bound.count is None:
        return title, *_unbounded(bound)
    chance = f"{min(1.0, bound.count / CODES):.3%}".replace("%", " %")
    return title, chance, _guesses_per_code(bound, note)


def _logins(bounds: AttackBounds) -> Iterator[tuple[str, str, str]]:
    spraying = f"spraying over {SPRAYED_NUMBERS} numbers"
    pending = f"calls of the {bounds.number_limits.code_ttl} s before count too"
    on_average = bounds.sprayed_guesses_on_average(SPRAYED_NUMBERS)
    in_a_day = bounds.sprayed_guesses(SPRAYED_NUMBERS)
    unnoticed = bounds.sprayed_guesses_unnoticed(SPRAYED_NUMBERS)
    yield _expected(f"Logins a day, {spraying}, on average", on_average)
    yield _expected(f"Logins in any one day, {spraying}", in_a_day, pending)
    yield _expected(
        f"Logins a day, {spraying}, without an alarm", unnoticed, f"{WRONG_GUESSES - 1} an hour"
    )


def _expected(title: str, bound: Bound, note: str = "") -> tuple[str, str, str]:
    if bound.count is None:
        return title, *_unbounded(bound)
    return title, f"{bound.count / CODES:.2f}", _guesses_per_code(bound, note)


def _guesses_per_code(bound: Bound, note: str) -> str:
    return f"{bound.count} guesses / {CODES}" + (f", {note}" if note else "")


def _calls(bounds: AttackBounds) -> Iterator[tuple[str, str, str]]:
    for calls, bound in [
        ("within a minute to one number, by strangers", bounds.calls_per_minute),
        ("a day to one number, by strangers", bounds.calls_per_number),
        ("a day to one number, by the holder of the phone", bounds.calls_per_holder),
        ("a day for one client address", bounds.calls_per_client),
        ("a day to one prefix, by strangers", bounds.calls_per_prefix),
        ("a day to one prefix, with known devices", bounds.calls_per_prefix_with_devices),
        ("a day to one country", bounds.calls_per_country),
        ("a day for one app", bounds.calls_per_app),
        ("a day in all", bounds.calls),
    ]:
        yield f"Calls {calls}", *_counted(bound)


def _requests(bounds: AttackBounds) -> Iterator[tuple[str, str, str]]:
    for scope, bound in [
        ("for one number, by strangers", bounds.requests_per_number),
        ("for one client address", bounds.requests_per_client),
        ("for one app", bounds.requests_per_app),
        ("in all", bounds.requests),
    ]:
        yield f"Requests to the provider a day, {scope}", *_counted(bound)


def _counted(bound: Bound) -> tuple[str, str]:
    return _unbounded(bound) if bound.count is None else (str(bound.count), bound.limit)


def _destinations(wide_limits: WideLimits) -> tuple[str, str, str]:
    title, limit = "Destinations that are called", f"`{DESTINATION}`"
    if DESTINATION in wide_limits.dry_run:
        return title, *_unbounded(Bound(None, limit, DRY_RUN))
    return title, "those allowed", limit


def _unbounded(bound: Bound) -> tuple[str, str]:
    return f"no bound ({bound.no_bound})", bound.limit


def _lockout(lockout: Lockout) -> tuple[str, ...]:
    limit = f"`{lockout.limit}`"
    if lockout.calls is None:
        return lockout.scope, limit, f"never ({lockout.impossible})", "–", "–"
    return lockout.scope, limit, lockout.duration, str(lockout.calls), str(lockout.addresses)
