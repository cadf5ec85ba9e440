"""The phone's page, what it is made of, and what it asks for."""

import secrets
from pathlib import Path

from flask import Blueprint, Response, jsonify, request

from verify_service.sandbox.calls import CallLog
from verify_service.sandbox.complaints import Complaint, wrong_shape
from verify_service.sandbox.fields import Fields, is_number, one_of, read_object
from verify_service.sandbox.outcomes import digits
from verify_service.sandbox.phone.guard import from_our_own_page, holds
from verify_service.sandbox.phone.stream import events
from verify_service.sandbox.phone.switchboard import ANY, DECISIONS, Mode, Switchboard

STATIC = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def phone_pages(calls: CallLog, switchboard: Switchboard) -> Blueprint:
    """All of it, under /phone."""
    pages = Blueprint("phone", __name__, url_prefix="/phone")
    pages.before_request(from_our_own_page)
    key = secrets.token_urlsafe(16)

    @pages.get("")
    def show() -> Response:
        """The page; `?number=` for a phone that takes the calls of one number."""
        _name(request.args.get("number"))
        return _file("phone.html", "text/html")

    @pages.get("/<stem>.<kind>")
    def part(stem: str, kind: str) -> Response:
        name = f"{stem}.{kind}"
        if f".{kind}" not in TYPES or not (STATIC / name).is_file():
            raise Complaint(404, "notFoundError", "the phone has no such part")
        return _file(name, TYPES[f".{kind}"])

    @pages.post("/open")
    def open_phone() -> Response:
        """What the page needs to listen."""
        return jsonify({"status": "ok", "key": key})

    @pages.get("/events")
    def listen() -> Response:
        """Server-sent events. The phone is open as long as somebody reads them."""
        holds(key)
        name, connection = _name(request.args.get("number")), request.environ["werkzeug.socket"]
        stream = events(name, connection, calls, switchboard)
        return Response(stream, mimetype="text/event-stream", headers=HEADERS)

    @pages.post("/mode")
    def set_mode() -> Response:
        fields = read_object(request)
        name, mode = _named(fields), _choice(fields, "mode", tuple(Mode))
        fields.end()
        switchboard.set_mode(name, Mode(mode))
        return jsonify({"status": "ok"})

    @pages.post("/decide")
    def decide() -> Response:
        fields = read_object(request)
        name, status = fields.text("call"), _choice(fields, "status", DECISIONS)
        fields.end()
        call = calls.find(name or "")
        if call is None or not switchboard.decide(call, status):
            raise Complaint(409, "conflictError", "this call does not ring any more")
        return jsonify({"status": "ok"})

    return pages


def _file(name: str, mimetype: str) -> Response:
    return Response((STATIC / name).read_bytes(), mimetype=mimetype, headers=HEADERS)


def _name(number: str | None) -> str:
    if not number:
        return ANY
    if is_number(number):
        return digits(number)
    raise wrong_shape("number must be a phone number of 7 to 15 digits, or left out for any")


def _named(fields: Fields) -> str:
    return _name(fields.text("number"))


def _choice(fields: Fields, name: str, words: tuple[str, ...]) -> str:
    word = fields.choice(name, words)
    if word is None:
        raise wrong_shape(f"{name} must be {one_of(words)}")
    return word
