"""Wires the simulator: the provider's endpoint, its own pages under /sandbox, the phone."""

from collections.abc import Callable
from threading import Event

from flask import Flask

from verify_service.sandbox import complaints
from verify_service.sandbox.callbacks import Callbacks
from verify_service.sandbox.calls import CallLog
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.exchange import Exchange
from verify_service.sandbox.pages import pages
from verify_service.sandbox.phone.pages import phone_pages
from verify_service.sandbox.phone.switchboard import Switchboard
from verify_service.sandbox.script import Script
from verify_service.sandbox.steering import refuse_web_pages, steering
from verify_service.sandbox.table import Table
from verify_service.sandbox.wire import MOVED, PATH

LARGEST_BODY = 1_000_000
"""Bytes. A scripted answer may be long."""
STOP = "sandbox.stop"
"""Under this name in `extensions`: what ends all waiting, for the server to call when it closes."""


def create_sandbox(config: SandboxConfig, on_reset: Callable[[], object] | None = None) -> Flask:
    """A simulator of its own: its calls are shared with no other. Its base URL ends in `/api`.

    Serve it with `server.bind`: an answer that drips or breaks off goes past WSGI.

    on_reset: called at the end of POST /sandbox/reset, for whoever has more to forget.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.before_request(refuse_web_pages)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the page's order reads better
    table, calls, stop = Table(config), CallLog(), Event()
    script, callbacks = Script(table), Callbacks(config, calls)
    switchboard = Switchboard(calls, callbacks)
    exchange = Exchange(config, script, calls, callbacks, switchboard, stop=stop)
    app.add_url_rule(PATH, view_func=exchange.place, methods=["POST"])
    app.add_url_rule(MOVED, view_func=exchange.followed, methods=["GET", "POST"])
    app.register_blueprint(pages(table, calls))
    forget = _both(switchboard.forget, on_reset)
    app.register_blueprint(steering(table, script, calls, callbacks, forget))
    app.register_blueprint(phone_pages(calls, switchboard))
    complaints.install(app)
    app.extensions[STOP] = _ending(stop, calls, callbacks)
    return app


def _both(one: Callable[[], object], other: Callable[[], object] | None) -> Callable[[], object]:
    def act() -> None:
        one()
        if other:
            other()

    return act


def _ending(stop: Event, calls: CallLog, callbacks: Callbacks) -> Callable[[], None]:
    def end() -> None:
        stop.set()
        calls.close()
        callbacks.cancel(patience=0)

    return end
