"""What is wrong with Redis: it does not work, it evicts keys, or its end loses data."""

from __future__ import annotations

from collections.abc import Iterator

from verify_service.domain.check_result import EVICTION, CheckResult
from verify_service.domain.errors import OUT_OF_MEMORY
from verify_service.domain.figures import moment, number
from verify_service.domain.finding import Finding, Level
from verify_service.domain.redis_memory import (
    LOST_BY_EVICTION,
    NOEVICTION,
    WHY_MEMORY_FIRST,
    RedisMemory,
)
from verify_service.domain.situation import Situation

_NOTHING_WORKS = "No call is placed and no code is accepted."
_RAISE = "`redis-cli CONFIG SET maxmemory <more>` (docs/operate.md#sizing says how much)"
_SET_NOEVICTION = "`redis-cli CONFIG SET maxmemory-policy noeviction`"
_IN_ORDER = f"First {_RAISE}. Then {_SET_NOEVICTION}: {WHY_MEMORY_FIRST}"
_MAY_LOSE, _UNREADABLE = "verifyredismaylosedata", "verifyredisunreadable"


def redis_findings(situation: Situation) -> Iterator[Finding]:
    """Yield what is wrong with Redis, and that it has evicted keys."""
    if situation.redis_problem == OUT_OF_MEMORY:
        yield _full(situation.memory)
    elif situation.redis_problem:
        yield _outage(situation)
    for warning in situation.warnings:
        since = round(situation.warned_since.get(warning.name, 0) * 1000)
        yield _weak(warning, situation.memory, since)
    evicts = any(warning.name == EVICTION for warning in situation.warnings)
    if situation.memory and situation.memory.evicted and not evicts:
        yield _evicted(situation.memory)


def _full(memory: RedisMemory | None) -> Finding:
    now = f", now {memory.usage}" if memory else ""
    policy = "`maxmemory-policy` stays noeviction: another one would delete limits and codes."
    if memory and memory.policy != NOEVICTION:
        policy = f"Then {_SET_NOEVICTION}."
    return Finding(
        Level.BAD,
        f"Redis {OUT_OF_MEMORY}",
        _NOTHING_WORKS,
        f"Raise `maxmemory`{now}: {_RAISE}. {policy}",
        "health",
        runbook=_UNREADABLE,
    )


def _outage(situation: Situation) -> Finding:
    answered = round(situation.redis_answered_at * 1000)
    last = f" It last answered this process at {moment(answered)}." if answered else ""
    return Finding(
        Level.BAD,
        f"Redis {situation.redis_problem}",
        f"{_NOTHING_WORKS}{last}",
        "Look at Redis: whether it runs, and the network to it. When Redis works again, so does "
        "the service.",
        "health",
        answered,
        runbook=_UNREADABLE,
    )


def _weak(warning: CheckResult, memory: RedisMemory | None, since: int) -> Finding:
    level, title, detail = Level.WARNING, "Redis may lose data", warning.sentence
    remedy = "docs/reliability.md says which settings keep the guarantees."
    if warning.name == EVICTION:
        level, (title, detail, remedy) = Level.BAD, _eviction(warning, memory)
    return Finding(
        level,
        title,
        detail,
        remedy,
        "health",
        since,
        since_words="This process knows it since",
        runbook=_MAY_LOSE,
    )


def _eviction(warning: CheckResult, memory: RedisMemory | None) -> tuple[str, str, str]:
    """Return title, detail and remedy: the order matters once memory is full."""
    if memory and memory.evicted:
        title = f"Redis evicts keys: {number(memory.evicted)} so far, memory {memory.usage}"
        return title, f"maxmemory-policy is {memory.policy}. {LOST_BY_EVICTION}", _IN_ORDER
    detail = warning.sentence
    if memory:
        detail = (
            f"maxmemory-policy is {memory.policy}, and memory {memory.usage}. When it is full, "
            "Redis evicts keys, and with them the limits and the counts of guesses."
        )
    remedy = f"{_SET_NOEVICTION}. If memory is nearly full, first {_RAISE}."
    return "Redis may evict limits and codes", detail, remedy


def _evicted(memory: RedisMemory) -> Finding:
    return Finding(
        Level.NOTE,
        f"Redis has evicted {number(memory.evicted)} keys",
        LOST_BY_EVICTION,
        "It evicts none now. Redis counts them until it restarts.",
        "health",
        runbook=_MAY_LOSE,
    )
