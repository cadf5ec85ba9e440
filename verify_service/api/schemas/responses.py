"""Responses and events. A ``required`` field is in every body of its kind."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import Range

from verify_service.api import vocabulary
from verify_service.api.schemas.fields import Answer, about, word
from verify_service.domain.models import NextAction

_ID = about(
    "The id of the verification. Opaque and unguessable. Keep it in the session on your server.",
    minLength=1,
    maxLength=128,
)
_MASKED = about("The number, masked: four digits, dots, the last two digits.")
_CHECKS_LEFT = "Guesses left."
_EXPIRES_IN = "Seconds until the code expires; 0 after that."
_RESTART_IN = "Seconds until this number's own limits allow a new start; 0 means now."
_LIMIT = "The name of the limit that refused the request."
_RETRY_AFTER = "Seconds until a retry can succeed. The same as the `Retry-After` header."
_BLOCKING = {name: vocabulary.LIMITS[name] for name in ("failures", "locked")}
_BLOCKED_FOR = "Seconds until `limit` no longer blocks this number."
_REFERENCE = about("The `reference` of the start. Present if it had one.")
_TEST = about("True for a test number: no call was placed. Absent otherwise.")


def _ok() -> fields.Constant[str]:
    return fields.Constant("ok", required=True, metadata=about("No error."))


def _seconds(description: str, **kwargs: Any) -> fields.Integer:
    return fields.Integer(metadata=about(description), validate=Range(0), **kwargs)


def _next(*actions: NextAction, **kwargs: Any) -> fields.String:
    known = {action: vocabulary.NEXT_ACTIONS[action] for action in actions or NextAction}
    return word(known, "What the login flow has to do next.", **kwargs)


class CallAnswer(Answer):
    """The call of a verification."""

    state = word(vocabulary.CALL_STATES, "The state of the call.", required=True)
    caller_prefix = fields.String(
        required=True,
        allow_none=True,
        metadata=about(
            "The calling number without its last four digits, to show who is calling; null "
            "if the provider did not return it, or returned the code alone.",
            pattern="^[0-9]{0,11}$",
        ),
    )
    caller_length = fields.Integer(
        required=True,
        allow_none=True,
        metadata=about(
            "Digits of the whole calling number; null if the provider did not return it."
        ),
        validate=Range(4, 15),
    )
    code_digits = fields.Integer(
        required=True, metadata=about("Digits of the code: the last ones of the calling number.")
    )
    provider_status = word(
        vocabulary.CALL_STATUSES, "What the provider reported. Present once it did."
    )
    at = fields.Integer(
        metadata=about("Unixtime in seconds of the provider's report. Present once it reported.")
    )


class VerificationAnswer(Answer):
    """A verification as it stands now."""

    status = _ok()
    verification_id = fields.String(required=True, metadata=_ID)
    state = word(vocabulary.STATES, "The state of the verification.", required=True)
    number = fields.String(required=True, metadata=_MASKED)
    call = fields.Nested(CallAnswer, required=True)
    checks_left = _seconds(_CHECKS_LEFT, required=True)
    expires_at = fields.Integer(
        required=True, metadata=about("Unixtime in seconds at which it expires.")
    )
    expires_in = _seconds(_EXPIRES_IN, required=True)
    restart_in = _seconds(_RESTART_IN, required=True)
    next_action = _next(
        NextAction.WAIT,
        NextAction.ENTER_CODE,
        NextAction.RESTART,
        NextAction.STOP,
        required=True,
    )
    limit = word(_BLOCKING, "The limit that blocks this number. Present while one does.")
    retry_after = _seconds(_BLOCKED_FOR)
    reference = fields.String(metadata=_REFERENCE)
    test = fields.Boolean(metadata=_TEST)


class VerificationEvent(Answer):
    """A change of a verification, which `data` shows as it was right after the change."""

    type = word(
        vocabulary.EVENTS,
        "What changed. Answer an event of another type with 2xx, and ignore it.",
        required=True,
    )
    timestamp = fields.String(
        required=True,
        metadata=about("When it changed, in UTC, to the millisecond.", format="date-time"),
    )
    data = fields.Nested(VerificationAnswer, required=True)


class CheckAnswer(Answer):
    """The result of a check. Only `verified: true` logs anyone in."""

    status = _ok()
    verified = fields.Boolean(
        required=True,
        metadata=about("Whether this response logs the person in. True once per verification."),
    )
    state = word(
        vocabulary.STATES,
        "The state of the verification. `approved` without `verified: true` means that an "
        "earlier check was the verified one.",
        required=True,
    )
    number = fields.String(
        metadata=about(
            "The number that was proven, in full E.164. Bind the session to it. Present only "
            "if `verified` is true.",
            pattern="^\\+[0-9]{7,15}$",
        )
    )
    checks_left = _seconds(_CHECKS_LEFT)
    expires_in = _seconds(_EXPIRES_IN)
    restart_in = _seconds(_RESTART_IN)
    next_action = _next(required=True)
    limit = word(_BLOCKING, "The limit that blocks this number. Present while one does.")
    retry_after = _seconds(_BLOCKED_FOR)
    reference = fields.String(metadata=_REFERENCE)
    test = fields.Boolean(metadata=_TEST)


class CallbackAnswer(Answer):
    """Whether a callback changed anything."""

    status = _ok()
    applied = fields.Boolean(
        required=True,
        metadata=about(
            "False for a duplicate, for an older timestamp than the known one, for a number that "
            "is not the call's, for an unknown status, and for a call that is not recorded yet "
            "(the callback is kept, and applied once it is)."
        ),
    )


class HealthAnswer(Answer):
    """The process is alive."""

    status = _ok()


class ReadyAnswer(Answer):
    """Redis takes writes, so starts and checks can be served."""

    status = _ok()
    calls = word(vocabulary.CALLS, "Whether calls are placed.", required=True)
    warnings = fields.List(
        fields.String(),
        required=True,
        metadata=about(
            "What weakens the guarantees and does not stop the service, a sentence for each: for "
            "example, a Redis that may evict keys."
        ),
    )


class ErrorAnswer(Answer):
    """An error."""

    status = fields.String(required=True, metadata=about("The error in one word."))
    reason = word(
        vocabulary.REASONS_AND_LIMITS,
        "What exactly is wrong, in a stable word that a program can compare. Words may be added: "
        "treat one that you do not know by `status` alone.",
        required=True,
    )
    error_code = fields.Integer(
        metadata=about("The number of the error in the provider's table, if it has one.")
    )
    error_reason = fields.String(
        required=True, metadata=about("A sentence for the developer. Do not show it to people.")
    )
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata=about("The sentences for each wrong field; `_schema` is the body as a whole."),
    )
    limit = word(vocabulary.LIMITS, _LIMIT)
    retry_after = _seconds(_RETRY_AFTER)
    verification_id = fields.String(
        metadata=_ID | {"description": "The verification that was reserved before the error."}
    )
    next_action = _next(NextAction.RESTART, NextAction.STOP)
    restart_in = _seconds(_RESTART_IN)
    reference = fields.String(metadata=_REFERENCE)
