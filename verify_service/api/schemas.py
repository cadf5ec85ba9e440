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


class Camel(Schema):
    """Snake case inside, camel case outside, as the provider's API writes it."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Name the field outside."""
        head, *tail = field_name.split("_")
        field_obj.data_key = head + "".join(word.capitalize() for word in tail)


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


class StartRequest(Camel):
    """``POST /verify/start``."""

    class Meta:
        unknown = RAISE

    number = fields.String(required=True, validate=Length(max=64))
    reference = fields.String(validate=[Length(max=64), _printable])
    client_ip = fields.IP()
    device_id = fields.String(validate=[Length(1, 128), _printable])


class CheckRequest(Camel):
    """``POST /verify/check``."""

    class Meta:
        unknown = RAISE

    verification_id = fields.String(required=True, validate=Length(max=128))
    code = Code(required=True)


class CallbackRequest(Camel):
    """``POST /callbacks/flashcall``. The provider may add fields; it may not leave any out."""

    class Meta:
        unknown = EXCLUDE

    request_id = Opaque(required=True)
    number = Opaque(required=True)
    status = fields.String(required=True, validate=Length(min=1))
    timestamp = Moment(required=True)


class CallAnswer(Camel):
    """The call, inside an answer."""

    state = fields.String()
    caller_prefix = fields.String(allow_none=True)
    caller_length = fields.Integer(allow_none=True)
    code_digits = fields.Integer()
    provider_status = fields.String()
    at = fields.Integer()


class Progress(Camel):
    """What answers about a verification may say, in the order of the contract."""

    status = fields.Constant("ok")
    verified = fields.Boolean()
    verification_id = fields.String()
    state = fields.String()
    number = fields.String()
    call = fields.Nested(CallAnswer)
    checks_left = fields.Integer()
    expires_at = fields.Integer()
    expires_in = fields.Integer()
    restart_in = fields.Integer()
    next_action = fields.String()
    limit = fields.String()
    retry_after = fields.Integer()
    reference = fields.String()


class VerificationAnswer(Progress):
    """A verification, as start, status and cancel show it."""

    class Meta:
        exclude = ("verified",)


class CheckAnswer(Progress):
    """A check's answer. Only ``verified: true`` logs anyone in."""

    class Meta:
        exclude = ("verification_id", "call", "expires_at")


class CallbackAnswer(Camel):
    """A callback's answer."""

    status = fields.Constant("ok")
    applied = fields.Boolean()


class ErrorAnswer(Camel):
    """Every error."""

    status = fields.String()
    error_code = fields.Integer()
    error_reason = fields.String()
    errors = fields.Dict()
    limit = fields.String()
    retry_after = fields.Integer()
    verification_id = fields.String()
    next_action = fields.String()
    restart_in = fields.Integer()
    reference = fields.String()
