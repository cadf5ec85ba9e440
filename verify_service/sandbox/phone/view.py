"""What a phone shows: whether it is on, and the newest calls to it."""

import re
from collections.abc import Mapping
from typing import Any

from verify_service.sandbox.calls import Call, CallLog
from verify_service.sandbox.outcomes import digits
from verify_service.sandbox.phone.switchboard import ANY, Switchboard
from verify_service.sandbox.wire import CALL_STATUSES

SHOWN = 30
"""Calls."""
CODE_DIGITS = 4


def view(name: str, calls: CallLog, switchboard: Switchboard) -> Mapping[str, Any]:
    """The phone `name` as JSON; a call without a status is ringing."""
    newest = calls.newest(SHOWN, None if name == ANY else name)
    return {
        "mode": switchboard.mode(name),
        "calls": [_shown(call, switchboard) for call in newest if not switchboard.is_coming(call)],
    }


def _shown(call: Call, switchboard: Switchboard) -> Mapping[str, Any]:
    status = None if switchboard.is_ringing(call) else _status(call, switchboard)
    caller = digits(call.caller or "")
    return {
        "id": str(call.request_id),
        "number": f"+{call.digits}",
        "prefix": spaced(caller[:-CODE_DIGITS]),
        "digits": caller[-CODE_DIGITS:],
        "at": call.placed_at,
        "status": status,
    }


def _status(call: Call, switchboard: Switchboard) -> str:
    """How a call ended, as far as the provider's words go."""
    told = [each.status for each in call.callbacks]
    last = [switchboard.decision(call) or "", *reversed(told), call.outcome]
    return next((word for word in last if word in CALL_STATUSES), "TERMINATED")


def spaced(number: str) -> str:
    """+7 917 913 from 7917913: groups of three, from the right."""
    return "+" + re.sub(r"(?<=[0-9])(?=(?:[0-9]{3})+\Z)", " ", number) if number else ""
