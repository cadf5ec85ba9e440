"""Which device this is, in a cookie that we signed: the service knows it by its next login.

A number has budgets of its own for the devices that verified it before, so that strangers cannot
lock the owner out. That holds only while no client can choose the id: hence the signature.
"""

from __future__ import annotations

import secrets

from flask import Request, Response, g
from itsdangerous import BadSignature, URLSafeSerializer

LIFETIME = 365 * 24 * 3600
"""Seconds."""


class Devices:
    """Issues device ids and knows them again."""

    def __init__(self, secret: str, secure: bool) -> None:
        self._serializer = URLSafeSerializer(secret, salt="device")
        self._secure = secure
        # As the session's: no sibling site can put a device of its own in its place.
        self._cookie = "__Host-device" if secure else "device"

    def of(self, request: Request) -> str:
        """Return the id of the browser that asks; a new one where it has none of ours."""
        if "device" not in g:
            g.device = self._read(request.cookies.get(self._cookie, "")) or secrets.token_urlsafe(
                16
            )
        return str(g.device)

    def keep(self, request: Request, response: Response) -> None:
        """Have the browser keep it."""
        response.set_cookie(
            self._cookie,
            str(self._serializer.dumps(self.of(request))),
            max_age=LIFETIME,
            httponly=True,
            secure=self._secure,
            samesite="Lax",
        )

    def _read(self, cookie: str) -> str | None:
        try:
            return str(self._serializer.loads(cookie))
        except BadSignature:
            return None
