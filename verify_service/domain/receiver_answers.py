"""What to do about a receiver's answer to an event, by its HTTP status."""

from __future__ import annotations

from collections.abc import Mapping

_SIGNATURE = (
    "The receiver does not accept the signature. Compare its secret with WEBHOOK_SECRETS. It has "
    "to verify the bytes of the body as they arrived, before anything parses them."
)
_BY_STATUS: Mapping[int, str] = {
    400: "The receiver refuses the event; its log has the reason. It has to answer 2xx to a type "
    "that it does not know.",
    401: _SIGNATURE,
    403: _SIGNATURE,
    404: "Nothing receives events at this address: compare its path in WEBHOOKS.",
    405: "The address in WEBHOOKS does not accept POST.",
    410: "The receiver wants no events: after this answer no event is posted for a day, or until "
    "`webhook on`.",
    413: "The receiver accepts only shorter bodies. An event has less than 2 kB.",
    415: "The receiver does not accept application/json.",
    422: "The receiver cannot read the body. docs/events.md has its fields.",
    429: "The receiver limits requests. A Retry-After in its answer is honored.",
}
_BY_CLASS: Mapping[int, str] = {
    3: "Redirects are not followed, because they could lead events elsewhere: write the final "
    "address into WEBHOOKS.",
    4: "The receiver refuses the event; its log has the reason.",
    5: "The receiver failed, or a proxy before it: its log has the reason.",
}


def remedy(http: int) -> str:
    """Return what to do; empty for 2xx, and for a status that no class of HTTP has."""
    return _BY_STATUS.get(http) or _BY_CLASS.get(http // 100, "")
