"""What comes in. What an app sends must be exactly this; the provider may send more."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, RAISE, fields, post_load
from marshmallow.validate import Length

from verify_service.api.schemas.fields import (
    NUMBER_PATTERN,
    Address,
    Camel,
    Code,
    Moment,
    Opaque,
    about,
    printable,
)


class StartRequest(Camel):
    """Whom to call."""

    class Meta:
        unknown = RAISE

    number = fields.String(
        required=True,
        validate=Length(max=64),
        metadata=about(
            "The phone number in E.164: country code first, with or without `+`. Spaces, dots, "
            "dashes and brackets are allowed. It is never read as a national number.",
            format="phone",
            pattern=NUMBER_PATTERN,
        ),
    )
    reference = printable(
        0, 64, "Anything of yours, an order number say. Every answer about this start repeats it."
    )
    client_ip = Address(
        metadata=about("The address of the person's device. Starts from one address are limited.")
    )
    device_id = printable(
        1,
        128,
        "A name that you gave the person's device, in a signed cookie say. Never let the device "
        "choose it. One that verified the number before has limits of its own.",
    )


class CheckRequest(Camel):
    """What the person typed."""

    class Meta:
        unknown = RAISE

    verification_id = fields.String(
        required=True,
        validate=Length(max=128),
        metadata=about("As start returned it. Take it from the session, not from the browser."),
    )
    code = Code(
        required=True,
        metadata=about(
            "The last four digits of the number that called: four digits `0`-`9` as text, or an "
            "integer. Anything else is refused and costs no guess."
        ),
    )


class CallbackRequest(Camel):
    """How a call went. More fields may come and are ignored."""

    class Meta:
        unknown = EXCLUDE

    request_id = Opaque(
        required=True, metadata=about("The call, as the provider named it when it took it.")
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
            "or `FORBIDDEN`: it did not. Any other word is counted and changes nothing."
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
        """Take the key off: who may report was decided before the shape was looked at."""
        del report["app_key"]
        return report
