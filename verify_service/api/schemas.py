"""What comes in and what goes out, field by field. An answer holds what stands here, no more."""

from __future__ import annotations

import math
import re
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields
from marshmallow.validate import Length

from verify_service.codes import FIRST, LAST

_CODE = re.compile(r"[0-9]{4}\Z")
_DIGITS = re.compile(r"[0-9]{1,15}\Z")


def _printable(text: str) -> None:
    if not text.isprintable():
        raise ValidationError("Must be printable characters only.")


class Code(fields.Field[str]):
    """Four ASCII digits, or the integer they write."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and FIRST <= value <= LAST:
            return str(value)
        if isinstance(value, str) and _CODE.match(value):
            return value
        raise ValidationError(
            f"Must be a string of four digits 0-9, or an integer from {FIRST} to {LAST}."
        )


class Opaque(fields.Field[str]):
    """A string or an integer, kept as text: some providers number what others name."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise ValidationError("Must be a string or an integer.")
        text = str(value).strip()
        if not 0 < len(text) <= 256:
            raise ValidationError("Must have 1 to 256 characters.")
        return text


class Moment(fields.Field[int]):
    """Unixtime: a number, or its digits as text (a form has nothing else)."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        # 1e999 is a JSON number, and infinite here.
        whole = isinstance(value, float) and math.isfinite(value)
        text = str(int(value) if whole else value)
        if isinstance(value, bool) or not _DIGITS.match(text):
            raise ValidationError("Must be unixtime, in seconds or milliseconds.")
        return int(text)


class StartRequest(Schema):
    """``POST /verify/start``."""

    class Meta:
        unknown = RAISE

    number = fields.String(required=True, validate=Length(max=64))
    reference = fields.String(validate=[Length(max=64), _printable])
    client_ip = fields.IP(data_key="clientIp")
    device_id = fields.String(data_key="deviceId", validate=[Length(1, 128), _printable])


class CheckRequest(Schema):
    """``POST /verify/check``."""

    class Meta:
        unknown = RAISE

    verification_id = fields.String(
        required=True, data_key="verificationId", validate=Length(max=128)
    )
    code = Code(required=True)


class CallbackRequest(Schema):
    """``POST /callbacks/flashcall``. The provider may add fields; it may not leave any out."""

    class Meta:
        unknown = EXCLUDE

    request_id = Opaque(required=True, data_key="requestId")
    number = Opaque(required=True)
    status = fields.String(required=True, validate=Length(min=1))
    timestamp = Moment(required=True)


class CallAnswer(Schema):
    """The call, inside an answer."""

    state = fields.String()
    caller_prefix = fields.String(data_key="callerPrefix", allow_none=True)
    caller_length = fields.Integer(data_key="callerLength", allow_none=True)
    code_digits = fields.Integer(data_key="codeDigits")
    provider_status = fields.String(data_key="providerStatus")
    at = fields.Integer()


class VerificationAnswer(Schema):
    """A verification, as start, status and cancel show it."""

    status = fields.Constant("ok")
    verification_id = fields.String(data_key="verificationId")
    state = fields.String()
    number = fields.String()
    call = fields.Nested(CallAnswer)
    checks_left = fields.Integer(data_key="checksLeft")
    expires_at = fields.Integer(data_key="expiresAt")
    expires_in = fields.Integer(data_key="expiresIn")
    restart_in = fields.Integer(data_key="restartIn")
    next_action = fields.String(data_key="nextAction")
    limit = fields.String()
    retry_after = fields.Integer(data_key="retryAfter")
    reference = fields.String()


class CheckAnswer(Schema):
    """A check's answer. Only ``verified: true`` logs anyone in."""

    status = fields.Constant("ok")
    verified = fields.Boolean()
    state = fields.String()
    number = fields.String()
    checks_left = fields.Integer(data_key="checksLeft")
    expires_in = fields.Integer(data_key="expiresIn")
    restart_in = fields.Integer(data_key="restartIn")
    next_action = fields.String(data_key="nextAction")
    limit = fields.String()
    retry_after = fields.Integer(data_key="retryAfter")
    reference = fields.String()


class CallbackAnswer(Schema):
    """A callback's answer."""

    status = fields.Constant("ok")
    applied = fields.Boolean()


class ErrorAnswer(Schema):
    """Every error."""

    status = fields.String()
    error_code = fields.Integer(data_key="errorCode")
    error_reason = fields.String(data_key="errorReason")
    errors = fields.Dict()
    limit = fields.String()
    retry_after = fields.Integer(data_key="retryAfter")
    verification_id = fields.String(data_key="verificationId")
    next_action = fields.String(data_key="nextAction")
    restart_in = fields.Integer(data_key="restartIn")
    reference = fields.String()
