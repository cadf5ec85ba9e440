"""An Idempotency-Key for each thing a person wants, once, however often the form is sent.

A form that is sent twice, by a second click or because the answer was lost, is one intent: so each
form that is shown has a number of its own. The key itself is made here, of that number and of what
only this session has: no browser can choose the key of somebody else's check, and hear ``verified``
again. Of its own neither, since a login ends the session it began in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from flask import request

from examples.login.forms import token
from examples.login.sessions import current
from verify_service.client import VerifyError

FIELD = "intent"
LONGEST = 64


def shown() -> str:
    """Return what a form carries: a new number, unless the old form is to be sent again."""
    return str(current().get(FIELD) or secrets.token_urlsafe(12))


def key(secret: str, *words: str | None) -> str:
    """Return the key of what the form that was sent asks for, in these words."""
    parts = [token(), request.form.get(FIELD, ""), *(word or "" for word in words)]
    return hmac.new(secret.encode(), "\n".join(parts).encode(), hashlib.sha256).hexdigest()


@contextmanager
def intent() -> Iterator[None]:
    """Do what a form asks for. Where no answer comes, the next page shows the same form again.

    Sent once more it has the same key, and finds out what became of it. A refusal is an answer.
    """
    try:
        yield
    except VerifyError as error:
        if error.repeatable:
            current()[FIELD] = request.form.get(FIELD, "")[:LONGEST]
        else:
            current().pop(FIELD, None)
        raise
    current().pop(FIELD, None)
