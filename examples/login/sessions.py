"""Sessions on the server: the browser stores only a random session id.

Flask's own sessions are signed cookies, which cannot be revoked: a copy of an old cookie stays
valid. Here a session that has ended is deleted, and each login gets a new session id.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any, cast

import redis
from flask import Flask, Request, Response, session
from flask.sessions import SessionInterface, SessionMixin

LIFETIME_SECONDS = 30 * 60
"""After the last request."""


class Session(dict[str, Any], SessionMixin):
    """One session.

    Attributes:
        id: None until the session has data to store.
        ended_ids: Ids to delete from Redis at the end of the request.
    """

    def __init__(self, session_id: str | None = None, data: dict[str, Any] | None = None) -> None:
        super().__init__(data or {})
        self.id = session_id
        self.ended_ids: list[str] = []
        self._stored = self.to_json()

    def to_json(self) -> str:
        """Return the session's data as Redis stores it."""
        return json.dumps(self)

    @property
    def changed(self) -> bool:
        """Whether the data differs from what Redis stores."""
        return self.to_json() != self._stored

    def reset(self) -> None:
        """Delete all data and the id. The old id gives no access to what is stored next."""
        self.clear()
        if self.id:
            self.ended_ids.append(self.id)
        self.id = None


def current_session() -> Session:
    """Return the session of this request."""
    return cast(Session, session)


class RedisSessions(SessionInterface):
    """Stores sessions in Redis. Keys are digests: reading Redis gives no valid session id.

    Args:
        store: The Redis client.
        secure: Whether browsers send the cookie over HTTPS only.
    """

    def __init__(self, store: redis.Redis, secure: bool) -> None:
        self._store = store
        self._secure = secure
        # Browsers accept a __Host- cookie only from this host and only over HTTPS.
        self._cookie_name = "__Host-login" if secure else "login"

    def open_session(self, app: Flask, request: Request) -> Session:  # noqa: ARG002
        """Return the session of the cookie, or a new one if Redis has no session with that id."""
        session_id = request.cookies.get(self._cookie_name)
        data = self._store.get(_key(session_id)) if session_id else None
        return Session(session_id, json.loads(cast(bytes, data))) if data else Session()

    def save_session(
        self,
        app: Flask,  # noqa: ARG002
        session: SessionMixin,
        response: Response,
    ) -> None:
        """Store the session, delete ended ones, and set the cookie for a new id."""
        current = cast(Session, session)
        for ended_id in current.ended_ids:
            self._store.delete(_key(ended_id))
        if not current:
            if current.ended_ids:
                response.delete_cookie(self._cookie_name, secure=self._secure)
            return
        if current.id is None:
            current.id = secrets.token_urlsafe(32)
            self._set_cookie(response, current.id)
            self._store.set(_key(current.id), current.to_json(), ex=LIFETIME_SECONDS)
        elif current.changed:
            # xx: a slow request must not restore a session that was logged out meanwhile.
            self._store.set(_key(current.id), current.to_json(), ex=LIFETIME_SECONDS, xx=True)
        else:
            self._store.expire(_key(current.id), LIFETIME_SECONDS)

    def _set_cookie(self, response: Response, session_id: str) -> None:
        response.set_cookie(
            self._cookie_name, session_id, httponly=True, secure=self._secure, samesite="Lax"
        )


def _key(session_id: str) -> str:
    return f"login:{hashlib.sha256(session_id.encode()).hexdigest()}"
