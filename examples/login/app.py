"""Creates the login app from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import redis
from flask import Flask, Response, render_template, request

from examples.login import events, forms, messages
from examples.login.device import DeviceCookie
from examples.login.flow import LoginFlow
from examples.login.sessions import RedisSessions
from examples.login.views import create_blueprint
from verify_service.client import VerifyClient

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MAX_FORM_BYTES = 10_000
MIN_SECRET_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of the login.

    Attributes:
        verify_url: The URL of verify-service.
        access_key: This app's access key for verify-service.
        redis_url: The Redis that stores the sessions.
        secret: Signs the device cookie and keys the Idempotency-Keys; at least 32 characters.
        secure_cookies: Whether browsers send the cookies over HTTPS only.
        phone_url: The simulator's phone; the demo links to it.
        country: The country whose national numbers are understood (ISO 3166); None for none.
        webhook_secrets: What signs the events of verify-service; without one the pages only poll.
    """

    verify_url: str
    access_key: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret: str = field(repr=False)
    secure_cookies: bool = True
    phone_url: str | None = None
    country: str | None = "RU"
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < MIN_SECRET_LENGTH:
            raise ValueError(f"LOGIN_SECRET: at least {MIN_SECRET_LENGTH} characters")

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> Config:
        """Read the settings from environment variables.

        Raises:
            KeyError: A required variable is missing.
            ValueError: The secret is too short.
        """
        return cls(
            verify_url=environment["VERIFY_URL"],
            access_key=environment["VERIFY_ACCESS_KEY"],
            redis_url=environment["LOGIN_REDIS_URL"],
            secret=environment["LOGIN_SECRET"],
            secure_cookies=environment.get("LOGIN_SECURE_COOKIES") != "off",
            phone_url=environment.get("LOGIN_PHONE_URL"),
            country=environment.get("LOGIN_COUNTRY", "RU") or None,
            webhook_secrets=tuple(
                filter(None, environment.get("LOGIN_WEBHOOK_SECRETS", "").split(","))
            ),
        )


def create_app(config: Config) -> Flask:
    """Return the login app."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM_BYTES
    app.session_interface = RedisSessions(
        redis.Redis.from_url(config.redis_url), config.secure_cookies
    )
    app.jinja_env.globals |= {
        "csrf_token": forms.csrf_token,
        "form_id": forms.form_id,
        "phone_url": config.phone_url,
        "has_events": bool(config.webhook_secrets),
        "longest_countdown": messages.LONGEST_COUNTDOWN_SECONDS,
    }
    app.jinja_env.filters |= {
        "duration": messages.format_duration,
        "phone_number": messages.format_number,
    }
    client = VerifyClient(config.verify_url, config.access_key)
    flow = LoginFlow(client, config.secret, config.country)
    app.register_blueprint(
        create_blueprint(flow, DeviceCookie(config.secret, config.secure_cookies))
    )
    if config.webhook_secrets:
        store = redis.Redis.from_url(config.redis_url)
        app.register_blueprint(events.create_blueprint(store, config.webhook_secrets))
    app.before_request(_require_csrf_token)
    app.register_error_handler(forms.InvalidCsrfToken, _form_expired)
    app.after_request(_add_security_headers)
    return app


def from_env() -> Flask:
    """Return the login app, configured by environment variables. Web servers call this."""
    return create_app(Config.from_env())


def _require_csrf_token() -> None:
    if request.blueprint != "events":  # their signature protects them
        forms.require_csrf_token(request)


def _form_expired(_: forms.InvalidCsrfToken) -> tuple[str, int]:
    return render_template("expired.html"), 400


def _add_security_headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
