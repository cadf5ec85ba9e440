"""The pages that change what happens: the script, callbacks by hand, the reset."""

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from verify_service.sandbox.callbacks import Callbacks
from verify_service.sandbox.calls import CallLog
from verify_service.sandbox.complaints import Complaint, wrong_value
from verify_service.sandbox.fields import read_object
from verify_service.sandbox.lines import read_callback, read_line
from verify_service.sandbox.script import Script
from verify_service.sandbox.table import Table


def steering(
    table: Table,
    script: Script,
    calls: CallLog,
    callbacks: Callbacks,
    on_reset: Callable[[], object] | None,
) -> Blueprint:
    """All of it, under /sandbox."""
    pages = Blueprint("steering", __name__, url_prefix="/sandbox")
    pages.before_request(_from_a_program)

    @pages.get("/next")
    def show_script() -> Response:
        return jsonify({"status": "ok", "next": script.as_json()})

    @pages.post("/next")
    def add_line() -> Response:
        line = read_line(read_object(request), table)
        # As it was read: by the time of the answer a call may have taken it.
        shown = line.as_json()
        script.add(line)
        return jsonify({"status": "ok", "next": shown})

    @pages.delete("/next")
    def forget_script() -> Response:
        return jsonify({"status": "ok", "forgotten": script.forget()})

    @pages.delete("/calls")
    def forget_calls() -> Response:
        """Callbacks that are still to come are sent all the same."""
        return jsonify({"status": "ok", "forgotten": calls.forget()})

    @pages.post("/callbacks")
    def send_callback() -> Response:
        """Sends it before it answers, so that the answer can tell what came of it."""
        name, notice = read_callback(read_object(request))
        call = calls.find(name)
        if call is None:
            raise Complaint(404, "notFoundError", f"no placed call {ascii(name)[1:-1]}")
        callback = callbacks.send(call, notice)
        if callback is None:
            raise wrong_value("the simulator was started without --callback-url")
        return jsonify({"status": "ok", "callback": callback.as_json()})

    @pages.post("/reset")
    def reset() -> Response:
        """After the answer nothing comes any more of what was before."""
        forgotten = {
            "lines": script.forget(),
            "calls": calls.forget(),
            "callbacks": callbacks.cancel(),
        }
        if on_reset:
            on_reset()
        return jsonify({"status": "ok", **forgotten})

    return pages


def _from_a_program() -> None:
    """Refuses changes that a web page may have asked for.

    The simulator listens on loopback, but so does a developer's browser, and a page of anybody's
    can post to 127.0.0.1. A browser says where such a request comes from (Origin), and it asks
    before it sends JSON or DELETE across origins, which nothing here allows. Either would do;
    together they also hold where a page's own host name leads to 127.0.0.1. Reading without an
    Origin stays open: what can be read here is made up.
    """
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    if request.content_type is not None and not request.is_json:
        raise Complaint(415, "requiredJsonError", "Content-Type must be application/json")


def refuse_web_pages() -> None:
    """Refuses whatever a browser sends in the name of a page, on every path but the phone's.

    That is a page of the simulator's own, and has its own rules of whom it serves.
    """
    if "Origin" in request.headers and request.blueprint != "phone":
        reason = "requests of web pages (with an Origin) change nothing here"
        raise Complaint(403, "prohibitedForAppError", reason)
