"""The provider's one endpoint: reads a request to call, records it, and answers like the page."""

import json
import logging
import secrets
import time
from threading import Event

from flask import Response, request

from verify_service.sandbox import call_request
from verify_service.sandbox.call_request import CallRequest, Refused
from verify_service.sandbox.callbacks import Callbacks
from verify_service.sandbox.calls import Call, CallLog
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.outcomes import PHONE, Answer, Outcome, Transfer
from verify_service.sandbox.phone.switchboard import Switchboard
from verify_service.sandbox.script import Script
from verify_service.sandbox.server import AFTERWARDS
from verify_service.sandbox.table import ORDINARY
from verify_service.sandbox.transfers import send_faulty
from verify_service.sandbox.vocabulary import Refusal, refusal_by_code

# Of integer ids. Every JSON parser reads such integers without loss.
LARGEST_ID = 10**15

_log = logging.getLogger(__name__)


class Endpoint:
    """The views of the provider's path and of the redirect's target.

    Args:
        stop: Set when the simulator stops.
    """

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

    def place(self) -> Response:
        """Answer `POST /apps/flash/calls/flash`."""
        if not call_request.has_token(request, self._config.access_key):
            return self._refuse(refusal_by_code(1))
        try:
            asked = call_request.read(request)
        except Refused as refused:
            return self._refuse(refused.refusal)
        outcome = self._outcome(asked)
        if outcome.refusal is None:
            return self._ring(asked, outcome)
        response = self._refuse(outcome.refusal)
        self._stop.wait(outcome.answer_after)
        return response

    def followed(self) -> Response:
        """Answer a client that followed the redirect, and so sent its token a second time."""
        asked = call_request.read_refused(request)
        call = self._record(asked, "redirectFollowed", secrets.token_hex(16), None)
        _log.warning("a redirect was followed to %s", request.path)
        return self._answer(call, Answer())

    def _outcome(self, asked: CallRequest) -> Outcome:
        """Return what the script says; else the table; else the person at an open phone."""
        number, timeout = asked.number or "", asked.timeout or 0
        outcome = self._script.take(number)
        if outcome is not ORDINARY:
            return outcome
        return self._switchboard.outcome(number, timeout) or outcome

    def _refuse(self, refusal: Refusal) -> Response:
        asked = call_request.read_refused(request)
        self._record(asked, refusal.name, None, None)
        _log.info(
            "call to %s refused: %s, %s (HTTP %d)",
            # Escaped: the number can be any text, line breaks included.
            ascii(asked.number or "no number")[1:-1],
            refusal.name,
            refusal.reason,
            refusal.http_status,
        )
        body = json.dumps(refusal.body)
        return _response(body, refusal.http_status, "application/json", refusal.headers)

    def _ring(self, asked: CallRequest, outcome: Outcome) -> Response:
        generation = self._callbacks.generation
        caller = outcome.caller or f"{self._config.caller_prefix}{asked.code}"
        call = self._record(asked, outcome.name, _request_id(outcome), caller)
        self._callbacks.plan(call, outcome.callbacks, generation)
        self._log_call(call, outcome)
        if outcome.callback_first:
            self._callbacks.start(call, delay=0)
            self._callbacks.send_planned(call)
        self._stop.wait(outcome.answer_after)
        # After the answer, so that even without a delay no other callback is sent before it.
        request.environ[AFTERWARDS].append(lambda: self._follow(call))
        return self._answer(call, outcome.answer)

    def _follow(self, call: Call) -> None:
        self._callbacks.start(call)
        if call.outcome == PHONE:
            self._switchboard.ring(call)
        self._callbacks.send_planned(call)

    def _record(
        self, asked: CallRequest, outcome: str, request_id: str | int | None, caller: str | None
    ) -> Call:
        placed_at = round(time.time(), 3)
        number, code, timeout = asked
        return self._calls.add(Call(request_id, number, code, caller, timeout, placed_at, outcome))

    def _log_call(self, call: Call, outcome: Outcome) -> None:
        callbacks = ", ".join(outcome.statuses) or "none"
        if self._config.callback_url is None:
            callbacks = "not sent, there is no callback URL"
        line = "call %.4s… to %s from %s: %s; callbacks: %s"
        _log.info(line, call.request_id, call.number, call.caller, outcome.name, callbacks)

    def _answer(self, call: Call, answer: Answer) -> Response:
        body = _success(call, answer) if answer.body is None else answer.body
        body += " " * answer.padding
        response = _response(body, answer.http_status, answer.content_type, answer.headers)
        if answer.transfer is Transfer.COMPLETE:
            return response
        return send_faulty(response, answer.transfer, self._config, self._stop)


def _request_id(outcome: Outcome) -> str | int:
    if outcome.request_id is not None:
        return outcome.request_id
    return secrets.randbelow(LARGEST_ID) if outcome.integer_id else secrets.token_hex(16)


def _success(call: Call, answer: Answer) -> str:
    fields = {"requestId": call.request_id, "from": call.caller, "status": "ok"}
    return json.dumps({name: fields[name] for name in fields if name not in answer.without})


def _response(
    body: str, http_status: int, content_type: str, headers: tuple[tuple[str, str], ...]
) -> Response:
    response = Response(body, http_status, content_type=content_type)
    # Set, not added: a scripted Content-Type replaces ours.
    for name, value in headers:
        response.headers[name] = value
    return response
