"""Sessions kept on the server: the browser has a random id and nothing else.

What Flask has by itself, a signed cookie, cannot be taken back: whoever kept an old one could go
back to it. Here a session that ended is gone, and a login has a new id.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any, cast

import redis
from flask import Flask, Request, Response, session
from flask.sessions import SessionInterface, SessionMixin

LIFETIME = 30 * 60
"""Seconds after the last request."""


class Session(dict[str, Any], SessionMixin):
    """One session. ``id`` is None until there is something to keep."""

    def __init__(self, session_id: str | None = None, kept: dict[str, Any] | None = None) -> None:
        super().__init__(kept or {})
        self.id = session_id
        self.old: list[str] = []
        self._kept = self.text()

    def text(self) -> str:
        """What is kept."""
        return json.dumps(self)

    @property
    def changed(self) -> bool:
        """Whether it has to be stored."""
        return self.text() != self._kept

    def begin_anew(self) -> None:
        """Forget everything, the id too: who knew it knows nothing of what comes."""
        self.clear()
        if self.id:
            self.old.append(self.id)
        self.id = None


def current() -> Session:
    """Return the session of this request."""
    return cast(Session, session)


class RedisSessions(SessionInterface):
    """Keeps sessions in Redis, under a digest: who reads the store cannot take one over.

    secure: whether browsers send the cookie over https alone.
    """

    def __init__(self, store: redis.Redis, secure: bool) -> None:
        self._store = store
        self._secure = secure
        # A browser takes a __Host- cookie from this host alone, and over https alone.
        self._cookie = "__Host-login" if secure else "login"

    def open_session(self, app: Flask, request: Request) -> Session:  # noqa: ARG002
        """Return the session of the cookie; a new one where the store has none of that id."""
        session_id = request.cookies.get(self._cookie)
        kept = self._store.get(_key(session_id)) if session_id else None
        return Session(session_id, json.loads(cast(bytes, kept))) if kept else Session()

    def save_session(
        self,
        app: Flask,  # noqa: ARG002
        session: SessionMixin,
        response: Response,
    ) -> None:
        """Store what is new and have the browser keep the id."""
        ours = cast(Session, session)
        for old in ours.old:
            self._store.delete(_key(old))
        if not ours:
            if ours.old:
                response.delete_cookie(self._cookie, secure=self._secure)
            return
        if ours.id is None:
            ours.id = secrets.token_urlsafe(32)
            self._set_cookie(response, ours.id)
            self._store.set(_key(ours.id), ours.text(), ex=LIFETIME)
        elif ours.changed:
            # Only where it still is: a request that took long must not bring back a session that
            # was logged out meanwhile.
            self._store.set(_key(ours.id), ours.text(), ex=LIFETIME, xx=True)
        else:
            self._store.expire(_key(ours.id), LIFETIME)

    def _set_cookie(self, response: Response, session_id: str) -> None:
        response.set_cookie(
            self._cookie, session_id, httponly=True, secure=self._secure, samesite="Lax"
        )


def _key(session_id: str) -> str:
    return f"login:{hashlib.sha256(session_id.encode()).hexdigest()}"
