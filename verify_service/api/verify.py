"""Login flows: start, check, status, cancel."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter

from verify_service.api import responses as present
from verify_service.api import schemas
from verify_service.api.body import dump, keyed_request, load
from verify_service.api.context import caller, verifications

START = schemas.StartRequest()
CHECK = schemas.CheckRequest()
VERIFICATION = schemas.VerificationAnswer()
CHECKED = schemas.CheckAnswer()


class VerificationId(BaseConverter):
    """Any text but the two words that are paths of their own: a GET of them is a 405."""

    regex = r"(?!start\Z|check\Z)[^/]+"


def verify_blueprint(guard: Callable[[], None]) -> Blueprint:
    """Return the blueprint, closed to all but known apps."""
    blueprint = Blueprint("verify", __name__, url_prefix="/verify")
    blueprint.before_request(guard)
    blueprint.record_once(_add_converter)
    blueprint.post("/start")(start)
    blueprint.post("/check")(check)
    blueprint.get("/<id:verification_id>")(status)
    blueprint.post("/<id:verification_id>/cancel")(cancel)
    return blueprint


def start() -> ResponseReturnValue:
    """Ring a phone."""
    wanted = load(START)
    draft = verifications().draft(
        caller(),
        wanted["number"],
        wanted.get("reference"),
        device_id=wanted.get("device_id"),
        client_ip=wanted.get("client_ip"),
        keyed_request=keyed_request(wanted),
    )
    view = verifications().start(draft)
    where = url_for("verify.status", verification_id=view.verification.id)
    return dump(VERIFICATION, present.verification(view)), 201, {"Location": where}


def check() -> ResponseReturnValue:
    """Compare the four digits a person typed."""
    guess = load(CHECK)
    answer = verifications().check(
        caller(), guess["verification_id"], guess["code"], keyed_request(guess)
    )
    return dump(CHECKED, present.check(answer))


def status(verification_id: str) -> ResponseReturnValue:
    """Show a verification as it stands."""
    view = verifications().status(caller(), verification_id)
    return dump(VERIFICATION, present.verification(view))


def cancel(verification_id: str) -> ResponseReturnValue:
    """End a pending verification."""
    view = verifications().cancel(caller(), verification_id)
    return dump(VERIFICATION, present.verification(view))


def _add_converter(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["id"] = VerificationId
