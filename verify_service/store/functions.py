"""The library of Redis functions: put together from ``lua/``, loaded where it is missing, called.

One decision is one function. The library's name, and that of each function, carries the digest of
its text and of the policy in it, so two releases run side by side over the same data.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import redis

from verify_service.store.connection.client import Client, Command
from verify_service.store.connection.redis_errors import translated, unavailable

PREFIX = "verify_"
DIGEST_CHARACTERS = 16
LOADS = 3
"""How often a call loads the library. Another client may remove it between loading and calling: a
release's end, or FUNCTION FLUSH."""
_INCLUDE = re.compile(r'^--- @include "(\w+)"$', re.MULTILINE)
_FOLDER = files("verify_service.store") / "lua"


class Functions:
    """The decisions of the store, under one policy.

    Args:
        client: Where they run.
        policy: What all of them go by (``policy.py``).
    """

    def __init__(self, client: Client, policy: Mapping[str, Any]) -> None:
        self.client = client
        self.digest, self.text = library(json.dumps(policy, sort_keys=True))

    @property
    def name(self) -> str:
        """The library's."""
        return f"{PREFIX}{self.digest}"

    def call(self, decision: str, keys: Sequence[str], asked: Mapping[str, Any]) -> dict[str, Any]:
        """Run one decision, in one round trip; its file says what it takes and returns.

        Where the connection breaks, the call is sent once more: the function may have run and only
        its reply be lost. So a second run finds the first one's work, or where the operator asks or
        a callback comes, changes nothing more and answers for itself. A server that does not know
        the library (new, flushed, failed over) is given it.

        Args:
            asked: A member that is None is left out.

        Returns:
            What the function answers; the verification that it is about, as it is stored, as
            ``verification``.

        Raises:
            StoreUnavailable: Redis did not answer or cannot work; what was decided stands.
        """
        given = {name: value for name, value in asked.items() if value is not None}
        argument = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
        command = ("FCALL", f"{decision}_{self.digest}", len(keys), *keys, argument)
        until = time.monotonic() + self.client.patience
        try:
            (reply,) = self.client.send(command)
            if isinstance(reply, Exception):
                reply = self._load_and_send(command, reply, until)
        except redis.RedisError as error:
            raise unavailable(error) from error
        answer: dict[str, Any] = json.loads(reply[0])
        if len(reply) > 1:
            answer["verification"] = json.loads(reply[1])
        return answer

    def load(self) -> None:
        """Load the library, where it is missing.

        Raises:
            StoreUnavailable: Redis did not answer, or does not take it.
        """
        with translated():
            (loaded,) = self.client.send(self._load)
            _raise_unless_loaded(loaded)

    @property
    def _load(self) -> tuple[str, ...]:
        return ("FUNCTION", "LOAD", self.text)

    def _load_and_send(self, command: Command, error: Exception, until: float) -> Any:
        """Return the reply to a command whose function the server does not know."""
        for _ in range(LOADS):
            if "Function not found" not in str(error):
                break
            loaded, reply = self.client.send(self._load, command, until=until)
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
    """Return the digest and the text of the library under a policy, which is JSON.

    Files in ``lua/includes/`` return a table, which the files that include them find under the
    file's name. Each file is a block of its own: Lua allows 200 locals in one.
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
    return digest, f"#!lua name={PREFIX}{digest}\nlocal DIGEST = '{digest}'\n{body}\n"


def _include(text: str, included: dict[str, str]) -> None:
    """Add what a text includes, each file once and behind those that it includes itself."""
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
    """Return the text of one file below ``lua/``."""
    text = _FOLDER
    for part in path.split("/"):
        text = text / part
    return text.read_text("utf-8")


def lua_literal(value: Any) -> str:
    """Return a JSON value as Lua writes it. While a library loads, it has no JSON decoder."""
    if isinstance(value, dict):
        return "{" + ", ".join(_members(value)) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(lua_literal, value)) + "}"
    return "nil" if value is None else json.dumps(value)


def _members(value: Mapping[str, Any]) -> Iterator[str]:
    for name, member in value.items():
        yield f"[{json.dumps(name)}] = {lua_literal(member)}"
