"""Requests. An app may send no other fields; the provider may."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, RAISE, fields, post_load
from marshmallow.validate import Length

from verify_service.api.schemas.fields import (
    NOT_BLANK,
    NUMBER_PATTERN,
    Address,
    Code,
    Country,
    Moment,
    Opaque,
    Request,
    about,
    printable,
)


class StartRequest(Request):
    """The number to call."""

    class Meta:
        unknown = RAISE

    number = fields.String(
        required=True,
        validate=Length(max=64),
        metadata=about(
            "The phone number in E.164: country code first, with or without `+`; or, with "
            "`country`, as people in that country write it. Spaces, dots, slashes, dashes and "
            "brackets of any kind, and invisible characters, are ignored. Older spellings are "
            "read as the number that is dialed today.",
            format="phone",
            pattern=NUMBER_PATTERN,
        ),
    )
    country = Country(
        metadata=about(
            "The country of the person, for example `RU`: `8 916 123-45-67` is then a number. "
            "Without it, digits without `+` are international."
        )
    )
    reference = printable(
        0, 64, "Your own text, for example an order number. Every response about this start has it."
    )
    client_ip = Address(
        metadata=about(
            "The address of the person's device, IPv4 or IPv6. Starts from one address are limited."
        )
    )
    device_id = printable(
        1,
        128,
        "An id that you issued to the person's device, for example in a signed cookie. Never let "
        "the device choose it. A device that verified the number before has limits of its own.",
    )


class CheckRequest(Request):
    """The code that the person typed."""

    class Meta:
        unknown = RAISE

    verification_id = fields.String(
        required=True,
        validate=Length(max=128),
        metadata=about(
            "From the response to start. Take it from the session, not from the browser."
        ),
    )
    code = Code(
        required=True,
        metadata=about(
            "The last four digits of the number that called, as text. An integer from 1000 to 9999 "
            "is accepted too. Anything else, for example the whole number, is refused and costs no "
            "guess."
        ),
    )


class CallbackRequest(Request):
    """How a call went. Unknown fields are ignored."""

    class Meta:
        unknown = EXCLUDE

    request_id = Opaque(
        required=True,
        metadata=about("The requestId that the provider returned when it accepted the call."),
    )
    number = Opaque(
        required=True,
        metadata=about("The number that was called, as in start. It must be the call's own."),
    )
    status = fields.String(
        required=True,
        validate=Length(min=1),
        metadata=about(
            "`ANSWERED`, `TERMINATED` or `BUSY_HERE`: the phone rang. `REJECTED`, `UNAVAILABLE` "
            "or `FORBIDDEN`: it did not. Any other word is counted and changes nothing.",
            pattern=NOT_BLANK,
        ),
    )
    timestamp = Moment(
        required=True,
        metadata=about(
            "Unixtime of the change, in seconds; from 100000000000 on it is read as "
            "milliseconds. A fraction is dropped. At most a day ahead."
        ),
    )
    app_key = fields.String(
        required=True, metadata=about("The key of your account's application at the provider.")
    )

    @post_load
    def _without_key(self, report: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Remove the key: the view has compared it already."""
        del report["app_key"]
        return report
