"""The operator's hand over Redis. Nothing here is hurried: each step is a round trip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import redis

from verify_service.guards import limits
from verify_service.guards.limits import WidePolicy
from verify_service.guards.outlook import Held, Lane, Share, Use
from verify_service.guards.places import prefix_of
from verify_service.ids import IdMint
from verify_service.models import Wait, Window
from verify_service.policy import Policy
from verify_service.store import keys
from verify_service.store.erasure import erase
from verify_service.store.scripts import Scripts, encode, encode_wide, translated

Used = tuple[str, str, Use]
"""A limit, the app if it is an app's, and one of its windows."""


class RedisHand:
    """What an operator may look at and change. Every method raises StoreUnavailable."""

    def __init__(self, client: redis.Redis, ids: IdMint, policy: Policy, wide: WidePolicy) -> None:
        self._client = client
        self._ids = ids
        self._own = Scripts(client, encode(policy))
        self._wide = Scripts(client, encode_wide(wide))
        self._policy = policy
        self._wide_policy = wide

    def lanes(self, number: str) -> list[Lane]:
        """Return what a number may still do, the strangers' lane first; none if nothing is kept."""
        tag = self._ids.tag(number)
        kept, *lanes = self._own.run("look", [keys.number(tag)], keys.slot(tag))
        return [self._lane(lane) for lane in lanes] if kept else []

    def unlock(self, number: str) -> int | None:
        """End lock, runs and failures; return how many guesses, or None if nothing is kept."""
        tag = self._ids.tag(number)
        kept, forgotten = self._own.run("unlock", [keys.number(tag)], keys.slot(tag))
        return int(forgotten) if kept else None

    def erase(self, number: str) -> int:
        """Delete everything that is kept of a number; return how many things there were."""
        with translated():
            return erase(self._client, self._ids, number)

    def rule(self, place: str, kind: str, seconds: int = 0) -> int:
        """Block or allow a prefix for a time, or (``none``) end what holds for a place.

        Returns:
            How many entries held until now.
        """
        arguments = (keys.WIDE, place, kind, seconds * 1000)
        (before,) = self._wide.run("rule", [keys.rules()], *arguments)
        return int(before)

    def pause(self, seconds: int) -> None:
        """Let nobody be called for so long."""
        with translated():
            self._client.set(keys.pause(), "", ex=seconds)

    def resume(self) -> bool:
        """Let calls be placed again; return whether they were paused."""
        with translated():
            return bool(self._client.delete(keys.pause()))

    def held(self) -> list[Held]:
        """Return what is blocked, allowed, paused and under alarm."""
        held, _ = self._held({})
        return held

    def around(
        self, number: str, country: str, apps: Sequence[str]
    ) -> tuple[list[Held], list[Used], list[Share]]:
        """Return what holds, and what is counted where a number's starts are."""
        windows = dict(self._windows(number, country, apps))
        guarded = {
            keys.conversion(prefix_of(number)): limits.PREFIX,
            keys.conversion(country): limits.COUNTRY,
        }
        held, places = self._held(
            {key: limit for key, (limit, _) in windows.items()}
            | {key: f"{limits.CONVERSION} {limit}" for key, limit in guarded.items()}
        )
        uses = [
            (limit, app, use)
            for (limit, app), flat in zip(windows.values(), places[: len(windows)], strict=True)
            for use in _uses(flat, self._wide_policy.windows(limit))
        ]
        shares = [
            Share(limit, started, approved, bool(poor))
            for limit, (started, approved, poor) in zip(
                guarded.values(), places[len(windows) :], strict=True
            )
        ]
        return held, uses, shares

    def _windows(
        self, number: str, country: str, apps: Sequence[str]
    ) -> Iterator[tuple[str, tuple[str, str]]]:
        places = [
            (limits.PREFIX, prefix_of(number), ""),
            (limits.KNOWN, prefix_of(number), ""),
            (limits.COUNTRY, country, ""),
            *((limits.APP, app, app) for app in apps),
            (limits.DAY_TOTAL, "all", ""),
        ]
        for limit, place, app in places:
            if self._wide_policy.windows(limit):
                yield keys.limit(limit, place), (limit, app)

    def _held(self, places: dict[str, str]) -> tuple[list[Held], list[Any]]:
        """Return what holds, and the counts of places, given each key's limit."""
        names = [keys.rules(), keys.pause(), *places]
        paused, entries, counts = self._wide.run("held", names, keys.WIDE, *places.values())
        pause = [Held("operator", "", "pause", Wait("", paused).seconds)] if paused else []
        return pause + [_entry(entry) for entry in sorted(entries)], counts

    def _lane(self, reply: list[Any]) -> Lane:
        device, run, limit, wait, starts, guesses = reply
        return Lane(
            device,
            run,
            Wait(limit, wait) if limit else None,
            tuple(_uses(starts, self._policy.starts)),
            tuple(_uses(guesses, self._policy.failures)),
        )


def _entry(reply: list[Any]) -> Held:
    who, place, kind, milliseconds, level, of, were = reply
    names = {"rule": "operator", "alarm": place}
    seconds = Wait("", milliseconds).seconds
    return Held(names.get(who, who), place, kind, seconds, level, of, were)


def _uses(flat: list[int], windows: tuple[Window, ...]) -> Iterator[Use]:
    for used, frees, window in zip(flat[::2], flat[1::2], windows, strict=True):
        yield Use(used, window, Wait("", frees).seconds)
