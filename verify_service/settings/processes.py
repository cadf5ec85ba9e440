"""The numbers that the web server itself reads from the environment.

``config/gunicorn.conf.py`` goes by them, and so does the check before a release.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

PROCESSES = 2
"""One for each core of a platform's usual machine."""
THREADS = 1000
_NUMBER = re.compile(r"[0-9]{1,6}\Z")


class NumberError(ValueError):
    """The variable is no number that the server could go by; the message names it."""


def processes(variables: Mapping[str, str]) -> int:
    """Return how many processes there are to be.

    Raises:
        NumberError: ``WEB_CONCURRENCY`` is malformed, or nobody would serve. An empty one is: the
            server itself ends over it.
    """
    return _number(variables, "WEB_CONCURRENCY", PROCESSES, 1)


def threads(variables: Mapping[str, str]) -> int:
    """Return how many requests a process works on at a time. Raises NumberError."""
    return _number(variables, "THREADS", THREADS, 2)


def _number(variables: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = variables.get(name)
    if text is None:
        return default
    if not _NUMBER.match(text.strip()) or int(text) < least:
        raise NumberError(
            f"{name}: Must be a whole number, at least {least}; leave it out for {default}."
        )
    return int(text)
