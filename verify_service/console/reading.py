"""What a page of the console is read from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from verify_service.domain.errors import OUT_OF_MEMORY, StoreUnavailable
from verify_service.domain.models import Readiness
from verify_service.domain.operator import Operator
from verify_service.domain.prices import Prices
from verify_service.domain.redis_memory import RedisMemory
from verify_service.domain.situation import Situation, completed


@dataclass(frozen=True, slots=True)
class Sources:
    """What the page is read from.

    Attributes:
        operator: The counts, the timeline and what is blocked.
        readiness: Returns whether Redis takes writes, and its warnings.
        prices: What a call costs.
        ringing_seconds: How long the provider lets a phone ring.
        secret_callback_path: Whether the path of callbacks ends in a secret.
        memory: Returns how much memory Redis uses.
        redis_answered_at: Returns when Redis last answered this process: unixtime; 0 if never.
        warned_since: Returns since when this process knows of each warning: unixtime, by its name.
        refused_callbacks: Returns how many callbacks this machine has refused, by the reason.
    """

    operator: Operator
    readiness: Callable[[], Readiness]
    prices: Prices
    ringing_seconds: float
    secret_callback_path: bool
    memory: Callable[[], RedisMemory | None]
    redis_answered_at: Callable[[], float]
    warned_since: Callable[[], Mapping[str, float]]
    refused_callbacks: Callable[[], Mapping[str, int]]


def read(sources: Sources) -> Situation:
    """Read everything that the page shows.

    Four exchanges; one more if an app has an address for its events, and one while limits refuse.
    """
    situation = Situation(
        now=int(time.time() * 1000),
        redis_answered_at=sources.redis_answered_at(),
        refused_callbacks=sources.refused_callbacks(),
        secret_callback_path=sources.secret_callback_path,
        dry_run=sources.operator.limits.dry_run,
        ringing_seconds=sources.ringing_seconds,
    )
    try:
        warnings = sources.readiness().warnings
        situation = replace(situation, warnings=warnings, warned_since=sources.warned_since())
    except StoreUnavailable as error:
        situation = replace(situation, redis_problem=error.state)
    if situation.redis_problem in ("", OUT_OF_MEMORY):  # else Redis does not answer, or wrongly
        situation = replace(situation, memory=sources.memory())
    return completed(situation, sources.operator)
