"""The breaker's two fields in Redis, which all processes share."""

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
REMEMBERED = 600
"""Seconds after which a run of failures is none any more, and a pause is over anyhow."""


class RedisBreaker:
    """Every method is one round trip, and raises StoreUnavailable where Redis does not answer.

    Args:
        client: The store's.
        policy: As all scripts take it.
        tolerance: How many failures in a row pause calls, and for how many seconds at first.
        probing: Seconds that a probe can take.
    """

    def __init__(
        self, client: redis.Redis, policy: Policy, tolerance: Window, probing: float
    ) -> None:
        self._client = client
        self._scripts = Scripts(client, encode(policy))
        self._tolerance = tolerance
        self._probing = round(probing * 1000)

    def admit(self) -> Gate:
        """Ask whether a call may be placed; take the probe where there is one to take."""
        state, number = self._scripts.run("breaker_admit", *self._place, self._probing)
        if state == GateState.OPEN:
            return Gate(GateState.OPEN, wait=number)
        return Gate(GateState(state), failures=number)

    def report(self, sign: Sign, *, probe: bool) -> float | None:
        """Tell what a call said of the provider.

        Returns:
            Seconds for which calls are paused from now on, if they are because of this; 0 where
            this ended a pause; None where nothing changed.
        """
        change, *pause = self._scripts.run(
            "breaker_report",
            *self._place,
            *(sign, int(probe), self._tolerance.count),
            *(self._tolerance.seconds * 1000, LONGEST * 1000, REMEMBERED * 1000),
        )
        if change == "opened":
            return float(pause[0]) / 1000
        return 0.0 if change == "closed" else None

    def is_open(self) -> bool:
        """Tell whether calls are paused."""
        with translated():
            return bool(once_more(lambda: self._client.hexists(keys.breaker(), "until")))

    @property
    def _place(self) -> tuple[list[str], str]:
        return [keys.breaker()], keys.slot(keys.WIDE)
