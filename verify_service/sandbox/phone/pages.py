"""The phone's page and its requests. Only the simulator's own page may use them.

A browser on this machine also shows pages of other sites, and they can send requests to 127.0.0.1.
The phone's requests change what happens to calls, so three rules apply:

- A change needs an Origin that is exactly the simulator's address. Every browser sends it with a
  POST, and a page cannot set it.
- That address is an IP address or localhost. A host name of another site that resolves to
  127.0.0.1 would be the same origin for a browser.
- Listening is a change, because an open phone takes calls, but a browser lets any page send a GET.
  So it needs a key, which only the answer to a POST contains.
"""

import json
import secrets
import socket
from collections.abc import Iterator
from hmac import compare_digest
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request
from marshmallow import Schema, fields
from marshmallow.validate import OneOf

from verify_service.sandbox.calls import CallLog
from verify_service.sandbox.phone.switchboard import ANY, DECISIONS, Mode, Switchboard
from verify_service.sandbox.problems import Problem, invalid_schema, read_json
from verify_service.sandbox.script import is_number
from verify_service.sandbox.server import is_connected
from verify_service.sandbox.vocabulary import digits

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
# Bytes.
LARGEST_BODY = 10_000
# Seconds between two checks whether the page is still connected.
TICK = 0.5


class ModeSchema(Schema):
    """Sets the mode of a phone."""

    number = fields.String(load_default=None)
    mode = fields.Enum(Mode, by_value=True, required=True)


class DecisionSchema(Schema):
    """Ends a call that rings."""

    call = fields.String(required=True)
    status = fields.String(required=True, validate=OneOf(DECISIONS))


def phone_pages(calls: CallLog, switchboard: Switchboard) -> Blueprint:
    """Return the pages under /phone."""
    pages = Blueprint("phone", __name__, url_prefix="/phone")
    pages.before_request(_refuse_other_pages)
    key = secrets.token_urlsafe(16)

    @pages.get("")
    def show() -> Response:
        """Return the page; `?number=` selects the phone of one number."""
        _phone_name(request.args.get("number"))
        return _file("phone.html", "text/html")

    @pages.get("/<stem>.<kind>")
    def part(stem: str, kind: str) -> Response:
        name = f"{stem}.{kind}"
        if f".{kind}" not in TYPES or not (STATIC / name).is_file():
            raise Problem(404, "notFoundError", "the phone has no such file")
        return _file(name, TYPES[f".{kind}"])

    @pages.post("/open")
    def open_phone() -> Response:
        """Return the key for `/phone/events`."""
        return jsonify({"status": "ok", "key": key})

    @pages.get("/events")
    def listen() -> Response:
        """Send what the phone shows, as server-sent events; the phone is open meanwhile."""
        if not compare_digest(request.args.get("key", "").encode(), key.encode()):
            raise _prohibited("key must be the one in the answer to POST /phone/open")
        name, connection = (
            _phone_name(request.args.get("number")),
            request.environ["werkzeug.socket"],
        )
        stream = _events(name, connection, calls, switchboard)
        return Response(stream, mimetype="text/event-stream", headers=HEADERS)

    @pages.post("/mode")
    def set_mode() -> Response:
        body = read_json(request, ModeSchema())
        switchboard.set_mode(_phone_name(body["number"]), body["mode"])
        return jsonify({"status": "ok"})

    @pages.post("/decide")
    def decide() -> Response:
        body = read_json(request, DecisionSchema())
        call = calls.find(body["call"])
        if call is None or not switchboard.decide(call, body["status"]):
            raise Problem(409, "conflictError", "this call does not ring")
        return jsonify({"status": "ok"})

    return pages


def _events(
    name: str, connection: socket.socket, calls: CallLog, switchboard: Switchboard
) -> Iterator[str]:
    """Yield one event for each change, until the page or the simulator ends."""
    version, shown = -1, ""
    with switchboard.open(name, connection):
        while is_connected(connection) and not calls.closed:
            version, before = calls.watch(version, TICK), version
            if version != before and (now := json.dumps(switchboard.show(name))) != shown:
                shown = now
                yield f"data: {shown}\n\n"


def _file(name: str, mimetype: str) -> Response:
    return Response((STATIC / name).read_bytes(), mimetype=mimetype, headers=HEADERS)


def _phone_name(number: str | None) -> str:
    if not number:
        return ANY
    if is_number(number):
        return digits(number)
    raise invalid_schema("number: Must be a phone number of 7 to 15 digits, or absent.")


def _refuse_other_pages() -> None:
    here = request.host_url.rstrip("/")
    if not _is_address(here):
        raise _prohibited("use the phone at an IP address or at localhost")
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    if request.headers.get("Origin") != here:
        raise _prohibited("only the phone's own page (by its Origin) may do this")
    request.max_content_length = LARGEST_BODY


def _is_address(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or bool(ip_address(host))
    except ValueError:
        return False


def _prohibited(reason: str) -> Problem:
    return Problem(403, "prohibitedForAppError", reason)
