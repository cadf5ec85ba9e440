"""The provider: how a call went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from verify_service.api import schemas
from verify_service.api.auth import is_one_of
from verify_service.api.body import dump, read_json, received
from verify_service.api.context import verifications
from verify_service.api.problems import InvalidAppKey, WrongMediaType

CALLBACK = schemas.CallbackRequest()
ANSWER = schemas.CallbackAnswer()
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def callbacks_blueprint(app_keys: Sequence[bytes], path_secret: str | None) -> Blueprint:
    """Return the blueprint.

    Args:
        app_keys: The ``appKey`` of every callback must be one of these.
        path_secret: Where set, the last part of the path must be it; without it, 404.
    """
    blueprint = Blueprint("callbacks", __name__, url_prefix="/callbacks")

    def flashcall(secret: str = "") -> ResponseReturnValue:
        """Take one callback."""
        if not is_one_of([(path_secret or "").encode()], secret):
            abort(404)
        report = CALLBACK.load(_authenticated(app_keys))
        return dump(ANSWER, {"applied": verifications().record_callback(**report)})

    blueprint.post("/flashcall")(flashcall)
    blueprint.post("/flashcall/<secret>")(flashcall)
    return blueprint


def _authenticated(app_keys: Sequence[bytes]) -> Any:
    body = _body()
    if isinstance(body, dict) and not is_one_of(app_keys, body.get("appKey")):
        raise InvalidAppKey
    return body


def _body() -> Any:
    raw = received()
    if request.mimetype in _FORMS:
        return request.form.to_dict()
    if not request.is_json:
        raise WrongMediaType
    return read_json(raw)
