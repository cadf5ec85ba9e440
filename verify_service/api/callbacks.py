"""Receives the provider's callbacks: how a call went."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError
from werkzeug.exceptions import MethodNotAllowed

from verify_service.api import error_responses, schemas
from verify_service.api.auth import InvalidAppKey, path_secret_guard, require_app_key
from verify_service.api.body import dump, read_body, require_plain
from verify_service.api.callback_body import parse_callback
from verify_service.api.context import verifications

CALLBACK_REQUEST = schemas.CallbackRequest()
CALLBACK_RESPONSE = schemas.CallbackAnswer()
_NAMES = [str(field.data_key) for field in CALLBACK_REQUEST.fields.values()]
_PREFIX = "/callbacks"


def callbacks_blueprint(app_keys: Sequence[bytes], path_secret: str | None) -> Blueprint:
    """Return the blueprint.

    Args:
        app_keys: The ``appKey`` of every callback must be one of these.
        path_secret: If set, it must be the last part of the path; any other path is 404.
    """
    blueprint = Blueprint("callbacks", __name__, url_prefix=_PREFIX)
    blueprint.before_request(path_secret_guard(path_secret))
    blueprint.register_error_handler(Exception, _refuse)
    blueprint.app_errorhandler(MethodNotAllowed)(_refuse_method)

    @blueprint.post("/flashcall")
    @blueprint.post("/flashcall/")
    @blueprint.post("/flashcall/<secret>")
    @blueprint.post("/flashcall/<secret>/")
    def flashcall(secret: str = "") -> ResponseReturnValue:  # noqa: ARG001 - the guard compares it
        """Record how a call went."""
        require_plain()
        body = parse_callback(read_body(), _NAMES)
        require_app_key(app_keys, body)
        applied = verifications().record_callback(**CALLBACK_REQUEST.load(body))
        return dump(CALLBACK_RESPONSE, {"applied": applied})

    return blueprint


def _refuse(error: Exception) -> ResponseReturnValue:
    """Log and count a refused callback, and answer as everywhere."""
    _, body = error_responses.describe(error)
    verifications().events.callback_refused(body["reason"], _detail(error))
    return error_responses.respond(error)


def _refuse_method(error: MethodNotAllowed) -> ResponseReturnValue:
    """Answer a wrong method on any path. The router raises it before a blueprint is known."""
    ours = request.path.startswith(f"{_PREFIX}/")
    return _refuse(error) if ours else error_responses.respond(error)


def _detail(error: Exception) -> str | None:
    """Return what is wrong without a value: keys and numbers are secret."""
    if isinstance(error, InvalidAppKey):
        return "missing" if error.missing else "unknown"
    if isinstance(error, ValidationError):
        wrong = error.messages if isinstance(error.messages, dict) else {}
        return ", ".join(name for name in _NAMES if name in wrong) or None
    return None
