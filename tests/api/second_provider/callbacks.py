"""Receives Ringer's callbacks: other field names, and the key in a header."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from verify_service.api.auth import require_app_key
from verify_service.api.body import load
from verify_service.api.context import verifications


class RingRequest(Schema):
    request_id = fields.String(required=True, data_key="ring")
    number = fields.String(required=True, data_key="to")
    status = fields.String(required=True, data_key="event")
    timestamp = fields.Integer(required=True, data_key="at")


def ringer_blueprint(key: bytes) -> Blueprint:
    blueprint = Blueprint("ringer", __name__)

    @blueprint.post("/callbacks/ringer")
    def ringer() -> ResponseReturnValue:
        require_app_key([key], {"appKey": request.headers.get("Callback-Key")})
        return {"applied": verifications().record_callback(**load(RingRequest()))}

    return blueprint
