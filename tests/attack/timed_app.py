"""The service as shipped, except that its functions read the time from a key.

``gunicorn tests.attack.timed_app:app``. So days of an attack take seconds, for all processes.
"""

from __future__ import annotations

from tests.attack.town import CLOCK_KEY
from verify_service.store import functions

CLOCK = "includes/decision.lua"
OWN_CLOCK = "  local time = redis.call('TIME')\n"
_shipped = functions.source


def _timed(path: str) -> str:
    text = _shipped(path)
    if path == CLOCK:
        assert text.count(OWN_CLOCK) == 1
        kept = f"  do return tonumber(redis.call('GET', '{CLOCK_KEY}')) end\n"
        text = text.replace(OWN_CLOCK, kept + OWN_CLOCK)
    return text


functions.source = _timed

from wsgi import app  # noqa: E402

__all__ = ["app"]
