"""The breaker's few fields in Redis, which all processes share."""

from __future__ import annotations

import redis

from verify_service.breaker import Gate, GateState, Sign
from verify_service.models import Window
from verify_service.policy import Policy
from verify_service.store import keys
from verify_service.store.scripts import Scripts, encode, once_more, translated

LONGEST = 300
"""Seconds that calls are paused at most between two probes: so long a provider that works again
may be left alone."""
REPEATED = 60
"""Seconds for which what a report came to is kept. It comes again within a few, if at all; a Redis
that hung meanwhile may do both of them when it wakes."""
REMEMBERED = 600
"""Seconds after which a run of failures is none any more, and a pause is over anyhow."""


class RedisBreaker:
    """Every method is one round trip, and raises StoreUnavailable where Redis does not answer.

    Args:
        client: The store's.
        policy: As all scripts take it.
        tolerance: How many failures in a row pause calls, and for how many seconds at first.
        probing: Seconds after which a probe is given up: more than one can be under way.
    """

    def __init__(
        self, client: redis.Redis, policy: Policy, tolerance: Window, probing: float
    ) -> None:
        self._client = client
        self._scripts = Scripts(client, encode(policy))
        self._tolerance = tolerance
        self._probing = round(probing * 1000)

    def admit(self, token: str) -> Gate:
        """Ask whether a call may be placed; take the probe where there is one to take.

        Args:
            token: Of the start that asks: no other has the same.
        """
        state, number = self._scripts.run(
            *("breaker_admit", [keys.breaker()], keys.slot(keys.WIDE), token),
            *(self._probing, REMEMBERED * 1000),
        )
        if state == GateState.OPEN:
            return Gate(GateState.OPEN, wait=number)
        return Gate(GateState(state), failures=number)

    def report(self, sign: Sign, token: str) -> float | None:
        """Tell what a call said of the provider, once.

        Args:
            token: Of the start whose call it was: a probe is known by it.

        Returns:
            Seconds for which calls are paused from now on, if they are because of this; 0 where
            this ended a pause; None where nothing changed.
        """
        change, pause = self._scripts.run(
            *("breaker_report", [keys.breaker(), keys.reported(token)], keys.slot(keys.WIDE)),
            *(token, sign, self._tolerance.count, self._tolerance.seconds * 1000),
            *(LONGEST * 1000, REMEMBERED * 1000, REPEATED * 1000),
        )
        if change == "opened":
            return float(pause) / 1000
        return 0.0 if change == "closed" else None

    def is_open(self) -> bool:
        """Tell whether calls are paused."""
        with translated():
            return bool(once_more(lambda: self._client.hexists(keys.breaker(), "until")))
