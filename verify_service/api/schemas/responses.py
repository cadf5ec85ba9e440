"""What goes out. ``required`` marks what every such answer holds."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, fields
from marshmallow.validate import Range

from verify_service.api import vocabulary as words
from verify_service.api.schemas.fields import Camel, about, word
from verify_service.domain.models import NextAction

_ID = about(
    "Names the verification. Opaque and not to be guessed; keep it in the session, server-side.",
    minLength=1,
    maxLength=128,
)
_MASKED = about("The number, masked: four digits, dots, the last two digits.")
_CHECKS_LEFT = "Guesses left."
_EXPIRES_IN = "Seconds in which a code can be entered; 0 once it is over."
_RESTART_IN = "Seconds until this number's own limits let a new start through; 0: at once."
_LIMIT = "The limit that refuses, by its name."
_RETRY_AFTER = "Seconds until then. The same as the `Retry-After` header."
_BARRING = {name: words.LIMITS[name] for name in ("failures", "locked")}
_BARRED_FOR = "Seconds until `limit` lets this number go on."
_REFERENCE = about("What start was given, where it was given one.")
_TEST = about("True for a test number: nobody was called. Absent otherwise.", enum=[True])


class Answer(Camel):
    """More fields may come: whoever reads an answer ignores what it does not know."""

    class Meta:
        unknown = EXCLUDE


def _ok() -> fields.Constant[str]:
    return fields.Constant("ok", required=True, metadata=about("No error."))


def _seconds(description: str, **kwargs: Any) -> fields.Integer:
    return fields.Integer(metadata=about(description), validate=Range(0), **kwargs)


def _next(*actions: NextAction, **kwargs: Any) -> fields.String:
    known = {action: words.NEXT_ACTIONS[action] for action in actions or NextAction}
    return word(known, "What the login flow does next.", **kwargs)


class CallAnswer(Answer):
    """The call of a verification."""

    state = word(words.CALL_STATES, "Where the call stands.", required=True)
    caller_prefix = fields.String(
        required=True,
        allow_none=True,
        metadata=about(
            "The calling number without its last four digits, to show who is calling; null "
            "where the provider did not say, or said no more than the code.",
            pattern="^[0-9]{0,11}$",
        ),
    )
    caller_length = fields.Integer(
        required=True,
        allow_none=True,
        metadata=about("Digits of the whole calling number; null where the provider did not say."),
        validate=Range(4, 15),
    )
    code_digits = fields.Integer(
        required=True, metadata=about("Digits of the code: the last ones of the calling number.")
    )
    provider_status = word(words.CALL_STATUSES, "What the provider reported. Present once it has.")
    at = fields.Integer(
        metadata=about("Unixtime in seconds of what the provider reported. Present once it has.")
    )


class VerificationAnswer(Answer):
    """A verification as it stands now."""

    status = _ok()
    verification_id = fields.String(required=True, metadata=_ID)
    state = word(words.STATES, "Where the verification stands.", required=True)
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
    limit = word(_BARRING, "The limit that bars this number. Present while one does.")
    retry_after = _seconds(_BARRED_FOR)
    reference = fields.String(metadata=_REFERENCE)
    test = fields.Boolean(metadata=_TEST)


class CheckAnswer(Answer):
    """The result of a check. Only `verified: true` logs anyone in."""

    status = _ok()
    verified = fields.Boolean(
        required=True,
        metadata=about("Whether this answer, and no other, logs the person in. True once."),
    )
    state = word(
        words.STATES,
        "Where the verification stands. `approved` without `verified: true` is somebody who "
        "comes second.",
        required=True,
    )
    number = fields.String(
        metadata=about(
            "The number that was proven, in full E.164. Bind the session to it. Present only "
            "where `verified` is true.",
            pattern="^\\+[0-9]{7,15}$",
        )
    )
    checks_left = _seconds(_CHECKS_LEFT)
    expires_in = _seconds(_EXPIRES_IN)
    restart_in = _seconds(_RESTART_IN)
    next_action = _next(required=True)
    limit = word(_BARRING, "The limit that bars this number. Present while one does.")
    retry_after = _seconds(_BARRED_FOR)
    reference = fields.String(metadata=_REFERENCE)
    test = fields.Boolean(metadata=_TEST)


class CallbackAnswer(Answer):
    """Whether a callback changed anything."""

    status = _ok()
    applied = fields.Boolean(
        required=True,
        metadata=about(
            "False for a duplicate, for older news than is known, for another call's number, for "
            "an unknown status, and for a call not recorded yet (kept, and applied when it is)."
        ),
    )


class HealthAnswer(Answer):
    """The process is alive."""

    status = _ok()


class ReadyAnswer(Answer):
    """Redis takes writes, so starts and checks can be served."""

    status = _ok()
    calls = word(words.CALLS, "Whether calls are placed.", required=True)


class ErrorAnswer(Answer):
    """Every error."""

    status = fields.String(required=True, metadata=about("What is wrong, in one word."))
    error_code = fields.Integer(
        metadata=about("The provider's number for it, where its table of errors has one.")
    )
    error_reason = fields.String(
        required=True, metadata=about("A sentence for the developer. Do not show it to people.")
    )
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata=about(
            "What is wrong with which field, in sentences; `_schema` for the body as a whole."
        ),
    )
    limit = word(words.LIMITS, _LIMIT)
    retry_after = _seconds(_RETRY_AFTER)
    verification_id = fields.String(
        metadata=_ID | {"description": "The verification that was reserved before this went wrong."}
    )
    next_action = _next(NextAction.RESTART, NextAction.STOP)
    restart_in = _seconds(_RESTART_IN)
    reference = fields.String(metadata=_REFERENCE)
