"""Receives the provider's callbacks: how a call went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from verify_service.api import schemas
from verify_service.api.auth import path_secret_guard, require_app_key
from verify_service.api.body import WrongMediaType, dump, parse_json, read_body
from verify_service.api.context import verifications

CALLBACK_REQUEST = schemas.CallbackRequest()
CALLBACK_RESPONSE = schemas.CallbackResponse()
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def callbacks_blueprint(app_keys: Sequence[bytes], path_secret: str | None) -> Blueprint:
    """Return the blueprint.

    Args:
        app_keys: The ``appKey`` of every callback must be one of these.
        path_secret: If set, it must be the last part of the path; any other path is 404.
    """
    blueprint = Blueprint("callbacks", __name__, url_prefix="/callbacks")
    blueprint.before_request(path_secret_guard(path_secret))

    @blueprint.post("/flashcall")
    @blueprint.post("/flashcall/<secret>")
    def flashcall(secret: str = "") -> ResponseReturnValue:  # noqa: ARG001 - the guard compares it
        """Record how a call went."""
        body = _body()
        require_app_key(app_keys, body)
        applied = verifications().record_callback(**CALLBACK_REQUEST.load(body))
        return dump(CALLBACK_RESPONSE, {"applied": applied})

    return blueprint


def _body() -> Any:
    """Return the fields of a form, or what the JSON encodes."""
    raw = read_body()
    if request.mimetype in _FORMS:
        return request.form.to_dict()
    if not request.is_json:
        raise WrongMediaType
    return parse_json(raw)
