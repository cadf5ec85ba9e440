"""What the environment says, read once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

SHORTEST_SECRET = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of the login.

    Attributes:
        verify_url: Where verify-service is.
        access_key: This app's key there.
        redis_url: Where sessions are kept.
        secret: Signs the device cookie, keys the Idempotency-Keys; 32 characters or more.
        secure_cookies: Whether browsers send the cookies over https alone.
        phone_url: The simulator's phone, for the demo to point to.
    """

    verify_url: str
    access_key: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret: str = field(repr=False)
    secure_cookies: bool = True
    phone_url: str | None = None

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_SECRET:
            raise ValueError(f"LOGIN_SECRET: {SHORTEST_SECRET} characters or more")

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> Config:
        """Read the variables.

        Raises:
            KeyError: One is missing.
            ValueError: The secret is too short.
        """
        return cls(
            verify_url=environment["VERIFY_URL"],
            access_key=environment["VERIFY_ACCESS_KEY"],
            redis_url=environment["LOGIN_REDIS_URL"],
            secret=environment["LOGIN_SECRET"],
            secure_cookies=environment.get("LOGIN_SECURE_COOKIES") != "off",
            phone_url=environment.get("LOGIN_PHONE_URL"),
        )
