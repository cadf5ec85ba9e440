"""Reads what the functions count and log (``lua/includes/counts.lua`` and ``timeline.lua``)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from verify_service.domain.counts import Counts, Period, Statistics, Tally
from verify_service.domain.ids import VerificationIds
from verify_service.domain.limits import DAY, HOUR
from verify_service.domain.timeline import ATTEMPTS, Attempt, Found, TimelineEvent
from verify_service.store import keys
from verify_service.store.connection.redis_errors import translated
from verify_service.store.functions import Functions
from verify_service.store.mapping import read_verification

EVENTS_OF_AN_ATTEMPT = 10
"""Entries that are read for each verification of a list: twice as many as one usually has."""


class RedisStatistics:
    """Implements the stores of ``domain/counts.py`` and ``domain/timeline.py``."""

    def __init__(self, functions: Functions, ids: VerificationIds) -> None:
        self._functions = functions
        self._ids = ids

    def statistics(self, hours: int = 0, days: int = 0) -> Statistics:
        """Return the total, and this many of the newest hours and days, in one round trip."""
        declared = [keys.COUNTS, keys.PAST_COUNTS]
        shown = self._functions.call("show_counts", declared, {"hours": hours, "days": days})
        records = shown["records"] or {}
        current = list(_current(shown["current"] or ()))

        def periods(name: str, seconds: int, count: int) -> tuple[Period, ...]:
            last = shown["now"] // (seconds * 1000)
            return tuple(
                Period(at * seconds, seconds, _tally(records.get(f"{name} {at}"), current, span))
                for at in range(last - count + 1, last + 1)
                for span in [range(at * seconds // HOUR, (at + 1) * seconds // HOUR)]
            )

        return Statistics(
            now=shown["now"],
            hours=periods("hour", HOUR, hours),
            days=periods("day", DAY, days),
            total=_tally(records.get("total"), _without_scopes(current)),
        )

    def attempts(self, most: int = ATTEMPTS) -> list[Attempt]:
        """Return the last verifications, the newest first."""
        entries = self._entries(most * EVENTS_OF_AN_ATTEMPT)
        newest = list(islice(_by_verification(entries), most))
        if len(newest) < most and len(entries) == most * EVENTS_OF_AN_ATTEMPT:
            newest = list(islice(_by_verification(self._entries()), most))
        return newest

    def find(self, verification_id: str) -> Found:
        """Return what is known of a verification, whatever its app."""
        address = self._ids.locate(verification_id)
        declared = [keys.verification(address), keys.number(address.tag)]
        shown = self._functions.call("show_verification", declared, {})
        attempts = _by_verification(self._entries())
        return Found(
            None if "missing" in shown else read_verification(verification_id, shown),
            next((one for one in attempts if one.id == verification_id), None),
        )

    def _entries(self, newest: int = 0) -> list[str]:
        """Return so many of the newest events, the newest first; 0: all."""
        with translated():
            found: list[str] = self._functions.client.execute("LRANGE", keys.TIMELINE, -newest, -1)
        return found[::-1]


Field = tuple[int, Sequence[str], int]
"""An hour, the parts of the rest of a field's name, and its number."""
_OF_AN_EVENT = 3
"""Parts in the name of an event's field: app, country and event."""


def _current(flat: Sequence[str]) -> Iterator[Field]:
    """Yield the fields that are in no record yet."""
    for name, number in zip(flat[::2], flat[1::2], strict=True):
        hour, *parts = name.split("|")
        # Of the others, one is the number of a limit's scopes.
        if hour.isdigit() and number.isdigit() and (len(parts) == _OF_AN_EVENT or " " in parts[0]):
            yield int(hour), parts, int(number)


def _without_scopes(fields: Iterable[Field]) -> Iterator[Field]:
    return (field for field in fields if len(field[1]) > 1)


def _tally(record: str | None, fields: Iterable[Field], hours: range | None = None) -> Tally:
    """Return a stored record and the fields of its hours (None: of all) together."""
    tally = _stored(record) if record else Tally()
    for hour, parts, number in fields:
        if hours is not None and hour not in hours:
            continue
        if len(parts) == 1:
            limit, _, scope = parts[0].partition(" ")
            tally.scopes[limit, scope] += number
        else:
            app, country, event = parts
            tally.apps.setdefault(app, Counts())[event] += number
            tally.countries.setdefault(country, Counts())[event] += number
    return tally


def _stored(text: str) -> Tally:
    """Return a stored record. One that cannot be read is empty: the next roll-up replaces it."""
    try:
        return _parsed(json.loads(text))
    except (ValueError, TypeError, AttributeError):
        return Tally()


def _parsed(record: Mapping[str, Any]) -> Tally:
    tally = Tally()
    for kind, groups in (("app", tally.apps), ("country", tally.countries)):
        for event, numbers in (record.get(kind) or {}).items():
            for name, number in numbers.items():
                groups.setdefault(name, Counts())[event] += number
    for name, number in (record.get("scopes") or {}).items():
        limit, _, scope = name.partition(" ")
        tally.scopes[limit, scope] += number
    return tally


def _by_verification(entries: Iterable[str]) -> Iterator[Attempt]:
    """Yield the verifications whose start is among the entries, which begin with the newest."""
    events: dict[str, list[TimelineEvent]] = {}
    for entry in entries:
        short_id, at, name, *details = entry.split(" ")
        known = events.setdefault(short_id, [])
        if name == "started":
            verification_id, app, country, masked, *_ = details
            known.append(TimelineEvent(int(at), name))
            history = tuple(reversed(events.pop(short_id)))
            yield Attempt(verification_id, app, country, masked, history)
        else:
            known.append(TimelineEvent(int(at), name, *details[:2]))
