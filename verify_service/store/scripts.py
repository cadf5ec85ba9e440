"""Loads each Lua file once and prepares the one argument all scripts share: the policy."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from verify_service import policy as names

if TYPE_CHECKING:
    import redis
    from redis.commands.core import Script

    from verify_service.models import Window
    from verify_service.policy import Policy

_SHARED = ("base", "number", "verification", "calls")
_DECISIONS = ("reserve", "record", "check", "status", "cancel", "callback")


class Scripts:
    """The store's decisions, each one script, each one round trip.

    redis-py's ``Script`` sends the digest, and the text once more where the server has lost it.
    """

    def __init__(self, client: redis.Redis, policy: Policy) -> None:
        self._policy = encode(policy)
        self._scripts: dict[str, Script] = {
            name: client.register_script(source(name)) for name in _DECISIONS
        }

    def run(self, name: str, keys: list[str], *args: str | int) -> Any:
        """Run one decision; its header says what it takes and returns."""
        return self._scripts[name](keys=keys, args=[self._policy, *args])


def source(name: str) -> str:
    """Return a decision's Lua text with the shared parts in front."""
    folder = files("verify_service.store") / "lua"
    return "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in (*_SHARED, name))


def encode(policy: Policy) -> str:
    """Return the policy as the scripts read it: JSON, durations in milliseconds."""
    windows = (*policy.starts, *policy.failures)
    # What the number's key has to outlive: the longest thing any field of it is asked for.
    longest = max(
        names.DAY,
        policy.code_ttl + names.READABLE_SECONDS,
        *policy.cooldowns,
        *(window.seconds for window in windows),
    )
    most = max(*(window.count for window in windows), len(policy.cooldowns))
    return json.dumps(
        {
            "cooldowns": [_milliseconds(pause) for pause in policy.cooldowns],
            "starts": _windows(policy.starts),
            "failures": _windows(policy.failures),
            "lock": policy.lock_after,
            "lock_for": _milliseconds(names.LOCK_SECONDS),
            "waivers": names.WAIVERS_PER_DAY,
            "day": _milliseconds(names.DAY),
            "deadline": _milliseconds(policy.deadline),
            "ttl": _milliseconds(policy.code_ttl),
            "checks": policy.max_checks,
            "readable": _milliseconds(names.READABLE_SECONDS),
            "waiting": names.WAITING_CALLBACKS,
            "waiting_for": _milliseconds(names.WAITING_SECONDS),
            "horizon": _milliseconds(longest),
            "kept": max(most, names.WAIVERS_PER_DAY, names.WAITING_CALLBACKS + 1),
        },
        separators=(",", ":"),
    )


def _windows(windows: tuple[Window, ...]) -> list[list[int]]:
    return [[window.count, _milliseconds(window.seconds)] for window in windows]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
