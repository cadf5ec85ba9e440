"""The simulator's settings."""

import math
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# Seconds. Longer than any client waits.
MAX_HANG = 600


@dataclass(frozen=True)
class SandboxConfig:
    """The settings of one simulator. Durations are seconds.

    Attributes:
        access_key: The token that a client must send. A key that begins with `sandbox-` is a test
            key: a service in production refuses it.
        app_key: The `appKey` of every callback.
        callback_url: Where callbacks are sent. None: no callbacks are sent.
        callback_delay: From the answer to the callback.
        caller_prefix: Digits of the calling number before the code. The default is the example on
            the provider's page.
        slow_answer: Before a slow answer.
        drip: Between two bytes of a dripping answer.
        hang: After which a dripping or missing answer ends.
        late_callback: From the answer to a late callback. The default is longer than a call of
            30 s plus a grace period of 30 s.

    Raises:
        ValueError: A value is not valid. The message names the field and never shows a key.
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
        # Only these characters are safe in a header. "user:password" is valid.
        _require(re.fullmatch("[!-~]+", self.access_key), "access key: printable ASCII, no spaces")
        _require(self.app_key, "app key: must not be empty")
        _require(
            self.callback_url is None or _is_http(self.callback_url),
            "callback URL: must begin with http:// or https:// and contain a host",
        )
        for name in ("callback_delay", "slow_answer", "drip", "late_callback"):
            label = name.replace("_", " ")
            _require(0 <= getattr(self, name) < math.inf, f"{label}: seconds, 0 or more")
        _require(0 < self.hang <= MAX_HANG, f"hang: seconds, more than 0 and at most {MAX_HANG}")
        # An E.164 number has at most 15 digits, and four of them are the code.
        _require(re.fullmatch("[0-9]{1,11}", self.caller_prefix), "caller prefix: 1 to 11 digits")


def _require(condition: object, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
