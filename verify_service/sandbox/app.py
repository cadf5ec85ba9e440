"""Wires the simulator: the provider's endpoint, its own pages under /sandbox, the phone."""

from collections.abc import Callable
from threading import Event

from flask import Flask

from verify_service.sandbox import problems
from verify_service.sandbox.callbacks import Callbacks
from verify_service.sandbox.calls import CallLog
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.endpoint import Endpoint
from verify_service.sandbox.pages import control_pages, reading_pages, refuse_web_pages
from verify_service.sandbox.phone.pages import phone_pages
from verify_service.sandbox.phone.switchboard import Switchboard
from verify_service.sandbox.script import Script
from verify_service.sandbox.server import STOP
from verify_service.sandbox.table import Table
from verify_service.sandbox.vocabulary import MOVED, PATH

# Bytes. A scripted answer can be long.
LARGEST_BODY = 1_000_000


def create_sandbox(config: SandboxConfig, on_reset: Callable[[], object] | None = None) -> Flask:
    """Return a simulator with its own calls. Its base URL ends in `/api`.

    Serve it with `server.bind`: faulty answers bypass WSGI.

    Args:
        on_reset: Called at the end of POST /sandbox/reset, to reset other state as well.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.before_request(refuse_web_pages)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # fields in the order of the docs
    table, calls, stop = Table(config), CallLog(), Event()
    script, callbacks = Script(table), Callbacks(config, calls)
    switchboard = Switchboard(calls, callbacks)

    def reset() -> None:
        switchboard.reset()
        if on_reset:
            on_reset()

    def end() -> None:
        stop.set()
        calls.close()
        callbacks.cancel(wait=0)

    endpoint = Endpoint(config, script, calls, callbacks, switchboard, stop=stop)
    app.add_url_rule(PATH, view_func=endpoint.place, methods=["POST"])
    app.add_url_rule(MOVED, view_func=endpoint.followed, methods=["GET", "POST"])
    app.register_blueprint(reading_pages(table, calls))
    app.register_blueprint(control_pages(script, calls, callbacks, reset))
    app.register_blueprint(phone_pages(calls, switchboard))
    problems.install(app)
    app.extensions[STOP] = end
    return app
