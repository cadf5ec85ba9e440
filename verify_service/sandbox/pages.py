"""The simulator's own pages under /sandbox: what happened, and what happens next."""

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request
from marshmallow import Schema, fields
from marshmallow.validate import Range

from verify_service.sandbox import front_page
from verify_service.sandbox.callbacks import Callbacks
from verify_service.sandbox.calls import CallLog, Query
from verify_service.sandbox.outcomes import PlannedCallback
from verify_service.sandbox.problems import Problem, invalid_data, load, read_json
from verify_service.sandbox.script import CallbackSchema, LineSchema, Script
from verify_service.sandbox.table import Table


class QuerySchema(Schema):
    """The arguments of GET /sandbox/calls."""

    number = fields.String(load_default=None)
    after = fields.Integer(load_default=0, validate=Range(0, 10**15))
    callbacks = fields.Boolean(load_default=False)
    wait = fields.Float(load_default=0.0, validate=Range(0, 30))


def reading_pages(table: Table, calls: CallLog) -> Blueprint:
    """Return the pages that change nothing."""
    pages = Blueprint("reading", __name__)

    @pages.get("/")
    def show_outcomes() -> Response:
        return front_page.show(table, request)

    @pages.get("/sandbox/outcomes")
    def list_outcomes() -> Response:
        return jsonify(table.as_json())

    @pages.get("/sandbox/calls")
    def list_calls() -> Response:
        query = load(QuerySchema(), request.args.to_dict())
        wait = query.pop("wait")
        found, cursor = calls.select(Query(**query), wait)
        return jsonify({"status": "ok", "calls": found, "cursor": cursor})

    @pages.get("/sandbox/calls/<name>")
    def show_call(name: str) -> Response:
        call = calls.find(name)
        if call is None:
            raise Problem(404, "notFoundError", "no placed call has this requestId or number")
        return jsonify({"status": "ok", "call": call.as_json()})

    return pages


def control_pages(
    script: Script, calls: CallLog, callbacks: Callbacks, on_reset: Callable[[], object]
) -> Blueprint:
    """Return the pages that set what happens."""
    pages = Blueprint("control", __name__, url_prefix="/sandbox")
    pages.before_request(refuse_forms)

    @pages.get("/next")
    def list_lines() -> Response:
        return jsonify({"status": "ok", "next": script.as_json()})

    @pages.post("/next")
    def add_line() -> Response:
        return jsonify({"status": "ok", "next": script.add(read_json(request, LineSchema()))})

    @pages.delete("/next")
    def clear_script() -> Response:
        return jsonify({"status": "ok", "forgotten": script.clear()})

    @pages.delete("/calls")
    def clear_calls() -> Response:
        """Remove the calls; their waiting callbacks are still sent."""
        return jsonify({"status": "ok", "forgotten": calls.clear()})

    @pages.post("/callbacks")
    def send_callback() -> Response:
        """Send a callback before the answer, which contains the result."""
        body = read_json(request, CallbackSchema())
        name = str(body.pop("call"))
        call = calls.find(name)
        if call is None:
            raise Problem(404, "notFoundError", f"no placed call {ascii(name)[1:-1]}")
        callback = callbacks.send(call, PlannedCallback(**body))
        if callback is None:
            raise invalid_data("the simulator was started without --callback-url")
        return jsonify({"status": "ok", "callback": callback.as_json()})

    @pages.post("/reset")
    def reset() -> Response:
        """Remove everything; after the answer no earlier callback is sent."""
        lines, removed, canceled = script.clear(), calls.clear(), callbacks.cancel()
        on_reset()
        return jsonify({"status": "ok", "lines": lines, "calls": removed, "callbacks": canceled})

    return pages


def refuse_web_pages() -> None:
    """Refuse requests of web pages (with an `Origin`), on every path except the phone's.

    The simulator listens on loopback, but so does a developer's browser, and a page of any site
    can post to 127.0.0.1. The phone's page has its own rules.
    """
    if "Origin" in request.headers and request.blueprint != "phone":
        reason = "requests of web pages (with an Origin) are not allowed"
        raise Problem(403, "prohibitedForAppError", reason)


def refuse_forms() -> None:
    """Refuse changes with a body that is not JSON.

    A browser sends a form to another origin without asking first; it does not send JSON.
    """
    changes = request.method not in {"GET", "HEAD", "OPTIONS"}
    if changes and request.content_type is not None and not request.is_json:
        raise Problem(415, "requiredJsonError", "Content-Type must be application/json")
