"""Hidden fields of the forms: a CSRF token, and a form id from which Idempotency-Keys are made.

A form that is submitted twice, by a double click or because the response was lost, is one request
of the person: both submissions have the same form id, and therefore the same Idempotency-Key.

The key is an HMAC over the form id, the session's CSRF token and the submitted values. A browser
therefore cannot choose the key of another session's check and receive its ``verified`` again. It
cannot reuse a key of its own session either, because a login ends the session.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Request, request

from examples.login.sessions import current_session
from verify_service.client import VerifyError

CSRF_TOKEN = "csrf"
FORM_ID = "form_id"
MAX_FORM_ID_LENGTH = 64


class InvalidCsrfToken(Exception):
    """The form was sent by another site, or its session has ended."""


def csrf_token() -> str:
    """Return the session's CSRF token. Only pages of this session know it."""
    session = current_session()
    if CSRF_TOKEN not in session:
        session[CSRF_TOKEN] = secrets.token_urlsafe(24)
    return str(session[CSRF_TOKEN])


def require_csrf_token(request: Request) -> None:
    """Check the CSRF token of every request that may change something.

    Raises:
        InvalidCsrfToken: The token is missing or is not the session's.
    """
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    expected, sent = str(current_session().get(CSRF_TOKEN, "")), request.form.get(CSRF_TOKEN, "")
    if not expected or not hmac.compare_digest(expected.encode(), sent.encode()):
        raise InvalidCsrfToken


def form_id() -> str:
    """Return the id for a form: the kept id if the last request had no answer, else a new id."""
    return str(current_session().get(FORM_ID) or secrets.token_urlsafe(12))


def idempotency_key(secret: str, *values: str | None) -> str:
    """Return the Idempotency-Key for the submitted form and these values."""
    parts = [csrf_token(), request.form.get(FORM_ID, ""), *(value or "" for value in values)]
    return hmac.new(secret.encode(), "\n".join(parts).encode(), hashlib.sha256).hexdigest()


@contextmanager
def keep_form_id_without_answer() -> Iterator[None]:
    """Keep the form id in the session if the request inside got no answer.

    The next page then has the same form id: submitting it again repeats the request with the same
    Idempotency-Key and returns the result of the first one. A refusal is an answer.
    """
    try:
        yield
    except VerifyError as error:
        if error.repeatable:
            current_session()[FORM_ID] = request.form.get(FORM_ID, "")[:MAX_FORM_ID_LENGTH]
        else:
            current_session().pop(FORM_ID, None)
        raise
    current_session().pop(FORM_ID, None)
