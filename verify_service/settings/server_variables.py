"""The variables that the web server itself reads: its port, its processes, its requests.

``config/gunicorn.conf.py`` and the release check read them from here. The module imports no
library, because gunicorn loads it before gevent replaces the sockets of Python.
"""

from __future__ import annotations

from collections.abc import Mapping

from verify_service.settings.scalars import WholeNumber
from verify_service.settings.variable import Variable, VariableError

DEFAULT_THREADS = 1000

PORT = Variable(
    parse=WholeNumber(1, 65_535),
    meaning="The port to listen on. The platform sets it.",
    default="8000",
)
WEB_CONCURRENCY = Variable(
    parse=WholeNumber(1),
    meaning="How many processes serve. Take one for each core: a platform's usual machine has two.",
    unit="processes",
    default="2",
)
THREADS = Variable(
    parse=WholeNumber(2),
    meaning="""
        How many requests a process works on at a time. They are greenlets, not threads of the
        system. The number bounds the starts in flight (PROVIDER_MAX_IN_FLIGHT).
        """,
    unit="requests",
    default=str(DEFAULT_THREADS),
)
SERVER_VARIABLES = {"PORT": PORT, "WEB_CONCURRENCY": WEB_CONCURRENCY, "THREADS": THREADS}
"""By their names in the environment."""


class NumberError(ValueError):
    """A variable of the web server is not a number within its bounds. The message names it."""


def port(variables: Mapping[str, str]) -> int:
    """Return the port to listen on.

    Raises:
        NumberError: ``PORT`` is malformed, out of range or empty.
    """
    return _number(variables, "PORT")


def processes(variables: Mapping[str, str]) -> int:
    """Return the number of processes.

    Raises:
        NumberError: ``WEB_CONCURRENCY`` is malformed, zero or empty.
    """
    return _number(variables, "WEB_CONCURRENCY")


def threads(variables: Mapping[str, str]) -> int:
    """Return the number of requests that a process works on at a time.

    Raises:
        NumberError: ``THREADS`` is malformed, too small or empty.
    """
    return _number(variables, "THREADS")


def _number(variables: Mapping[str, str], name: str) -> int:
    declared = SERVER_VARIABLES[name]
    text = variables.get(name, declared.default or "")
    try:
        number: int = declared.parse(text.strip())
    except VariableError as error:
        sentence = str(error).removesuffix(".")
        raise NumberError(f"{name}: {sentence}; leave it out for {declared.default}.") from None
    return number
