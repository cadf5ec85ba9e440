"""The variables that the web server itself reads: its port, its processes, its requests.

``config/gunicorn.conf.py`` and the release check read them from here. The module imports no
library, because gunicorn loads it before gevent replaces the sockets of Python.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any

from verify_service.settings.given import given_text
from verify_service.settings.scalars import WholeNumber, text_or_none
from verify_service.settings.variable import Variable, VariableError

DEFAULT_THREADS = 1000
EVERY_INTERFACE, LOOPBACK = "0.0.0.0", "127.0.0.1"  # noqa: S104
_HOST_NAME = re.compile(r"(?![0-9.]+\Z)[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")


def host_address(text: str) -> str:
    """Return an address or a name to listen on; IPv6 in brackets, as it stands before a port."""
    try:
        address = ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        if not _HOST_NAME.match(text):
            raise VariableError("Must be an IP address or a name, without a port.") from None
        return text
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)


HOST = Variable(
    parse=host_address,
    meaning="""
        The address to listen on. 0.0.0.0 is every interface, :: also those with IPv6 alone.
        """,
    unit="IP address or name",
    default=EVERY_INTERFACE,
    default_in_words=f"{EVERY_INTERFACE}; in development {LOOPBACK}",
    development=LOOPBACK,
)
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
PROMETHEUS_MULTIPROC_DIR = Variable(
    parse=text_or_none,
    meaning="""
        The folder in which the processes share their counters. It is created if it is missing. By
        default the web server creates one, and removes it at its end.
        """,
    unit="path",
    default="",
)
SERVER_VARIABLES = {
    "HOST": HOST,
    "PORT": PORT,
    "WEB_CONCURRENCY": WEB_CONCURRENCY,
    "THREADS": THREADS,
    "PROMETHEUS_MULTIPROC_DIR": PROMETHEUS_MULTIPROC_DIR,
}
"""By their names in the environment."""


class ServerVariableError(ValueError):
    """A variable of the web server is malformed. The message names it."""


def bind_address(variables: Mapping[str, str]) -> str:
    """Return the address and the port to listen on: ``0.0.0.0:8000``.

    Raises:
        ServerVariableError: ``HOST`` or ``PORT`` is malformed or empty.
    """
    try:
        development = given_text(variables, "APP_ENV") == "development"
    except VariableError as error:
        raise ServerVariableError(f"APP_ENV: {error}") from None
    host = _value(variables, "HOST", HOST.default_for(development=development) or "")
    return f"{host}:{port(variables)}"


def port(variables: Mapping[str, str]) -> int:
    """Return the port to listen on.

    Raises:
        ServerVariableError: ``PORT`` is malformed, out of range or empty.
    """
    return _number(variables, "PORT")


def processes(variables: Mapping[str, str]) -> int:
    """Return the number of processes.

    Raises:
        ServerVariableError: ``WEB_CONCURRENCY`` is malformed, zero or empty.
    """
    return _number(variables, "WEB_CONCURRENCY")


def threads(variables: Mapping[str, str]) -> int:
    """Return the number of requests that a process works on at a time.

    Raises:
        ServerVariableError: ``THREADS`` is malformed, too small or empty.
    """
    return _number(variables, "THREADS")


def _number(variables: Mapping[str, str], name: str) -> int:
    number: int = _value(variables, name, SERVER_VARIABLES[name].default or "")
    return number


def _value(variables: Mapping[str, str], name: str, default: str) -> Any:
    try:
        text = given_text(variables, name)
        return SERVER_VARIABLES[name].parse(default if text is None else text)
    except VariableError as error:
        sentence = str(error).removesuffix(".")
        raise ServerVariableError(f"{name}: {sentence}; leave it out for {default}.") from None
