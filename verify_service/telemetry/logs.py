"""Structured logs: one JSON object per line, or colored text on a terminal."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import traceback
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict

from verify_service.telemetry.canonical_line import with_request_id

# json.dumps would make an encoder for each line.
_ENCODER = json.JSONEncoder(default=repr)


class _Lossy:
    """A stream whose lines are lost while it cannot be written.

    A log that is full or closed must not keep a request from its answer.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write, or lose the text."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: it is closed
            self._stream.write(text)

    def flush(self) -> None:
        """Flush, or lose what is not written yet."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


def configure(level: str, stream: TextIO = sys.stdout) -> None:
    """Set up logging for the process.

    Args:
        level: ``DEBUG`` … ``ERROR``, of this service's own lines. Libraries stay at WARNING: their
            debug lines quote addresses and bodies.
        stream: Where the lines go.
    """
    logging.basicConfig(level=logging.WARNING, stream=stream, format="%(levelname)s %(message)s")
    # Even the warnings of urllib3 quote whole URLs, and a key may be in the query.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            with_request_id,
            error_without_message,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer()
            if stream.isatty()
            else structlog.processors.JSONRenderer(serializer=_to_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Lossy(stream))),
    )


def _to_json(event: EventDict, **_: object) -> str:
    return _ENCODER.encode(event)


def error_without_message(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Replace ``exc_info`` with ``error``, the name of its class, and ``where``, its frames.

    It is a structlog processor. ``exc_info`` is an exception, or True for the current one.
    """
    given = event.pop("exc_info", None)
    error = sys.exception() if given is True else given
    if isinstance(error, BaseException):
        event.update(error=type(error).__name__, where=where(error))
    return event


def where(error: BaseException) -> list[str]:
    """Return the frames of an error and of its causes, newest last, without any message.

    Messages quote values: a key in a URL, a code in a body. Names and line numbers suffice.
    """
    lines: list[str] = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:  # causes may form a circle
        seen.add(id(cause))
        frames = [
            f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(cause.__traceback__)
        ]
        lines = [*frames, type(cause).__name__, *lines]
        cause = cause.__cause__ or cause.__context__
    return lines
