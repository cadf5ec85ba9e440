"""Logins that cause every type of event, and the changes that clients and provider know of."""

from __future__ import annotations

import http.client
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.load import ANSWER, Load, new_number, wrong_code
from tests.faults.simulator import Simulator
from tests.system.server_process import KEY
from verify_service.sandbox.control import Call

REFUSED = 11
"""An errorCode that is about the number: the start is a 400, and its verification failed."""
CORRECTED = "undeliveredThenDelivered"
"""The simulator's outcome with two callbacks."""
CALLS_REFUSED, REPORTS_CORRECTED, CANCELED, EXHAUSTED = range(4)
"""How four logins of five end. The fifth logs in with a call that is reported once."""
GUESSES = {CANCELED: 0, EXHAUSTED: 3}
"""Wrong guesses of a login, if not one."""
TYPES = frozenset({"delivered", "undelivered", "approved", "exhausted", "canceled", "failed"})
"""States of a verification, and of its call, that are the names of events."""


@dataclass(frozen=True)
class Known:
    """The changes of one verification.

    Attributes:
        seen: Those that its client, or the provider, received an answer about.
        possible: All that there can have been.
    """

    seen: frozenset[str]
    possible: frozenset[str]


class EventLoad(Load):
    """Clients of one service whose logins end in turn in every way.

    Args:
        port: Where the service listens.
        provider: The service's provider.
    """

    def __init__(self, port: int, provider: Simulator) -> None:
        super().__init__(port, provider.code)
        self._provider = provider
        self._turns = itertools.count()

    def login(self, wrong: int = 1) -> None:
        """Begin a verification, and carry it to its end."""
        turn, number = next(self._turns) % 5, new_number()
        if turn == CALLS_REFUSED:
            self._provider.control.next_call(f"+{number}", error_code=REFUSED)
        if turn == REPORTS_CORRECTED:
            self._provider.control.next_call(f"+{number}", outcome=CORRECTED)
        if self.start(number) == 201:
            self._end(number, turn, GUESSES.get(turn, wrong))
        with self.ledger.lock:
            self.ledger.finished += 1

    def _end(self, number: str, turn: int, wrong: int) -> None:
        code = self._provider.code(number)
        if turn == CANCELED:
            self.ask("cancel", f"/verify/{self._id(number)}/cancel", {})
        elif code:
            for guess in (*[wrong_code(code)] * wrong, code, code):
                self.guess(number, guess)

    def _id(self, number: str) -> str:
        return str(self.ledger.starts[number].answer["verificationId"])

    def are_reported(self) -> bool:
        """Return whether the provider has sent all callbacks."""
        return all(len(call.callbacks) >= _callbacks(call) for call in self._provider.calls())

    def known(self, but: tuple[float, float] | None = None) -> Mapping[str, Known]:
        """Return the changes of each verification, by its id.

        Args:
            but: The period whose changes Redis may have forgotten: logins with an answer in it are
                left out.
        """
        calls = {call.number: call for call in self._provider.calls()}
        book = self.ledger
        answered = [number for number, start in book.starts.items() if start.status in (201, 400)]
        numbers = [n for n in answered if not (but and book.was_active(n, *but))]
        return {self._id(n): _known(self._status(n), calls.get(n)) for n in numbers}

    def _status(self, number: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER)
        try:
            headers = {"X-Authorization": f"AccessKey {KEY}"}
            connection.request("GET", f"/verify/{self._id(number)}", headers=headers)
            found: dict[str, Any] = json.loads(connection.getresponse().read())
            return found
        finally:
            connection.close()


def _callbacks(call: Call) -> int:
    """Return how many callbacks a call has in the end."""
    if call.request_id is None:
        return 0
    return 2 if call.outcome == CORRECTED else 1


def _known(status: Mapping[str, Any], call: Call | None) -> Known:
    callbacks = call.callbacks if call else []
    # A call whose answer could not be recorded is bound later, to the newest of its callbacks.
    recorded = status["call"]["callerPrefix"] is not None
    applied = {_kind(one.status) for one in callbacks if recorded and one.http_status == 200}
    states = {status["state"], status["call"]["state"]}
    return Known(
        seen=TYPES & (applied | states),
        possible=TYPES & ({_kind(one.status) for one in callbacks} | states),
    )


def _kind(status: str) -> str:
    """Return what a callback with this status reports."""
    return "undelivered" if status in ("REJECTED", "UNAVAILABLE", "FORBIDDEN") else "delivered"
