"""Signing in: one token, and a cookie that contains the end of the session and its signature.

Nothing is stored. The signature's key is the token, so another token ends all sessions.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable

from verify_service.domain.keyed_hash import KeyedHash

COOKIE = "verify_console"
SESSION_SECONDS = 4 * 3_600
"""Half a working day: a browser that is left open shows nothing on the next one."""
_SIGNED_BYTES = 32
_COOKIE = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{43})\Z")


class Sessions:
    """The sessions of one token.

    Args:
        token: CONSOLE_TOKEN.
        clock: Unixtime in seconds.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.time) -> None:
        self._token = token.encode()
        self._signature = KeyedHash(self._token)
        self._clock = clock

    def is_token(self, given: str) -> bool:
        """Return whether this is the token. The time does not depend on how much of it is right."""
        return hmac.compare_digest(self._token, given.encode("utf-8", "surrogatepass"))

    def begin(self) -> str:
        """Return the cookie of a new session."""
        end = str(int(self._clock()) + SESSION_SECONDS)
        return f"{end}.{self._signed(end)}"

    def is_open(self, cookie: str | None) -> bool:
        """Return whether the cookie is one of ours, and its session has not ended."""
        match = _COOKIE.match(cookie or "")
        if match is None:
            return False
        ours = hmac.compare_digest(self._signed(match[1]), match[2])
        return ours and self._clock() < int(match[1])

    def _signed(self, end: str) -> str:
        return self._signature.text(f"console session until {end}".encode(), _SIGNED_BYTES)
