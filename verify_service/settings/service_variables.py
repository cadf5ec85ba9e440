"""The variables of the service itself, of its Redis and of the login flows that call it."""

from __future__ import annotations

from dataclasses import dataclass

from verify_service.domain.models import AccessKey
from verify_service.settings import parsers
from verify_service.settings.credentials import secret, secret_or_none, secrets
from verify_service.settings.redis_address import RedisAddress
from verify_service.settings.scalars import (
    ON_OFF,
    DecimalNumber,
    WholeNumber,
    Word,
    on_off,
    text_or_none,
)
from verify_service.settings.variable import variable

PRODUCTION, DEVELOPMENT = "production", "development"
KEY_BYTES = 32
"""The least length of the keys of digests: that of HMAC-SHA-256's own result."""
TOKEN_BYTES = 16
"""The least length of what a request carries as it is."""


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """How the service runs."""

    app_env: str = variable(
        Word((PRODUCTION, DEVELOPMENT)),
        "Production refuses to start while something vital is missing.",
        default=PRODUCTION,
    )
    log_level: str = variable(
        Word(("DEBUG", "INFO", "WARNING", "ERROR"), any_case=True),
        "The least severe level that is logged.",
        default="INFO",
    )
    metrics_token: str | None = variable(
        secret_or_none,
        """
        The token that GET /metrics requires, as Authorization: Bearer <token>. Without one,
        /metrics answers 404 in production.
        """,
        unit="text",
        default="",
        secret=True,
        least_bytes=TOKEN_BYTES,
    )
    console_token: str | None = variable(
        secret_or_none,
        """
        The token that signs an operator in at /console, where the browser asks for it. Without one,
        /console answers 404. Another one ends all sessions.
        """,
        unit="text",
        default="",
        development="development-console-token",
        secret=True,
        least_bytes=TOKEN_BYTES,
    )


@dataclass(frozen=True, kw_only=True)
class RedisSettings:
    """Where Redis is, and how the service connects to it."""

    redis_url: RedisAddress = variable(
        RedisAddress.parse,
        """
        Where Redis is. Percent-encode user and password; a password alone follows a colon,
        redis://:password@host. One of these forms:
            redis://[user:password@]host[:port][/db]          rediss:// for TLS
            unix://[user:password@]/path/of/the.sock[?db=1]
            redis+sentinel://[user:password@]host[:port],host[:port],…/<master's name>[/db]
            redis+cluster://[user:password@]host[:port],host[:port],…
        The hosts of redis+sentinel are the Sentinels; if they have a password of their own, append
        ?sentinel_password=… The hosts of redis+cluster are some of its nodes; the service learns
        the others. rediss+sentinel:// and rediss+cluster:// use TLS for every connection.
        """,
        unit="address",
        default=None,
        development="redis://127.0.0.1:6379/0",
        example="redis://127.0.0.1:6379/0",
        secret=True,
    )
    redis_pool: int = variable(
        WholeNumber(1),
        """
        The most connections that a process opens. With the default, two processes of two releases
        at the same time open 16 of the 20 that a small plan allows.
        """,
        unit="connections",
        default="4",
    )
    redis_timeout: float = variable(
        DecimalNumber(0.01, 2),
        """
        The time for one exchange with Redis, including the opening of a connection. Before it, a
        request waits up to 1.5 s for a free connection; with the default, both together are two
        seconds.
        """,
        unit="seconds",
        default="0.5",
    )
    redis_ca_file: str | None = variable(
        text_or_none,
        """
        The path of a PEM file that contains the authority that signed the server's certificate,
        or a self-signed certificate itself. It requires REDIS_VERIFY=on. Without a file, the
        authorities of the system are trusted.
        """,
        unit="path",
        default="",
    )
    redis_verify: bool = variable(
        on_off,
        """
        Whether to verify the server's certificate (TLS only). With off, any server that can
        intercept the connection is accepted as Redis. Some platforms sign the certificates of
        their key-value add-ons themselves and need off.
        """,
        unit=ON_OFF,
        default="on",
    )


@dataclass(frozen=True, kw_only=True)
class LoginFlowSettings:
    """Who may call the service, and the keys under which it stores what they send."""

    access_keys: tuple[AccessKey, ...] = variable(
        parsers.access_keys,
        """
        The login flows and the SHA-256 of each one's key. An app may have two keys while it
        replaces one by the other. To make a key and its digest:
            python -m verify_service.cli access-key new shop
        An example of the value:
            shop=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        """,
        unit="<app>=<SHA-256 of its key>, comma-separated",
        default=None,
        development="demo=" + parsers.sha256_hex("development-access-key"),
        secret=True,
    )
    access_key_in_query: bool = variable(
        on_off,
        """
        Whether ?X-Authorization=AccessKey%20<key> is accepted as well as the header. Platforms log
        queries.
        """,
        unit=ON_OFF,
        default="on",
    )
    code_secret: tuple[bytes, ...] = variable(
        secrets,
        """
        The key of the code digests (openssl rand -hex 32). Of two, both are accepted and the
        first one signs. To replace it: <old>,<new>; then <new>,<old>; then, after CODE_TTL, the
        new one alone. docs/operate.md says why.
        """,
        unit="text; two are comma-separated",
        default=None,
        development="development-code-secret",
        secret=True,
        least_bytes=KEY_BYTES,
    )
    number_secret: bytes = variable(
        secret,
        """
        The key of the number tags (openssl rand -hex 32). Never change it: with another key no
        number is recognized, and every limit and lock starts from zero.
        """,
        unit="text",
        default=None,
        development="development-number-secret",
        secret=True,
        least_bytes=KEY_BYTES,
    )
