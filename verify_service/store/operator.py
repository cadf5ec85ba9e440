"""The operator's commands on Redis: diagnose, unlock, block, pause, erase."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from redis.exceptions import NoPermissionError

from verify_service.domain import limits
from verify_service.domain.diagnosis import (
    Callers,
    ConversionCount,
    DeviceBudget,
    Diagnosis,
    LimitUsage,
    Refusal,
    Restriction,
    Resumed,
    WindowUsage,
)
from verify_service.domain.ids import VerificationIds, is_pseudonym
from verify_service.domain.limits import NumberLimits, WideLimits
from verify_service.domain.models import Wait, Window, whole_seconds
from verify_service.domain.operator import WRONG_TOKENS, WrongTokens
from verify_service.domain.scopes import prefix_of
from verify_service.store import keys
from verify_service.store.connection.client import Command
from verify_service.store.connection.redis_errors import translated
from verify_service.store.functions import Functions
from verify_service.store.outbox import full_id

_SHOWN_LIMITS = (limits.PREFIX, limits.KNOWN_DEVICE, limits.COUNTRY, limits.DAY_TOTAL)
"""The limits over many numbers that a diagnosis shows, beside those of the apps."""
KEYS_PER_SCAN = 1000
"""COUNT of SCAN, and the keys of one function's call: Redis serves other clients in between."""
_LIMITS_WITH_KEYS = (*limits.WIDE_LIMITS, limits.KNOWN_DEVICE)


class RedisOperator:
    """Implements ``domain/operator.py``'s store. Every method raises StoreUnavailable."""

    def __init__(
        self,
        functions: Functions,
        ids: VerificationIds,
        number_limits: NumberLimits,
        wide_limits: WideLimits,
    ) -> None:
        self._functions = functions
        self._ids = ids
        self._number_limits = number_limits
        self._wide_limits = wide_limits

    def diagnose(
        self, number: str, country: str, apps: Sequence[str], *, test: bool = False
    ) -> Diagnosis:
        """Return a number's budgets, and what refuses its starts.

        Args:
            test: Whether it is a test number, for which no call is placed.
        """
        windows = self._wide_limits.windows
        limit_keys = keys.limits(number, country, "", "")
        shown_limits = [limit for limit in _SHOWN_LIMITS if windows(limit)]
        shown_apps = apps if windows(limits.APP) else ()
        declared = [
            keys.number(self._ids.tag(number)),
            keys.RESTRICTIONS,
            keys.BREAKER,
            *keys.conversions(number, country),
            *(limit_keys[limit] for limit in shown_limits),
            *(keys.limit(limits.APP, app) for app in shown_apps),
        ]
        start = {"number": number, "country": country, "limits": shown_limits, "test": test or None}
        shown = self._functions.call("show_number", declared, start)
        counted = (
            *((limit, "") for limit in shown_limits),
            *((limits.APP, app) for app in shown_apps),
        )
        return Diagnosis(
            number=number,
            country=country,
            budgets=tuple(map(self._budget, shown["budgets"])) if shown["kept"] else (),
            refusals=tuple(_refusals(shown)),
            allowed=_allowed(shown.get("rule")),
            uses=tuple(
                (limit, app, use)
                for (limit, app), usage in zip(counted, shown["usage"] or (), strict=True)
                for use in _uses(usage, windows(limit))
            ),
            shares=tuple(
                ConversionCount(count["limit"], count["started"], count["approved"])
                for count in shown["conversion"]
            ),
        )

    def unlock(self, number: str) -> int | None:
        """Delete a number's wrong guesses, which ends its lock.

        Returns:
            The number of guesses; None if the number has no state.
        """
        result = self._functions.call("unlock", [keys.number(self._ids.tag(number))], {})
        return int(result["forgotten"]) if result["kept"] else None

    def set_rule(self, scope: str, kind: str, duration: int = 0) -> int:
        """Set a rule for a prefix, or remove every restriction of a scope.

        Args:
            kind: ``block`` or ``allow``; ``none`` removes.
            duration: In seconds.

        Returns:
            The number of the scope's restrictions that were in force.
        """
        arguments = {"scope": scope, "kind": kind, "span": duration * 1000}
        result = self._functions.call("set_rule", [keys.RESTRICTIONS], arguments)
        return int(result["in_force"])

    def pause(self, duration: int) -> None:
        """Pause all calls for ``duration`` seconds."""
        self._functions.call("pause", [keys.RESTRICTIONS], {"span": duration * 1000})

    def resume(self) -> Resumed:
        """End every pause of calls; return what had paused them."""
        result = self._functions.call("resume", [keys.RESTRICTIONS, keys.BREAKER], {})
        return Resumed(operator=result["operator"], breaker=result["breaker"])

    def restrictions(self) -> list[Restriction]:
        """Return the restrictions in force: pauses first."""
        result = self._functions.call("list_restrictions", [keys.RESTRICTIONS, keys.BREAKER], {})
        restrictions = [_restriction(entry) for entry in result["entries"] or ()]
        restrictions.sort(key=lambda one: (one.kind != "pause", one.who, one.scope))
        if result["open"]:
            wait, since = whole_seconds(result["suspended"]), result.get("since", 0)
            pause = Restriction("breaker", "", "pause", wait, since=since)
            restrictions.insert(0, pause)
        return restrictions

    def full_limits(self) -> list[LimitUsage] | None:
        """Return the limits over many numbers that are full; None if SCAN is not permitted."""
        with translated():
            try:
                found = self._all_keys(f"{keys.LIMITS}*")
            except NoPermissionError:
                return None
        known = [key for key in found if keys.limit_of(key)[0] in _LIMITS_WITH_KEYS]
        usages = chain.from_iterable(map(self._limit_usage, _batches(known)))
        full = filter(lambda usage: usage.full, usages)
        return sorted(full, key=lambda one: (_LIMITS_WITH_KEYS.index(one.limit), one.scope))

    def limit_usage(self, scopes: Sequence[tuple[str, str]]) -> list[LimitUsage]:
        """Return how far limits over many numbers are used up, in one round trip.

        Args:
            scopes: Names of limits, each with a scope as in :class:`LimitUsage`.
        """
        declared = [
            keys.limit(name, keys.EVERY_NUMBER if name == limits.DAY_TOTAL else scope)
            for name, scope in scopes
            if self._wide_limits.windows(name)
        ]
        return list(self._limit_usage(declared)) if declared else []

    def _limit_usage(self, declared: Sequence[str]) -> Iterator[LimitUsage]:
        names = [keys.limit_of(key) for key in declared]
        conversions = [keys.conversion(scope) for name, scope in names if name == limits.PREFIX]
        shown = self._functions.call(
            "limit_usage", [*declared, *conversions], {"limits": [name for name, _ in names]}
        )
        of_prefixes = iter(shown["conversion"] or ())
        for (name, scope), usage in zip(names, shown["usage"], strict=True):
            uses = tuple(_uses(usage, self._wide_limits.windows(name)))
            counted = next(of_prefixes) if name == limits.PREFIX else {}
            yield LimitUsage(name, "" if name == limits.DAY_TOTAL else scope, uses, **counted)

    def reset(self, limit: str, scope: str) -> bool:
        """Delete the counts of a limit over many numbers; return whether there were any.

        Args:
            scope: As in :class:`LimitUsage`; of a client, also its network.
        """
        if limit == limits.CLIENT_IP and not is_pseudonym(scope):
            scope = self._ids.client(scope)
        names = [limit, limits.KNOWN_DEVICE] if limit == limits.PREFIX else [limit]
        scope = keys.EVERY_NUMBER if limit == limits.DAY_TOTAL else scope
        with translated():
            return bool(self._execute("DEL", *(keys.limit(name, scope) for name in names)))

    def erase(self, number: str) -> int:
        """Delete all data of a number; return the number of keys and rules.

        These are the keys with its tag, the Idempotency-Keys of its verifications, the operator's
        rules for a longer prefix than the limits use, and its events in the timeline and in the
        outboxes, which count as one key each. After an error some may be left; a second run
        deletes them.
        """
        tag = self._ids.tag(number)
        with translated():
            self._require_whole_slot()
            all_keys = self._all_keys(f"{keys.TAG}:*")
            found = [key for key in all_keys if self._belongs(key, tag)]
            events = self._events_of(tag)
            undelivered = self._undelivered_of(tag, all_keys)
            self._require_whole_slot()
            deleted = sum(self._execute("DEL", key) for key in found)
            for event in events:
                self._execute("LREM", keys.TIMELINE, 0, event)
            for command in undelivered:
                self._execute(*command)
            lengths = range(len(prefix_of(number)) + 1, len(number) + 1)
            fields = [f"rule {number[:length]}" for length in lengths]
            deleted += self._execute("HDEL", keys.RESTRICTIONS, *fields)
            return int(deleted + bool(events) + bool(undelivered))

    def count_wrong_token(self) -> WrongTokens:
        """Count a wrong token; see ``domain/operator.py``."""
        result = self._functions.call(
            "count_wrong_token", [keys.WRONG_TOKENS], {"span": WRONG_TOKENS.seconds * 1000}
        )
        return WrongTokens(result["count"], whole_seconds(result["wait"]))

    def _events_of(self, tag: str) -> list[str]:
        """Return a number's entries in the timeline."""
        texts = self._execute("LRANGE", keys.TIMELINE, 0, -1)
        entries = [text.split(" ") for text in texts]
        short_ids = {
            short_id
            for short_id, _, event, *details in entries
            if event == "started" and self._ids.locate(details[0]).tag == tag
        }
        return [text for text, entry in zip(texts, entries, strict=True) if entry[0] in short_ids]

    def _undelivered_of(self, tag: str, all_keys: Sequence[str]) -> list[Command]:
        """Return the commands that delete a number's events in the outboxes."""
        found: list[Command] = []
        for app in {app for key in all_keys if (app := keys.app_of_outbox(key))}:
            new, entries, due, age = keys.outbox(app)
            for text in self._execute("LRANGE", new, 0, -1):
                if self._tag_of(json.loads(text)) == tag:
                    found.append(("LREM", new, 0, text))
            flat = self._execute("HGETALL", entries)
            for short_id, text in zip(flat[::2], flat[1::2], strict=True):
                if self._tag_of(json.loads(text)["events"][0]) == tag:
                    found.append(("HDEL", entries, short_id))
                    found += [("ZREM", key, short_id) for key in (due, age)]
        return found

    def _tag_of(self, event: Mapping[str, Any]) -> str:
        return self._ids.locate(full_id(event)).tag

    def _require_whole_slot(self) -> None:
        """Raise while a cluster migrates our slot, since SCAN lists the keys of one node only.

        Redis then refuses a command with several keys that are missing.
        """
        self._execute("DEL", keys.WRITE_TEST, f"{keys.WRITE_TEST}:none")

    def _all_keys(self, pattern: str) -> list[str]:
        found: dict[str, None] = {}
        cursor = "0"
        while True:
            scan = ("SCAN", cursor, "MATCH", pattern, "COUNT", KEYS_PER_SCAN)
            cursor, page = self._execute(*scan)
            found.update(dict.fromkeys(page))
            if cursor == "0":
                return list(found)

    def _belongs(self, key: str, tag: str) -> bool:
        """Return whether a key contains a number's tag, or is an Idempotency-Key bound to it."""
        if key.startswith(keys.idempotency_key("")):
            binding = self._execute("GET", key)
            return bool(binding) and json.loads(binding).get("tag") == tag
        return tag in key.split(":")

    def _execute(self, *command: Any) -> Any:
        return self._functions.client.execute(*command)

    def _budget(self, shown: Mapping[str, Any]) -> DeviceBudget:
        limit = shown.get("limit")
        return DeviceBudget(
            shown.get("device", ""),
            shown["wrong_in_a_row"],
            Wait(limit, shown["wait"]) if limit else None,
            tuple(_uses(shown["starts"], self._number_limits.starts)),
            tuple(_uses(shown["failures"], self._number_limits.failures)),
        )


def _batches(found: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(found), KEYS_PER_SCAN):
        yield found[start : start + KEYS_PER_SCAN]


def _uses(usage: Sequence[Mapping[str, Any]], windows: Sequence[Window]) -> Iterator[WindowUsage]:
    for use, window in zip(usage, windows, strict=True):
        yield WindowUsage(use["used"], window, whole_seconds(use["wait"]))


def _refusals(shown: Mapping[str, Any]) -> Iterator[Refusal]:
    """Yield what refuses starts: all starts, or those of strangers or known devices only."""
    if (rule := shown.get("rule")) and rule["kind"] == "block":
        yield Refusal("rule", rule["prefix"], whole_seconds(rule["wait"]))
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
    return Refusal(entry["limit"], entry["scope"], whole_seconds(entry["wait"]))


def _allowed(rule: Mapping[str, Any] | None) -> int:
    return whole_seconds(rule["wait"]) if rule and rule["kind"] == "allow" else 0


def _restriction(entry: Mapping[str, Any]) -> Restriction:
    """Read an entry of ``lua/includes/restrictions.lua``."""
    guard, _, scope = entry["field"].partition(" ")
    names = {"rule": "operator", "pause": "operator", "alarm": scope}
    return Restriction(
        names.get(guard, guard),
        scope,
        entry["kind"],
        whole_seconds(entry["wait"]),
        entry.get("level", 0),
        entry.get("total", 0),
        entry.get("count", 0),
        entry.get("since") or 0,
    )
