"""How one simulator is set up."""

import math
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MAX_HANG = 600
"""Seconds."""


@dataclass(frozen=True)
class SandboxConfig:
    """The simulator's settings.

    access_key: the token a client must send. Keys that begin with `sandbox-` are test keys, as card
        processors have them: a service in production refuses them.
    app_key: the `appKey` of every callback.
    callback_url: where callbacks go; None sends none, as an account without a callback URL.
    callback_delay: seconds from the answer to the callback.
    caller_prefix: digits of the calling number before the code. The default is the page's example.
    slow_answer: seconds that a slow answer takes.
    drip: seconds from byte to byte of an answer that drips.
    hang: seconds after which an answer that drips or does not come is given up.
    late_callback: seconds from the answer to a late callback. The default is over a minute: what a
        call of half a minute and a grace of as much leave.

    Raises:
        ValueError: a value that cannot work; names the field, never shows a key.
    """

    access_key: str = field(default="sandbox-access-key", repr=False)
    app_key: str = field(default="sandbox-app-key", repr=False)
    callback_url: str | None = None
    callback_delay: float = 1.0
    caller_prefix: str = "7917913"
    slow_answer: float = 2.0
    drip: float = 1.0
    hang: float = 60.0
    late_callback: float = 65.0

    def __post_init__(self) -> None:
        # A header carries nothing else safely; "user:password" is one such text.
        _require(re.fullmatch("[!-~]+", self.access_key), "access key: printable ASCII, no spaces")
        _require(self.app_key, "app key: must not be empty")
        _require(
            self.callback_url is None or _is_http(self.callback_url),
            "callback URL: must begin with http:// or https:// and name a host",
        )
        for name in ("callback_delay", "slow_answer", "drip", "late_callback"):
            words = name.replace("_", " ")
            _require(0 <= getattr(self, name) < math.inf, f"{words}: seconds, 0 or more")
        # Longer than any client waits, and an end to it all the same.
        _require(0 < self.hang <= MAX_HANG, f"hang: seconds, more than 0 and at most {MAX_HANG}")
        # With the four digits of the code an E.164 number, which has at most 15.
        _require(re.fullmatch("[0-9]{1,11}", self.caller_prefix), "caller prefix: 1 to 11 digits")


def _require(truth: object, complaint: str) -> None:
    if not truth:
        raise ValueError(complaint)


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
