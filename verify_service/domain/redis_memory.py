"""How much memory Redis uses, and whether it evicts keys when there is no more."""

from __future__ import annotations

from dataclasses import dataclass

from verify_service.domain.figures import number

NOEVICTION = "noeviction"
LOST_BY_EVICTION = (
    "Limits, wrong guesses, locks and known devices of some numbers may count from zero."
)
WHY_MEMORY_FIRST = "with noeviction and a full memory, every start and check is refused."
MEGABYTE = 1024 * 1024
"""As in the configuration of Redis, where a maximum is written as ``100mb``."""


@dataclass(frozen=True, slots=True)
class RedisMemory:
    """What INFO says of it. As text: ``3.9 of 3.9 MB, noeviction; evicted 1,740``.

    Attributes:
        used: Bytes.
        maximum: ``maxmemory`` in bytes; 0 if there is none.
        policy: ``maxmemory-policy``.
        evicted: Keys that were evicted since Redis started.
    """

    used: int
    maximum: int
    policy: str
    evicted: int

    @property
    def usage(self) -> str:
        """``3.9 of 3.9 MB``, or ``3.9 MB without a maximum``."""
        used = f"{self.used / MEGABYTE:,.1f}"
        if not self.maximum:
            return f"{used} MB without a maximum"
        return f"{used} of {self.maximum / MEGABYTE:,.1f} MB"

    def __str__(self) -> str:
        return f"{self.usage}, {self.policy}; evicted {number(self.evicted)}"
