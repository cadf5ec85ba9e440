"""The operator's hand over Redis. Nothing here is hurried: each step is a round trip."""

from __future__ import annotations

import redis

from verify_service.guards.hand import Held, Lane
from verify_service.guards.limits import WidePolicy
from verify_service.ids import IdMint
from verify_service.models import Wait
from verify_service.policy import Policy
from verify_service.store import keys
from verify_service.store.erasure import erase
from verify_service.store.scripts import Scripts, encode, encode_wide, translated


class RedisHand:
    """What an operator may look at and change. Every method raises StoreUnavailable."""

    def __init__(self, client: redis.Redis, ids: IdMint, policy: Policy, wide: WidePolicy) -> None:
        self._client = client
        self._ids = ids
        self._own = Scripts(client, encode(policy))
        self._wide = Scripts(client, encode_wide(wide))

    def lanes(self, number: str) -> list[Lane]:
        """Return what a number may still do; the strangers' lane comes first."""
        tag = self._ids.tag(number)
        return [
            Lane(device, run, failures, starts, Wait(limit, wait) if limit else None)
            for device, run, failures, starts, limit, wait in self._own.run(
                "look", [keys.number(tag)], keys.slot(tag)
            )
        ]

    def unlock(self, number: str) -> int:
        """End lock, runs and failures; return how many lanes had any."""
        tag = self._ids.tag(number)
        (ended,) = self._own.run("unlock", [keys.number(tag)], keys.slot(tag))
        return int(ended)

    def erase(self, number: str) -> int:
        """Delete everything that is kept of a number; return how many things there were."""
        with translated():
            return erase(self._client, self._ids, number)

    def rule(self, prefix: str, kind: str, seconds: int = 0) -> int:
        """Block or allow a prefix for a time, or (``none``) let the limits decide again."""
        arguments = (keys.WIDE, prefix, kind, seconds * 1000)
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
        paused, *rest = self._wide.run("held", [keys.rules(), keys.pause()], keys.WIDE)
        everything = [Held("operator", "all calls", "paused", Wait("", paused).seconds)]
        names = {"rule": "operator", "alarm": "guard"}
        return (everything if paused else []) + [
            Held(names.get(who, who), place, kind, Wait("", wait).seconds)
            for who, place, kind, wait in sorted(rest)
        ]
