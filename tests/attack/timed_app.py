"""The service as shipped, but for one line: its scripts read the time from a key.

``gunicorn tests.attack.timed_app:app``. So days of an attack pass in seconds, for all processes.
"""

from __future__ import annotations

from tests.attack.town import CLOCK_KEY
from verify_service.store import scripts

OWN_CLOCK = "local NOW = clock()"
_shipped = scripts.source


def _timed(name: str) -> str:
    text = _shipped(name)
    assert text.count(OWN_CLOCK) == 1
    return text.replace(OWN_CLOCK, f"local NOW = tonumber(redis.call('GET', '{CLOCK_KEY}'))")


scripts.source = _timed

from wsgi import app  # noqa: E402

__all__ = ["app"]
