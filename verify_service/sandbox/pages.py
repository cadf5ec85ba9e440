"""The pages that tell: what there is, and what has happened."""

from flask import Blueprint, Response, jsonify, request

from verify_service.sandbox.calls import CallLog, Query
from verify_service.sandbox.complaints import Complaint, wrong_shape
from verify_service.sandbox.table import Table
from verify_service.sandbox.welcome import front_page, outcome_table

LONGEST_WAIT = 30
"""Seconds."""


def pages(table: Table, calls: CallLog) -> Blueprint:
    """The front page, and what can be read under /sandbox."""
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    def welcome() -> Response:
        return Response(front_page(table, request.host_url.rstrip("/")), mimetype="text/plain")

    @pages.get("/sandbox/outcomes")
    def list_outcomes() -> Response:
        return jsonify(outcome_table(table))

    @pages.get("/sandbox/calls")
    def list_calls() -> Response:
        """Newest last; `?number=` in any spelling; `?wait=` for one that is not there yet."""
        query, wait = _query()
        found, cursor = calls.select(query, wait)
        return jsonify({"status": "ok", "calls": found, "cursor": cursor})

    @pages.get("/sandbox/calls/<name>")
    def show_call(name: str) -> Response:
        """By its requestId, or the newest to a number."""
        call = calls.find(name)
        if call is None:
            raise Complaint(404, "notFoundError", "no placed call has this requestId or number")
        return jsonify({"status": "ok", "call": call.as_json()})

    return pages


def _query() -> tuple[Query, float]:
    arguments = request.args.to_dict()
    number = arguments.pop("number", None)
    after = _integer(arguments.pop("after", "0"))
    wait = _seconds(arguments.pop("wait", "0"))
    callbacks = _flag(arguments.pop("callbacks", "0"))
    if arguments:
        allowed = "number, after, wait, callbacks"
        raise wrong_shape(f"{min(arguments)!a} is no argument; there are: {allowed}")
    return Query(number, after, callbacks), wait


def _integer(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text)
    raise wrong_shape("after must be a cursor: an integer that the simulator gave")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if 0 <= seconds <= LONGEST_WAIT:
        return seconds
    raise wrong_shape(f"wait must be seconds from 0 to {LONGEST_WAIT}")


def _flag(text: str) -> bool:
    if text in {"0", "1"}:
        return text == "1"
    raise wrong_shape("callbacks must be 1 (calls with a callback) or 0")
