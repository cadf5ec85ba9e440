"""An Idempotency-Key for each thing a person wants, once, however often the form is sent.

Two clicks on "Call me", or one whose answer was lost, are one intent: the same session, the same
words, and no answer in between. So is the key. It is made here and never seen by a browser: who
could choose the key of a check would hear ``verified`` again.
"""

from __future__ import annotations

import hashlib
import hmac

from examples.login.forms import token
from examples.login.sessions import current

COUNT = "answered"


def key(secret: str, *intent: str | None) -> str:
    """Return the key of what this session wants now."""
    # The token is the session's own secret, and there before the first form is sent.
    words = [token(), str(current().get(COUNT, 0)), *(part or "" for part in intent)]
    return hmac.new(secret.encode(), "\n".join(words).encode(), hashlib.sha256).hexdigest()


def answered() -> None:
    """What comes from now on is another intent, be it in the same words."""
    session = current()
    session[COUNT] = session.get(COUNT, 0) + 1
