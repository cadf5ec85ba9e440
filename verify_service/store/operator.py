"""What an operator may look at and change in Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from verify_service.domain import limits
from verify_service.domain.diagnosis import (
    Callers,
    ConversionCount,
    DeviceBudget,
    Diagnosis,
    Refusal,
    Restriction,
    Resumed,
    WindowUsage,
)
from verify_service.domain.ids import VerificationIds
from verify_service.domain.limits import NumberLimits, WideLimits
from verify_service.domain.models import Wait, Window, whole_seconds
from verify_service.domain.scopes import prefix_of
from verify_service.store import keys
from verify_service.store.connection.redis_errors import translated
from verify_service.store.functions import Functions

_SHARED = (limits.PREFIX, limits.KNOWN_DEVICE, limits.COUNTRY, limits.DAY_TOTAL)
"""The limits over many numbers that every start of a number shares, as they are shown."""
SCAN_STEP = 1000
"""Keys that the server looks at before it serves others again."""


class RedisOperator:
    """Asks the functions that decide. Every method raises StoreUnavailable."""

    def __init__(
        self, functions: Functions, ids: VerificationIds, policy: NumberLimits, wide: WideLimits
    ) -> None:
        self._functions = functions
        self._ids = ids
        self._policy = policy
        self._wide = wide

    def diagnose(
        self, number: str, country: str, apps: Sequence[str], *, test: bool = False
    ) -> Diagnosis:
        """Return what a number may still do, and what refuses its starts.

        Args:
            test: Whether it is a test number, for which no call is placed.
        """
        places = keys.limits(number, country, "", "")
        shared = [
            *((name, places[name], "") for name in _SHARED),
            *((limits.APP, keys.limit(limits.APP, app), app) for app in apps),
        ]
        counted = [one for one in shared if self._wide.windows(one[0])]
        names = [
            keys.number(self._ids.tag(number)),
            keys.RESTRICTIONS,
            keys.BREAKER,
            *keys.conversions(number, country),
            *(key for _, key, _ in counted),
        ]
        asked = {
            "number": number,
            "country": country,
            "limits": [limit for limit, _, _ in counted],
            "apps": sum(bool(app) for _, _, app in counted),
            "test": test or None,
        }
        shown = self._functions.call("show_number", names, asked)
        return Diagnosis(
            number=number,
            country=country,
            budgets=tuple(map(self._budget, shown["budgets"])) if shown["kept"] else (),
            refusals=tuple(_refusals(shown)),
            allowed=_allowed(shown.get("rule")),
            uses=tuple(
                (limit, app, use)
                for (limit, _, app), usage in zip(counted, shown["usage"] or (), strict=True)
                for use in _uses(usage, self._wide.windows(limit))
            ),
            shares=tuple(
                ConversionCount(one["limit"], one["started"], one["approved"])
                for one in shown["conversion"]
            ),
        )

    def unlock(self, number: str) -> int | None:
        """End lock, runs and failures; return how many guesses, or None if nothing is kept."""
        answer = self._functions.call("unlock", [keys.number(self._ids.tag(number))], {})
        return int(answer["forgotten"]) if answer["kept"] else None

    def rule(self, place: str, kind: str, duration: int = 0) -> int:
        """Block or allow a prefix for so many seconds, or (``none``) end what holds for a place.

        Returns:
            How many entries held until now.
        """
        asked = {"place": place, "kind": kind, "span": duration * 1000}
        return int(self._functions.call("set_rule", [keys.RESTRICTIONS], asked)["held"])

    def pause(self, duration: int) -> None:
        """Place no calls for so many seconds."""
        self._functions.call("pause", [keys.RESTRICTIONS], {"span": duration * 1000})

    def resume(self) -> Resumed:
        """Let calls be placed again; return what had paused them."""
        answer = self._functions.call("resume", [keys.RESTRICTIONS, keys.BREAKER], {})
        return Resumed(operator=answer["operator"], breaker=answer["breaker"])

    def restrictions(self) -> list[Restriction]:
        """Return what is blocked, allowed, paused and under alarm."""
        answer = self._functions.call("list_restrictions", [keys.RESTRICTIONS, keys.BREAKER], {})
        entries = [_restriction(entry) for entry in answer["entries"] or ()]
        entries.sort(key=lambda entry: (entry.kind != "pause", entry.who, entry.place))
        if answer["open"]:
            paused = Restriction("breaker", "", "pause", whole_seconds(answer["suspended"]))
            entries.insert(0, paused)
        return entries

    def erase(self, number: str) -> int:
        """Delete everything that is kept of a number; return how many things there were.

        That is what its tag names, the Idempotency-Keys of its verifications, and what an
        operator's rule says of it alone. Where it fails some may be left; a second run finds it.
        """
        tag = self._ids.tag(number)
        with translated():
            self._require_whole_slot()
            found = [name for name in self._all_keys() if self._belongs(name, tag)]
            self._require_whole_slot()
            deleted = sum(self._send("DEL", name) for name in found)
            lengths = range(len(prefix_of(number)) + 1, len(number) + 1)
            fields = [f"rule {number[:length]}" for length in lengths]
            return int(deleted + self._send("HDEL", keys.RESTRICTIONS, *fields))

    def _require_whole_slot(self) -> None:
        """Fail while a cluster moves our keys to another master: SCAN shows one master's alone.

        A command of two keys that are not there is refused then.
        """
        self._send("DEL", keys.WRITE_TEST, f"{keys.WRITE_TEST}:none")

    def _all_keys(self) -> list[str]:
        found: dict[str, None] = {}
        cursor = "0"
        while True:
            pattern = f"{keys.TAG}:*"
            cursor, names = self._send("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_STEP)
            found.update(dict.fromkeys(names))
            if cursor == "0":
                return list(found)

    def _belongs(self, name: str, tag: str) -> bool:
        """Return whether a key is of a number's tag, by its name or as an Idempotency-Key."""
        if name.startswith(keys.idempotency_key("")):
            kept = self._send("GET", name)
            return bool(kept) and json.loads(kept).get("tag") == tag
        return tag in name.split(":")

    def _send(self, *command: Any) -> Any:
        (reply,) = self._functions.client.send(command)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _budget(self, shown: Mapping[str, Any]) -> DeviceBudget:
        limit = shown.get("limit")
        return DeviceBudget(
            shown.get("device", ""),
            shown["wrong_in_a_row"],
            Wait(limit, shown["wait"]) if limit else None,
            tuple(_uses(shown["starts"], self._policy.starts)),
            tuple(_uses(shown["failures"], self._policy.failures)),
        )


def _uses(usage: Sequence[Mapping[str, Any]], windows: Sequence[Window]) -> Iterator[WindowUsage]:
    for one, window in zip(usage, windows, strict=True):
        yield WindowUsage(one["used"], window, whole_seconds(one["wait"]))


def _refusals(shown: Mapping[str, Any]) -> Iterator[Refusal]:
    """Yield what refuses a start: every one, or only those of some callers."""
    if shown["paused"]:
        yield Refusal("pause", "", whole_seconds(shown["paused"]))
    if shown["suspended"]:
        yield Refusal("breaker", "", whole_seconds(shown["suspended"]))
    strangers, devices = (
        list(map(_refusal, shown[whose] or ())) for whose in ("strangers", "known")
    )
    for one in strangers:
        yield one if one in devices else replace(one, callers=Callers.STRANGERS)
    for one in devices:
        if one not in strangers:
            yield replace(one, callers=Callers.DEVICES)


def _refusal(entry: Mapping[str, Any]) -> Refusal:
    limit = "rule" if entry.get("rule") else entry["limit"]
    return Refusal(limit, entry["place"], whole_seconds(entry["wait"]))


def _allowed(rule: Mapping[str, Any] | None) -> int:
    return whole_seconds(rule["wait"]) if rule and rule["kind"] == "allow" else 0


def _restriction(entry: Mapping[str, Any]) -> Restriction:
    """Read an entry of ``lua/includes/restrictions.lua``."""
    who, _, place = entry["field"].partition(" ")
    names = {"rule": "operator", "pause": "operator", "alarm": place}
    return Restriction(
        names.get(who, who),
        place,
        entry["kind"],
        whole_seconds(entry["wait"]),
        entry.get("level", 0),
        entry.get("total", 0),
        entry.get("count", 0),
    )
