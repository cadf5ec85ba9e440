"""The results of the checks before a release, some of which are repeated while it serves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from verify_service.domain.redis_memory import RedisMemory

EVICTION, PERSISTENCE, FAILOVER = "eviction", "persistence", "failover"
"""The names of the checks that are repeated while a release serves."""

PROVIDER, WEBHOOKS = "Provider", "Webhooks"
"""The headings of the checks whether the provider and the receivers can be reached."""


class Severity(StrEnum):
    """What a result means for the release."""

    GOOD = "ok"
    WARNING = "warning"
    """The service works, with weaker guarantees."""
    ERROR = "error"
    """The service would not work."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One sentence for the operator. It contains no secret.

    Attributes:
        about: The heading: ``Settings``, ``Redis`` …
        name: A stable word for programs, if the check is repeated while the release serves.
        outage: Of an error that stops the service while it lasts: the state of Redis, for example
            ``cannot be reached``.
        memory: How much Redis uses, in the result that says so.
    """

    severity: Severity
    about: str
    sentence: str
    name: str = ""
    outage: str = ""
    memory: RedisMemory | None = None
