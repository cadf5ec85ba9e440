"""Forms that only our own pages can send."""

from __future__ import annotations

import secrets
from hmac import compare_digest

from flask import Request

from examples.login.sessions import current

FIELD = "csrf"


class ForeignForm(Exception):
    """It did not come from a page of ours, or from one of a session that has ended."""


def token() -> str:
    """Return what each form carries: a random text that only this session's pages know."""
    session = current()
    if FIELD not in session:
        session[FIELD] = secrets.token_urlsafe(24)
    return str(session[FIELD])


def only_ours(request: Request) -> None:
    """Refuse a POST without the session's token.

    Raises:
        ForeignForm: So it is.
    """
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    known, sent = str(current().get(FIELD, "")), request.form.get(FIELD, "")
    if not known or not compare_digest(known.encode(), sent.encode()):
        raise ForeignForm
