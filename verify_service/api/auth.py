"""Authenticates requests. Keys are compared as bytes, in constant time, and never logged."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import abort, g, request

from verify_service.api.context import note
from verify_service.domain.models import AccessKey

ACCESS_KEY = "X-Authorization"
"""Name of the header, and of the query argument."""
_ACCESS_KEY_SCHEME = "accesskey"
_METRICS_SCHEME = "bearer"


class InvalidAccessKey(Exception):
    """The access key is missing or unknown."""


@dataclass(eq=False)
class InvalidAppKey(Exception):
    """The callback's ``appKey`` is missing or unknown.

    Attributes:
        missing: Whether the callback has none at all.
    """

    missing: bool = False


class InvalidMetricsToken(Exception):
    """The token of ``/metrics`` is missing or wrong."""


def access_key_guard(keys: Sequence[AccessKey], *, in_query: bool) -> Callable[[], None]:
    """Return a ``before_request`` function that requires the access key of an app.

    Args:
        keys: All live keys. An app has two while it rotates them.
        in_query: Whether the query argument is accepted too. The header wins.
    """

    def guard() -> None:
        given = header(ACCESS_KEY)
        if given is None and in_query:
            given = request.args.get(ACCESS_KEY)
        app = g.app = identify(keys, given or "")
        note(app=app)

    return guard


def path_secret_guard(path_secret: str | None) -> Callable[[], None]:
    """Return a ``before_request`` function that requires ``secret`` in the path, else 404.

    Args:
        path_secret: None for a path without a secret.
    """

    def guard() -> None:
        given = (request.view_args or {}).get("secret", "")
        if not is_one_of([(path_secret or "").encode()], given):
            abort(404)

    return guard


def metrics_guard(token: str | None, *, production: bool) -> Callable[[], None]:
    """Return a function that requires the token of ``/metrics``.

    Args:
        token: Without one ``/metrics`` is open in development, and 404 in production.
        production: Whether this is production.
    """

    def guard() -> None:
        if token is None and production:
            abort(404)
        scheme, _, given = (header("Authorization") or "").partition(" ")
        known = scheme.lower() == _METRICS_SCHEME and is_one_of([(token or "").encode()], given)
        if token is not None and not known:
            raise InvalidMetricsToken

    return guard


def require_app_key(app_keys: Sequence[bytes], body: object) -> None:
    """Raise InvalidAppKey if the body is an object without one of the keys as its ``appKey``."""
    if isinstance(body, dict) and not is_one_of(app_keys, body.get("appKey")):
        raise InvalidAppKey(missing="appKey" not in body)


def header(name: str) -> str | None:
    """Return a header as UTF-8. WSGI decodes its bytes as Latin-1."""
    value = request.headers.get(name)
    return value and value.encode("latin-1", "replace").decode("utf-8", "replace")


def identify(keys: Sequence[AccessKey], given: str) -> str:
    """Return the app of ``AccessKey <key>``.

    Raises:
        InvalidAccessKey: The key is missing or unknown.
    """
    scheme, _, key = given.strip().partition(" ")
    key = key.strip()
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    # Every key is compared, so that the time does not depend on which one matches.
    apps = [known.app for known in keys if hmac.compare_digest(known.digest, digest)]
    if scheme.lower() != _ACCESS_KEY_SCHEME or not apps:
        raise InvalidAccessKey
    return apps[0]


def is_one_of(secrets: Sequence[bytes], given: object) -> bool:
    """Return whether ``given`` is a string equal to one of the secrets."""
    if not isinstance(given, str):
        return False
    raw = given.encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(secret, raw) for secret in secrets]
    return any(matches)
