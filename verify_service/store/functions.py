"""The library of Redis functions: assembled from ``lua/``, loaded if it is missing, called.

One decision is one function. The names of the library and of its functions contain the digest of
its text and of the policy, so two releases can run at the same time on the same data.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

import redis

from verify_service.store.connection.client import Client, Command
from verify_service.store.connection.redis_errors import unavailable

LIBRARY_PREFIX = "verify_"
DIGEST_CHARACTERS = 16
LOAD_ATTEMPTS = 3
"""Loads of the library in one call. Another client may remove it between loading and calling, with
a release or FUNCTION FLUSH."""
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_INCLUDE = re.compile(r'^--- @include "(\w+)"$', re.MULTILINE)
_FOLDER = files("verify_service.store") / "lua"


class Called(Protocol):
    """Is called after each call of a function."""

    def __call__(self, function: str, seconds: float, *, failed: bool) -> None:
        """Record the call: the name of its decision, and how long it took."""


def _ignore(function: str, seconds: float, *, failed: bool) -> None:
    pass


class Functions:
    """Calls the functions of one library.

    Args:
        client: Sends the commands.
        policy: The limits as the functions read them (``policy.py``).
        called: Called after each call, also after one that failed.
    """

    def __init__(self, client: Client, policy: Mapping[str, Any], called: Called = _ignore) -> None:
        self.client = client
        self._called = called
        self.digest, self.text = library(json.dumps(policy, sort_keys=True))

    @property
    def name(self) -> str:
        """The name of the library."""
        return f"{LIBRARY_PREFIX}{self.digest}"

    def call(
        self, decision: str, declared: Sequence[str], arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Call the function of one decision, in one round trip.

        If the connection breaks, the call is sent once more, although the function may have run and
        only its reply be lost. A second run therefore returns the result of the first, or changes
        nothing more; except that the events which a first run of ``take_events`` took are taken
        again when their lease ends. If the server does not have the library (new, flushed, failed
        over), it is loaded.

        Args:
            decision: The name of a file in ``lua/``, which documents keys, arguments and result.
            declared: The keys.
            arguments: A member that is None is left out.

        Returns:
            The function's result. If it concerns a verification, the member ``verification`` is the
            verification as stored.

        Raises:
            StoreUnavailable: Redis did not reply or cannot work. The function may have run.
        """
        present = {name: value for name, value in arguments.items() if value is not None}
        argument = _ENCODER.encode(present)
        command = ("FCALL", f"{decision}_{self.digest}", len(declared), *declared, argument)
        began, failed = time.monotonic(), True
        try:
            (reply,) = self.client.send(command)
            if isinstance(reply, Exception):
                deadline = began + self.client.longest_send_seconds
                reply = self._load_and_send(command, reply, deadline)
            failed = False
        except redis.RedisError as error:
            raise unavailable(error) from error
        finally:
            self._called(decision, time.monotonic() - began, failed=failed)
        result: dict[str, Any] = json.loads(reply[0])
        if len(reply) > 1:
            result["verification"] = json.loads(reply[1])
        return result

    def load(self) -> None:
        """Load the library, if it is missing.

        Raises:
            RedisError: Redis did not reply, or refuses the library.
        """
        (reply,) = self.client.send(self._load)
        _raise_unless_loaded(reply)

    @property
    def _load(self) -> Command:
        return ("FUNCTION", "LOAD", self.text)

    def _load_and_send(self, command: Command, error: Exception, deadline: float) -> Any:
        """Load the library and return the reply to the command that failed without it."""
        for _ in range(LOAD_ATTEMPTS):
            if "Function not found" not in str(error):
                break
            loaded, reply = self.client.send(self._load, command, until=deadline)
            _raise_unless_loaded(loaded)
            if not isinstance(reply, Exception):
                return reply
            error = reply
        raise error


def _raise_unless_loaded(reply: Any) -> None:
    if isinstance(reply, Exception) and "already exists" not in str(reply):
        raise reply


@cache
def library(policy: str) -> tuple[str, str]:
    """Return the digest and the text of the library for a policy in JSON.

    Each file in ``lua/includes/`` returns a table, available to the files that include it as a
    local of the file's name. Each file is a block: Lua allows 200 locals in one.
    """
    names = sorted(
        entry.name.removesuffix(".lua") for entry in _FOLDER.iterdir() if entry.is_file()
    )
    texts = {name: source(f"{name}.lua") for name in names}
    included: dict[str, str] = {}
    for text in texts.values():
        _include(text, included)
    body = "\n".join(
        [
            f"local POLICY = {lua_literal(json.loads(policy))}",
            *(f"local {name} = (function()\n{text}end)()" for name, text in included.items()),
            *(f"do\n{text}end" for text in texts.values()),
        ]
    )
    digest = hashlib.sha256(body.encode()).hexdigest()[:DIGEST_CHARACTERS]
    return digest, f"#!lua name={LIBRARY_PREFIX}{digest}\nlocal DIGEST = '{digest}'\n{body}\n"


def _include(text: str, included: dict[str, str]) -> None:
    """Add the files that a text includes, each once and after those that it includes itself."""
    for name in includes(text):
        if name not in included:
            found = source(f"includes/{name}.lua")
            _include(found, included)
            included[name] = found


def includes(text: str) -> list[str]:
    """Return the names that a Lua file includes."""
    return _INCLUDE.findall(text)


@cache
def source(path: str) -> str:
    """Return the text of a file in ``lua/``."""
    return _FOLDER.joinpath(*path.split("/")).read_text("utf-8")


def lua_literal(value: Any) -> str:
    """Return a JSON value as a Lua literal: cjson does not exist while a library loads."""
    if isinstance(value, dict):
        members = (f"[{json.dumps(name)}] = {lua_literal(one)}" for name, one in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(lua_literal, value)) + "}"
    return "nil" if value is None else json.dumps(value)
