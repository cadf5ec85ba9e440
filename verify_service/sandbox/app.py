"""Wires the simulator: the provider's endpoint, and the simulator's own pages under /sandbox."""

from flask import Flask, Response, jsonify, request

from verify_service.sandbox.callbacks import Callbacks
from verify_service.sandbox.calls import CallLog
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.exchange import Exchange
from verify_service.sandbox.welcome import front_page, outcome_table
from verify_service.sandbox.wire import PATH


def create_sandbox(config: SandboxConfig) -> Flask:
    """A simulator of its own: its calls are shared with no other. Its base URL ends in `/api`."""
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the page's order reads better
    calls = CallLog()
    exchange = Exchange(config, calls, Callbacks(config, calls))
    app.add_url_rule(PATH, view_func=exchange.place, methods=["POST"])
    _add_pages(app, calls)
    return app


def _add_pages(app: Flask, calls: CallLog) -> None:
    @app.get("/")
    def welcome() -> Response:
        return Response(front_page(request.host_url.rstrip("/")), mimetype="text/plain")

    @app.get("/sandbox/calls")
    def list_calls() -> Response:
        """Newest last; `?number=` in any spelling."""
        return jsonify({"status": "ok", "calls": calls.as_json(request.args.get("number"))})

    @app.delete("/sandbox/calls")
    def forget_calls() -> Response:
        """Callbacks that are still to come are sent all the same."""
        return jsonify({"status": "ok", "forgotten": calls.forget()})

    @app.get("/sandbox/outcomes")
    def list_outcomes() -> Response:
        return jsonify(outcome_table())
