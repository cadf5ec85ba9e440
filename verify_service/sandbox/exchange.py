"""The provider's one endpoint: takes a request to call, rings nobody, answers as the page says."""

import logging
import secrets
import time

from flask import Response, jsonify, request

from verify_service.sandbox.auth import Guard
from verify_service.sandbox.callbacks import Callbacks
from verify_service.sandbox.calls import Call, CallLog
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.orders import Order, glimpse, read_json, read_order
from verify_service.sandbox.outcomes import Outcome, outcome_of
from verify_service.sandbox.wire import Refusal, Refused, refusal_by_code

_log = logging.getLogger(__name__)


class Exchange:
    """Places calls and remembers them."""

    def __init__(self, config: SandboxConfig, calls: CallLog, callbacks: Callbacks) -> None:
        self._config = config
        self._calls = calls
        self._callbacks = callbacks
        self._guard = Guard(config.access_key)

    def place(self) -> Response:
        """The view of `POST /apps/flash/calls/flash`: key, JSON, shape, values, then the table."""
        try:
            order, outcome = self._accept()
        except Refused as refused:
            return self._refuse(refused.refusal)
        return self._ring(order, outcome)

    def _accept(self) -> tuple[Order, Outcome]:
        if not self._guard.admits(request):
            raise Refused(refusal_by_code(1))
        order = read_order(read_json(request))
        outcome = outcome_of(order.number)
        if outcome.refusal:
            raise Refused(outcome.refusal)
        return order, outcome

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
        response = jsonify(refusal.body)
        response.status_code = refusal.http_status
        return response

    def _ring(self, order: Order, outcome: Outcome) -> Response:
        call = self._remember(order, outcome)
        if outcome.callback_first:
            self._callbacks.send_now(call, outcome.statuses)
        time.sleep(outcome.answer_after)
        response = jsonify({"requestId": call.request_id, "from": call.caller, "status": "ok"})
        if not outcome.callback_first:
            # Once the answer is on the wire: even without a delay no callback overtakes it.
            response.call_on_close(lambda: self._callbacks.send_later(call, outcome.statuses))
        return response

    def _remember(self, order: Order, outcome: Outcome) -> Call:
        request_id = secrets.token_hex(16)
        caller = self._config.caller_prefix + order.code
        call = Call(
            request_id, order.number, order.code, caller, order.timeout, _now(), outcome.name
        )
        self._calls.add(call)
        plan = self._plan(outcome)
        _log.info("call %.4s… to %s from %s -> %s", request_id, order.number, caller, plan)
        return call

    def _plan(self, outcome: Outcome) -> str:
        """What is going to happen to a call, in words."""
        if not outcome.statuses:
            return "no callback"
        if self._config.callback_url is None:
            return f"{outcome.statuses[0]}, no callback URL to tell"
        moment = f"in {self._config.callback_delay:.1f} s"
        if outcome.callback_first:
            moment = "before the answer"
        times = ", twice" if len(outcome.statuses) > 1 else ""
        return f"{outcome.statuses[0]} {moment}{times}"


def _now() -> float:
    return round(time.time(), 3)
