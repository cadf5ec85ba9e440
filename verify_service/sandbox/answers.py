"""Puts into an HTTP answer what an outcome says."""

import json
from threading import Event

from flask import Response

from verify_service.sandbox.calls import Call
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.outcomes import Answer, Manner
from verify_service.sandbox.raw import unruly
from verify_service.sandbox.wire import Refusal


def refuse(refusal: Refusal) -> Response:
    """An error in one of the page's two shapes."""
    body = json.dumps(refusal.body)
    return _response(body, refusal.http_status, "application/json", refusal.headers)


def answer_to(call: Call, answer: Answer, config: SandboxConfig, stop: Event) -> Response:
    """The answer to a call that was placed, in its own manner."""
    body = _success(call, answer) if answer.body is None else answer.body
    body += " " * answer.padding
    response = _response(body, answer.http_status, answer.content_type, answer.headers)
    if answer.manner is Manner.WHOLE:
        return response
    return unruly(response, answer.manner, config.drip, config.hang, stop)


def _success(call: Call, answer: Answer) -> str:
    fields = {"requestId": call.request_id, "from": call.caller, "status": "ok"}
    return json.dumps({name: fields[name] for name in fields if name not in answer.without})


def _response(
    body: str, http_status: int, content_type: str, headers: tuple[tuple[str, str], ...]
) -> Response:
    response = Response(body, http_status, content_type=content_type)
    # Set, not added: a scripted Content-Type takes the place of ours.
    for name, value in headers:
        response.headers[name] = value
    return response
