"""Refuses what the simulator's own pages cannot take, in the words of the provider's page."""

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException


class Complaint(Exception):
    """The request gets `{"status": word, "error": reason}` under `http_status`."""

    def __init__(self, http_status: int, word: str, reason: str) -> None:
        super().__init__(reason)
        self.http_status = http_status
        self.word = word


def wrong_shape(reason: str) -> Complaint:
    """A field is missing, unknown, or of another type or form; `reason` says what is allowed."""
    return Complaint(400, "invalidSchemeError", reason)


def wrong_value(reason: str) -> Complaint:
    """The shape is right, and it cannot be done all the same."""
    return Complaint(400, "invalidDataError", reason)


def install(app: Flask) -> None:
    """Answer complaints, and whatever the framework has to complain of, in JSON."""
    app.register_error_handler(Complaint, _complain)
    app.register_error_handler(HTTPException, _framework)


def _complain(complaint: Complaint) -> Response:
    return _problem(complaint.http_status, complaint.word, str(complaint))


_WORDS = {404: "notFoundError", 405: "methodNotAllowedError", 413: "payloadTooLargeError"}


def _framework(error: HTTPException) -> Response:
    code = error.code or 500
    response = _problem(code, _WORDS.get(code, "invalidSchemeError"), f"{error.name}; see GET /")
    # Allow says which methods there are, Location where a path with a slash too many is found.
    for name, value in error.get_headers():
        if name in {"Allow", "Location"}:
            response.headers[name] = value
    return response


def _problem(http_status: int, word: str, reason: str) -> Response:
    response = jsonify({"status": word, "error": reason})
    response.status_code = http_status
    return response
