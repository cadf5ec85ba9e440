"""The service with bugs in it: ``gunicorn tests.system.faulty_app:app``, for ``fault_scenarios``.

A request names in ``X-Sabotage`` the layers that fail while it is served. Each failure contains all
that was known there: in its message, in its causes, in its notes. ``SABOTAGE_CODES`` names a file
for every code that is drawn.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import structlog
from flask import Response, g, has_request_context, request

from verify_service import app as wiring
from verify_service.api import body, responses, verify
from verify_service.domain import codes
from verify_service.provider.call_provider import CallProvider
from verify_service.provider.flash_call import FlashCall
from verify_service.settings.settings import Settings
from verify_service.transport.connections import Connection


class Leaky(Exception):
    """An error with every secret in it."""


class Base(BaseException):
    """An error that is not an Exception."""


def wanted(layer: str) -> bool:
    return has_request_context() and layer in request.headers.get("X-Sabotage", "").split(",")


def words(*known: object) -> str:
    seen = (*known, g.get("body"), request.headers, request.full_path)
    return f"canary-bug {seen!r} {[vars(one) for one in known if hasattr(one, '__dict__')]!r}"


def leaky(*known: object) -> Leaky:
    error = Leaky(words(*known))
    error.add_note(str(error))
    cause = ValueError(str(error))
    cause.__context__ = KeyError(str(error), cause)
    error.__cause__ = ExceptionGroup(str(error), [cause])
    return error


def breaks(layer: str, real: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function fail after it did its work, if a request asks for it."""

    def broken(*args: Any, **kwargs: Any) -> Any:
        result = real(*args, **kwargs)
        if wanted(layer):
            raise leaky(args, kwargs, result)
        return result

    return broken


class Broken:
    """An adapter each of whose methods may fail."""

    def __init__(self, real: Any, layer: str) -> None:
        self._real, self._layer = real, layer

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        return breaks(f"{self._layer}.{name}", real) if callable(real) else real


def adapter(name: str, layer: str) -> None:
    real = getattr(wiring, name)
    setattr(wiring, name, lambda *args, **more: Broken(real(*args, **more), layer))


adapter("RedisStore", "store")
adapter("IdempotencyKeys", "idempotency")
adapter("StructuredEventLog", "events")
adapter("CodeDigester", "digester")
adapter("CallProvider", "provider")
CallProvider.place = breaks("slot.place", CallProvider.place)  # type: ignore[method-assign]
FlashCall.outcome = breaks("outcome", FlashCall.outcome)  # type: ignore[method-assign]
verify.load = breaks("load", body.load)
verify.dump = breaks("dump", body.dump)
responses.verification = breaks("responses.verification", responses.verification)
responses.check = breaks("responses.check", responses.check)

SENDING = {"79167000001": Leaky, "79167000002": OSError, "79167000003": Base}
"""Numbers whose requests fail before their first byte is sent."""
_drawn = Path(os.environ["SABOTAGE_CODES"])
_draw, _exchange = codes.draw, Connection.exchange


def draw() -> str:
    code = _draw()
    with _drawn.open("a") as file:
        file.write(f"{code}\n")
    return code


def exchange(self: Any, deadline: Any, line: Any, headers: Any, body: Any) -> Any:
    error = SENDING.get(json.loads(body).get("number"))
    if error:
        raise error(f"canary-bug {line} {headers} {body}")
    return _exchange(self, deadline, line, headers, body)


codes.draw = breaks("codes.draw", draw)
Connection.exchange = exchange  # type: ignore[method-assign]
app = wiring.create_app(Settings.from_env())
app.view_functions = {name: breaks("view", view) for name, view in app.view_functions.items()}
for handlers in app.error_handler_spec[None].values():
    for kind, handler in handlers.items():
        last = kind.__name__ in ("Exception", "InternalServerError")
        handlers[kind] = breaks("last handler" if last else "handler", handler)


@app.before_request
def before() -> None:
    # The view's own copy is read once.
    g.body = request.environ["wsgi.input"].read(request.content_length or 0)
    request.environ["wsgi.input"] = io.BytesIO(g.body)
    endings = {
        "before": leaky,
        "exit": lambda: SystemExit(words()),
        "interrupt": lambda: KeyboardInterrupt(words()),
        "killed": lambda: gevent.GreenletExit(words()),
        "base": lambda: Base(words()),
        "clock": lambda: gevent.Timeout(28, words()),
    }
    for name, ending in endings.items():
        if wanted(name):
            raise ending()


@app.after_request
def after(response: Response) -> Response:
    if wanted("after"):
        raise leaky(response.headers, response.get_data())
    if wanted("stream"):
        response.response = _stream(list(response.response), leaky(response))
    if wanted("late error"):
        response.response = _stream(list(response.response), OSError(5, words(response)))
    if wanted("close"):
        response.call_on_close(breaks("close", response.get_data))
    if wanted("confess"):
        _confess(response)
    return response


def _stream(parts: list[Any], error: Exception) -> Iterator[Any]:
    yield from parts
    raise error


@app.teardown_request
def teardown(_: BaseException | None) -> None:
    if wanted("teardown"):
        raise leaky(request)
    if wanted("system error"):
        raise OSError(5, words(request))


def _confess(response: Response) -> None:
    """Print what the search must find, wherever it looks."""
    known = f"confession {g.body.decode()}"
    print(known, flush=True)
    print(known, file=sys.stderr, flush=True)
    structlog.get_logger().info("confession", said=known)  # the word is in it twice
    response.headers["X-Known"] = " ".join(known.split())
