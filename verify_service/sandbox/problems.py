"""Errors of the simulator's own pages, in the provider's shape, and how they read JSON."""

import json
from typing import Any

from flask import Flask, Request, Response, jsonify
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import HTTPException


class Problem(Exception):
    """The answer is `{"status": word, "error": reason}` with `http_status`."""

    def __init__(self, http_status: int, word: str, reason: str) -> None:
        super().__init__(reason)
        self.http_status = http_status
        self.word = word


def invalid_schema(reason: str) -> Problem:
    """Return the problem of a missing or unknown field, or of a value that is not allowed."""
    return Problem(400, "invalidSchemeError", reason)


def invalid_data(reason: str) -> Problem:
    """Return the problem of a valid request that cannot be carried out."""
    return Problem(400, "invalidDataError", reason)


def read_json(request: Request, schema: Schema) -> dict[str, Any]:
    """Return the body of a request.

    Raises:
        Problem: It is not JSON, or the schema does not accept it.
    """
    if not request.is_json:
        raise Problem(415, "requiredJsonError", "Content-Type must be application/json")
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError):
        raise Problem(400, "requiredJsonError", "the body must be JSON in UTF-8") from None
    return load(schema, body)


def load(schema: Schema, values: Any) -> dict[str, Any]:
    """Return the values of the schema's fields.

    Raises:
        Problem: The schema does not accept them; the reason names a field.
    """
    try:
        return dict(schema.load(values))
    except ValidationError as error:
        raise invalid_schema(_first_message(error.messages)) from None


def _first_message(messages: Any) -> str:
    """Return the first message of nested ones, after the names that lead to it."""
    path = []
    while isinstance(messages, dict):
        name, messages = next(iter(messages.items()))
        path.append("the body" if name == "_schema" else ascii(str(name)[:32])[1:-1])
    return f"{'.'.join(path)}: {messages[0]}"


def install(app: Flask) -> None:
    """Answer problems and the framework's errors in JSON."""
    app.register_error_handler(Problem, _answer)
    app.register_error_handler(HTTPException, _framework)


def _answer(problem: Problem) -> Response:
    response = jsonify({"status": problem.word, "error": str(problem)})
    response.status_code = problem.http_status
    return response


_WORDS = {404: "notFoundError", 405: "methodNotAllowedError", 413: "payloadTooLargeError"}


def _framework(error: HTTPException) -> Response:
    code = error.code or 500
    word = _WORDS.get(code, "invalidSchemeError")
    response = _answer(Problem(code, word, f"{error.name}; see GET /"))
    # Allow lists the methods; Location is the path without a trailing slash.
    for name, value in error.get_headers():
        if name in {"Allow", "Location"}:
            response.headers[name] = value
    return response
