"""Structured logs: JSON, a line an event; colored words where a person watches."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from typing import TextIO

import structlog


def configure(level: str, stream: TextIO = sys.stdout) -> None:
    """Set up logging for the process.

    Args:
        level: ``DEBUG`` … ``ERROR``; of this service's own lines only. Libraries stay at
            WARNING whatever it is: their debug lines quote addresses and bodies.
    """
    logging.basicConfig(level=logging.WARNING, stream=stream, format="%(levelname)s %(message)s")
    # Even its warnings quote whole addresses, and a key may be in the query.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    person = stream.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if person else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
    )


REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}\Z")
"""What a caller may choose for its X-Request-ID, which stands on every line."""


def where(error: BaseException) -> list[str]:
    """Return the frames of an error and of its causes, newest last, without any message.

    Messages quote values: a key in an address, a code in a body. Names and lines suffice.
    """
    lines: list[str] = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:  # two errors may name each other
        seen.add(id(cause))
        frames = [
            f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(cause.__traceback__)
        ]
        lines = [*frames, type(cause).__name__, *lines]
        cause = cause.__cause__ or cause.__context__
    return lines
