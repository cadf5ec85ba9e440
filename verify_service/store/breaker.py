"""The breaker's few fields in Redis, which all processes share.

A start meets them in the script that lets it through (``gate.lua``), and what its call says of the
provider travels with its record: neither costs an exchange.
"""

from __future__ import annotations

import redis

from verify_service.breaker import Sign
from verify_service.guards.limits import WidePolicy
from verify_service.ids import IdMint
from verify_service.store import keys
from verify_service.store.scripts import Command, Scripts, encode_wide, once_more, translated


class RedisBreaker:
    """Every method but :meth:`report` is one round trip.

    They raise StoreUnavailable where Redis does not answer.

    Args:
        client: The store's.
        ids: Which know a start's own name.
        policy: The store's, with the breaker's tolerance in it.
    """

    def __init__(self, client: redis.Redis, ids: IdMint, policy: WidePolicy) -> None:
        self._client = client
        self._ids = ids
        self._scripts = Scripts(client, encode_wide(policy))

    def report(self, verification_id: str, sign: Sign) -> Command:
        """Return what tells the breaker what the call of this verification said of the provider.

        It counts once, however often it comes: a repeat is told the same. Its reply is a notice.
        """
        address = self._ids.located(verification_id)
        names = [keys.breaker(), keys.reported(address.own)]
        wide = keys.slot(keys.WIDE)
        return self._scripts.command(
            "breaker_report", names, wide, address.own, sign, repeatable=True
        )

    def leave(self, verification_id: str) -> None:
        """Leave the probe that this start was to the next: it came to no call."""
        self._scripts.send(self.report(verification_id, Sign.NOTHING))

    def is_open(self) -> bool:
        """Tell whether calls are paused."""
        with translated():
            return bool(once_more(lambda: self._client.hexists(keys.breaker(), "until")))
