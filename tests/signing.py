"""Signs events as the specification of Standard Webhooks defines it, without its library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from tests.client.said import verification

SECRET = "whsec_" + base64.b64encode(b"a key of a test, of 32 bytes....").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another key, also of 32 bytes...").decode()


def event(kind: str = "verification.undelivered", **fields: Any) -> dict[str, Any]:
    """Return the body of an event; ``fields`` change its verification, None takes one away."""
    return {
        "type": kind,
        "timestamp": "2026-11-26T08:47:25.123Z",
        "data": verification(**fields),
    }


def signature(secret: str, event_id: str, sent_at: int, body: bytes) -> str:
    """Return the signature with one secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{event_id}.{sent_at}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def signed(
    body: bytes | dict[str, Any],
    *secrets: str,
    event_id: str = "evt_AbC-_123_1",
    age: int = 0,
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a request that the service could have sent.

    Args:
        secrets: Each signs; SECRET where there is none.
        age: Seconds since it was sent.
    """
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent_at = int(time.time()) - age
    made = [signature(secret, event_id, sent_at, raw) for secret in secrets or (SECRET,)]
    headers = {
        "Content-Type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": " ".join(made),
    }
    return headers, raw
