"""What a phone shows, sent whenever it changes, as server-sent events."""

import json
import socket
from collections.abc import Callable, Iterator

from verify_service.sandbox.calls import CallLog
from verify_service.sandbox.phone.presence import is_open
from verify_service.sandbox.phone.switchboard import Switchboard
from verify_service.sandbox.phone.view import view

TICK = 0.5
"""Seconds between two looks whether the page is still there."""


def events(
    name: str, connection: socket.socket, calls: CallLog, switchboard: Switchboard
) -> Iterator[str]:
    """One event for each change; the phone is open until the page or the simulator ends."""
    with switchboard.open(name, connection):
        yield from _changes(
            lambda: json.dumps(view(name, calls, switchboard)),
            calls,
            lambda: is_open(connection) and not calls.closed,
        )


def _changes(show: Callable[[], str], calls: CallLog, goes_on: Callable[[], bool]) -> Iterator[str]:
    version, shown = -1, ""
    while goes_on():
        version, before = calls.watch(version, TICK), version
        if version != before and (now := show()) != shown:
            shown = now
            yield f"data: {shown}\n\n"
