"""Reads the events that verify-service posts to a login flow, and refuses forged ones.

An event is signed as Standard Webhooks define it. See ``docs/events.md``.
"""

from __future__ import annotations

import base64
import hmac
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from standardwebhooks import Webhook

from verify_service.client.models import Verification
from verify_service.client.parsing import Fields, json_object, verification
from verify_service.client.vocabulary import EventType

__all__ = ["Event", "EventError", "EventType", "WrongAge", "WrongShape", "WrongSignature", "read"]

TOLERANCE_SECONDS = 300
"""Between the clock of the service and this machine's; as in the libraries of Standard Webhooks."""
_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_UNIX_TIME = re.compile(r"[0-9]{1,11}\Z")
_PREFIX = "whsec_"


class Headers(Protocol):
    """The headers of a request, as every web framework has them: a mapping, in any case."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return names and values."""


class EventError(Exception):
    """The request is no event of the service. Its text has no secret and nothing of the request.

    Answer with 401. The service tries an event again that was not accepted.
    """


class WrongSignature(EventError):
    """A header is missing, or no signature is made with one of the secrets."""


class WrongAge(EventError):
    """The signature is right, and the time of the request is not. The text says what to check."""


class WrongShape(EventError):
    """The signature is right, and the body is not as the contract defines it. For the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A change of a verification.

    Attributes:
        id: The ``webhook-id``: the same at every try of one event, by which to drop repeats.
        type: ``OTHER`` for a type of a newer service.
        name: The type as the service wrote it.
        timestamp: When the change happened.
        verification: The verification as it was then.
    """

    id: str
    type: EventType
    name: str
    timestamp: datetime
    verification: Verification


def read(headers: Headers, body: bytes, secrets: Iterable[str]) -> Event:
    """Return the event of a request that the service signed.

    Args:
        headers: All headers of the request.
        body: The body as it arrived, before anything parsed it.
        secrets: This app's secrets, ``whsec_`` and base64: one, or two during a rotation. No error
            contains one.

    Raises:
        WrongSignature, WrongAge, WrongShape: All are EventErrors.
        ValueError: There is no secret, or one has another form.
        TypeError: The body is not bytes.
    """
    signers = [_signer(secret) for secret in secrets]
    del secrets  # error reporters show the variables of a function that raises
    if not isinstance(body, bytes):
        raise TypeError("The body must be the bytes that arrived: a parsed one has no signature.")
    if not signers or None in signers:
        raise ValueError("Pass a list of one or two secrets, each whsec_ and then base64.")
    given = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in _HEADERS if not given.get(name)]
    if missing:
        raise WrongSignature(f"The request has no {' and no '.join(missing)}.")
    event_id, sent_at, signatures = (given[name] for name in _HEADERS)
    if not _is_signed(signers, event_id, sent_at, body, signatures):
        raise WrongSignature(
            "No webhook-signature is of one of the secrets: the request is forged or was changed on"
            " its way, its body is not the one that arrived, or WEBHOOK_SECRETS has other secrets."
        )
    _require_recent(int(sent_at))
    return parse(event_id, body)


def _signer(secret: str) -> Webhook | None:
    """Return what signs with this secret; None where it is none."""
    text = secret.strip()  # a secret from a file ends with a newline
    key = text.removeprefix(_PREFIX)
    try:
        # The library skips what is not base64.
        raw = base64.b64decode(key, validate=True)
    except ValueError:
        return None
    return Webhook(raw) if raw and key != text else None


def _is_signed(
    signers: Iterable[Webhook | None], event_id: str, sent_at: str, body: bytes, signatures: str
) -> bool:
    """Return whether one of the signatures is made with one of the secrets.

    The library's own ``verify`` checks the age first, which anyone can forge, and raises different
    errors for signatures that it cannot read.
    """
    if not _UNIX_TIME.match(sent_at):
        return False
    moment = datetime.fromtimestamp(int(sent_at), UTC)
    try:
        text, found = body.decode(), [each.encode() for each in signatures.split(" ")]
        expected = [each.sign(event_id, moment, text).encode() for each in signers if each]
    except UnicodeError:  # the service signs valid UTF-8 only
        return False
    return any(hmac.compare_digest(one, other) for one in expected for other in found)


def _require_recent(sent_at: int) -> None:
    ahead = int(time.time()) - sent_at
    if abs(ahead) <= TOLERANCE_SECONDS:
        return
    minutes, seconds = divmod(abs(ahead), 60)
    raise WrongAge(
        f"This machine's clock is {minutes} min {seconds} s {'ahead of' if ahead > 0 else 'behind'}"
        f" the webhook-timestamp; {TOLERANCE_SECONDS // 60} min are allowed. Check this machine's"
        " clock first, then the clock of verify-service"
        f"{'; if both are right, an old request was sent again' if ahead > 0 else ''}."
    )


def parse(event_id: str, body: bytes) -> Event:
    """Return the event in a body whose signature was verified.

    Raises:
        WrongShape: There is none.
    """
    fields = Fields(json_object(body), WrongShape)
    name = fields.get("type", str)
    return Event(
        id=event_id,
        type=EventType(name),
        name=name,
        timestamp=_moment(fields.get("timestamp", str)),
        verification=verification(fields.inside("data")),
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise WrongShape("'timestamp' is no moment with a time zone.")
    return moment
