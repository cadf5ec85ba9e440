"""The provider's one endpoint: takes a request to call, rings nobody, answers as the page says."""

import logging
import secrets
import time
from threading import Event

from flask import Response, request

from verify_service.sandbox.answers import answer_to, refuse
from verify_service.sandbox.auth import Guard
from verify_service.sandbox.callbacks import Callbacks
from verify_service.sandbox.calls import Call, CallLog
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.orders import Order, glimpse, read_json, read_order
from verify_service.sandbox.outcomes import PHONE, Answer, Outcome
from verify_service.sandbox.phone.switchboard import Switchboard
from verify_service.sandbox.script import Script
from verify_service.sandbox.table import ORDINARY
from verify_service.sandbox.wire import Refusal, Refused, refusal_by_code

LARGEST_ID = 10**15
"""Of those that are integers: whatever reads JSON reads them without loss."""

AFTERWARDS = "sandbox.afterwards"
"""Where the simulator's server keeps, in a request's environment, what to do once it is over.

WSGI's own way is to close the answer, which the development server forgets where the client resets
the connection: just when a lost answer's callback should come.
"""

_log = logging.getLogger(__name__)


class Exchange:
    """Places calls and remembers them. `stop`: set when the simulator stops."""

    def __init__(
        self,
        config: SandboxConfig,
        script: Script,
        calls: CallLog,
        callbacks: Callbacks,
        switchboard: Switchboard,
        *,
        stop: Event,
    ) -> None:
        self._config = config
        self._script = script
        self._calls = calls
        self._callbacks = callbacks
        self._switchboard = switchboard
        self._stop = stop
        self._guard = Guard(config.access_key)

    def place(self) -> Response:
        """The view of `POST /apps/flash/calls/flash`: key, JSON, shape, values, then the script."""
        try:
            order = self._accept()
        except Refused as refused:
            return self._refuse(refused.refusal)
        outcome = self._outcome(order)
        if outcome.refusal is None:
            return self._ring(order, outcome)
        response = self._refuse(outcome.refusal)
        self._stop.wait(outcome.answer_after)
        return response

    def followed(self) -> Response:
        """Where the redirect leads. A client that follows it has sent number and key twice."""
        seen = glimpse(request)
        request_id = secrets.token_hex(16)
        name = "redirectFollowed"
        call = self._calls.add(
            Call(request_id, seen.number, seen.code, None, seen.timeout, _now(), name)
        )
        _log.warning("a redirect was followed to %s", request.path)
        return answer_to(call, Answer(), self._config, self._stop)

    def _accept(self) -> Order:
        if not self._guard.admits(request):
            raise Refused(refusal_by_code(1))
        return read_order(read_json(request))

    def _outcome(self, order: Order) -> Outcome:
        """As scripted; else as the table has it; else as the person at an open phone has it."""
        outcome = self._script.take(order.number)
        if outcome is not ORDINARY:
            return outcome
        return self._switchboard.outcome(order.number, order.timeout) or outcome

    def _refuse(self, refusal: Refusal) -> Response:
        seen = glimpse(request)
        self._calls.add(
            Call(None, seen.number, seen.code, None, seen.timeout, _now(), refusal.name)
        )
        _log.info(
            "call to %s refused: %s, %s (HTTP %d)",
            # Escaped: the number may be anything, line breaks included.
            ascii(seen.number or "no number")[1:-1],
            refusal.name,
            refusal.reason,
            refusal.http_status,
        )
        return refuse(refusal)

    def _ring(self, order: Order, outcome: Outcome) -> Response:
        epoch = self._callbacks.epoch
        call = self._remember(order, outcome)
        if outcome.callback_first:
            self._callbacks.send_now(call, outcome.callbacks, epoch)
        self._stop.wait(outcome.answer_after)
        response = answer_to(call, outcome.answer, self._config, self._stop)
        if not outcome.callback_first:
            # Even without a delay no callback overtakes the answer.
            request.environ[AFTERWARDS].append(lambda: self._follow(call, outcome, epoch))
        return response

    def _follow(self, call: Call, outcome: Outcome, epoch: int) -> None:
        self._callbacks.send_later(call, outcome.callbacks, epoch)
        if outcome.name == PHONE:
            self._switchboard.ring(call)

    def _remember(self, order: Order, outcome: Outcome) -> Call:
        request_id, caller = _request_id(outcome), outcome.caller
        if caller is None:
            caller = self._config.caller_prefix + order.code
        call = self._calls.add(
            Call(request_id, order.number, order.code, caller, order.timeout, _now(), outcome.name)
        )
        plan = _plan(outcome, self._config)
        _log.info("call %.4s… to %s from %s -> %s", request_id, order.number, caller, plan)
        return call


def _request_id(outcome: Outcome) -> str | int:
    if outcome.request_id is not None:
        return outcome.request_id
    return secrets.randbelow(LARGEST_ID) if outcome.integer_id else secrets.token_hex(16)


def _plan(outcome: Outcome, config: SandboxConfig) -> str:
    """What is going to happen to a call, in words: the answer, if it is special, and callbacks."""
    callbacks = _callbacks(outcome, config)
    if outcome.name == PHONE:
        return f"the open phone, where a person decides; else {callbacks}"
    plain = outcome.answer == Answer() and not outcome.answer_after
    return callbacks if plain else f"{outcome.name}, {callbacks}"


def _callbacks(outcome: Outcome, config: SandboxConfig) -> str:
    if not outcome.callbacks:
        return "no callback"
    first, *others = outcome.statuses
    if config.callback_url is None:
        return f"{first}, no callback URL to tell"
    after = outcome.callbacks[0].after
    seconds = config.callback_delay if after is None else after
    moment = "before the answer" if outcome.callback_first else f"in {seconds:.1f} s"
    return ", then ".join([f"{first} {moment}", *others])


def _now() -> float:
    return round(time.time(), 3)
