"""For login flows: start, check, status, cancel."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter

from verify_service.api import responses, schemas
from verify_service.api.body import dump, load, read_body
from verify_service.api.context import calling_app, verifications
from verify_service.api.idempotency_key import keyed_request

URL_PREFIX = "/verify"
START_REQUEST = schemas.StartRequest()
CHECK_REQUEST = schemas.CheckRequest()
VERIFICATION_RESPONSE = schemas.VerificationAnswer()
CHECK_RESPONSE = schemas.CheckAnswer()


class VerificationId(BaseConverter):
    """Any text except ``start`` and ``check``: they are paths of their own, so GET is 405."""

    regex = r"(?!start\Z|check\Z)[^/]+"


def verify_blueprint(guard: Callable[[], None]) -> Blueprint:
    """Return the blueprint.

    Args:
        guard: Runs before each view. It sets ``g.app`` or raises.
    """
    blueprint = Blueprint("verify", __name__, url_prefix=URL_PREFIX)
    blueprint.before_request(guard)
    blueprint.record_once(_add_converter)
    blueprint.post("/start")(start)
    blueprint.post("/check")(check)
    blueprint.get("/<id:verification_id>")(status)
    blueprint.post("/<id:verification_id>/cancel")(cancel)
    return blueprint


def start() -> ResponseReturnValue:
    """Start a verification: call a number."""
    fields = load(START_REQUEST)
    new = verifications().prepare(
        calling_app(),
        fields["number"],
        fields.get("reference"),
        country=fields.get("country"),
        device_id=fields.get("device_id"),
        client_ip=fields.get("client_ip"),
        keyed_request=keyed_request(fields),
    )
    view = verifications().start(new)
    location = f"{URL_PREFIX}/{view.verification.id}"
    return dump(VERIFICATION_RESPONSE, responses.verification(view)), 201, {"Location": location}


def check() -> ResponseReturnValue:
    """Compare the four digits that a person typed."""
    fields = load(CHECK_REQUEST)
    view = verifications().check(
        calling_app(), fields["verification_id"], fields["code"], keyed_request(fields)
    )
    return dump(CHECK_RESPONSE, responses.check(view))


def status(verification_id: str) -> ResponseReturnValue:
    """Return a verification as it is now."""
    view = verifications().status(calling_app(), verification_id)
    return dump(VERIFICATION_RESPONSE, responses.verification(view))


def cancel(verification_id: str) -> ResponseReturnValue:
    """End a pending verification. A body is not needed; one that is announced has to arrive."""
    read_body()
    view = verifications().cancel(calling_app(), verification_id)
    return dump(VERIFICATION_RESPONSE, responses.verification(view))


def _add_converter(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["id"] = VerificationId
