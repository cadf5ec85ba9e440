"""Who is asking. Keys are compared over bytes, in constant time, and never written down."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence

import structlog
from flask import g, request

from verify_service.api.problems import InvalidAccessKey
from verify_service.domain.models import AccessKey

NAME = "X-Authorization"
_SCHEME = "accesskey"


def access_key_guard(keys: Sequence[AccessKey], *, in_query: bool) -> Callable[[], None]:
    """Return a ``before_request`` that lets only known apps in.

    Args:
        keys: Every live key; two of one app while it changes them.
        in_query: Whether the query argument counts too. Where both are sent the header does.
    """

    def guard() -> None:
        shown = header(NAME)
        if shown is None and in_query:
            shown = request.args.get(NAME)
        g.app = identify(keys, shown or "")
        structlog.contextvars.bind_contextvars(app=g.app)

    return guard


def header(name: str) -> str | None:
    """Return a header as UTF-8: WSGI hands its bytes over as if they were Latin-1."""
    value = request.headers.get(name)
    return value and value.encode("latin-1", "replace").decode("utf-8", "replace")


def identify(keys: Sequence[AccessKey], shown: str) -> str:
    """Return the app that ``AccessKey <key>`` belongs to, or raise InvalidAccessKey."""
    scheme, _, key = shown.strip().partition(" ")
    key = key.strip()
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    # All are compared whatever the first ones say, so that time tells nothing.
    apps = [known.app for known in keys if hmac.compare_digest(known.digest, digest)]
    # An empty key is none, even where somebody digested an unset variable.
    if scheme.lower() != _SCHEME or not key or not apps:
        raise InvalidAccessKey
    return apps[0]


def is_one_of(secrets: Sequence[bytes], shown: object) -> bool:
    """Return whether ``shown`` is a text equal to one of the secrets."""
    if not isinstance(shown, str):
        return False
    raw = shown.encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(secret, raw) for secret in secrets]
    return any(matches)
