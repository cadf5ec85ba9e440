"""The device id: a random id in a signed cookie, sent to verify-service with each start.

verify-service gives each device that has verified a number a separate budget for that number, so
that attackers cannot lock the owner out. This works only if a client cannot choose its own id:
therefore the cookie is signed.
"""

from __future__ import annotations

import secrets

from flask import Request, Response, g
from itsdangerous import BadSignature, URLSafeSerializer

LIFETIME_SECONDS = 365 * 24 * 3600


class DeviceCookie:
    """Creates device ids and reads them from the cookie.

    Args:
        secret: Signs the cookie.
        secure: Whether browsers send the cookie over HTTPS only.
    """

    def __init__(self, secret: str, secure: bool) -> None:
        self._serializer = URLSafeSerializer(secret, salt="device")
        self._secure = secure
        # The __Host- prefix: another subdomain cannot overwrite the cookie.
        self._name = "__Host-device" if secure else "device"

    def device_id(self, request: Request) -> str:
        """Return the id from the cookie, or a new id if there is no cookie with our signature."""
        if "device_id" not in g:
            g.device_id = self._read(request) or secrets.token_urlsafe(16)
        return str(g.device_id)

    def save(self, request: Request, response: Response) -> None:
        """Set the cookie on the response."""
        response.set_cookie(
            self._name,
            str(self._serializer.dumps(self.device_id(request))),
            max_age=LIFETIME_SECONDS,
            httponly=True,
            secure=self._secure,
            samesite="Lax",
        )

    def _read(self, request: Request) -> str | None:
        try:
            return str(self._serializer.loads(request.cookies.get(self._name, "")))
        except BadSignature:
            return None
