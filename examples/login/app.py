"""Puts the login together."""

from __future__ import annotations

import redis
from flask import Flask, Response, render_template, request

from examples.login import forms, intents, spoken
from examples.login.config import Config
from examples.login.device import Devices
from examples.login.flow import Flow
from examples.login.sessions import RedisSessions
from examples.login.views import views
from verify_service.client import VerifyClient

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
LARGEST_FORM = 10_000
"""Bytes."""


def create_app(config: Config) -> Flask:
    """Return the login."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_FORM
    app.session_interface = RedisSessions(
        redis.Redis.from_url(config.redis_url), config.secure_cookies
    )
    app.jinja_env.globals |= {
        "csrf": forms.token,
        "intent": intents.shown,
        "phone_url": config.phone_url,
        "longest_countdown": spoken.LONGEST_COUNTDOWN,
    }
    app.jinja_env.filters |= {"duration": spoken.duration, "number": spoken.number}
    verify = VerifyClient(config.verify_url, config.access_key)
    app.register_blueprint(
        views(Flow(verify, config.secret), Devices(config.secret, config.secure_cookies))
    )
    app.before_request(lambda: forms.only_ours(request))
    app.register_error_handler(forms.ForeignForm, _foreign)
    app.after_request(_guarded)
    return app


def from_env() -> Flask:
    """Return the login that the environment describes, for a web server to run."""
    return create_app(Config.from_env())


def _foreign(_: forms.ForeignForm) -> tuple[str, int]:
    return render_template("stale.html"), 400


def _guarded(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
