"""Requests whose exchange with Redis breaks, or pauses, at one decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import redis

from verify_service.store.connection.client import Command

from .service import Service

Send = Callable[..., list[Any]]


def decisions(commands: Sequence[Command]) -> list[str]:
    """Return the requested decisions: a function's name is a decision's name and a digest."""
    called = [str(command[1]) for command in commands if command[0] == "FCALL"]
    return [name.rpartition("_")[0] for name in called]


def cut(
    service: Service, monkeypatch: pytest.MonkeyPatch, decision: str, *, answer_only: bool = False
) -> None:
    """Fail exactly this decision, as a connection does that is cut at that moment.

    With `answer_only` the function has run, and only its reply is lost.
    """

    def broken(send: Send, commands: Sequence[Command]) -> list[Any]:
        if answer_only:
            replies = send(*commands)
            if not _has_run(replies):
                return replies
        raise redis.ConnectionError("cut")

    _at(service, monkeypatch, decision, broken)


def pause_before(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    decision: str,
    meanwhile: Callable[[], object],
) -> None:
    """Pause this process right before it first requests a decision, and let it continue after."""
    slept: list[str] = []

    def pausing(send: Send, commands: Sequence[Command]) -> list[Any]:
        if not slept:
            slept.append(decision)
            meanwhile()
        return send(*commands)

    _at(service, monkeypatch, decision, pausing)


def pause_after(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    decision: str,
    meanwhile: Callable[[], object],
) -> None:
    """Pause this process when it has the first reply to a decision, and let it continue after."""
    slept: list[str] = []

    def pausing(send: Send, commands: Sequence[Command]) -> list[Any]:
        replies = send(*commands)
        if not slept and _has_run(replies):
            slept.append(decision)
            meanwhile()
        return replies

    _at(service, monkeypatch, decision, pausing)


def _at(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    decision: str,
    act: Callable[[Send, Sequence[Command]], list[Any]],
) -> None:
    """Run `act` when this decision, and no other, is requested."""
    send = service.client.send

    def sent(*commands: Command, **more: float) -> list[Any]:
        if decision in decisions(commands):
            return act(partial(send, **more), commands)
        return send(*commands, **more)

    monkeypatch.setattr(service.client, "send", sent)


def _has_run(replies: Sequence[Any]) -> bool:
    """Return whether the function ran: a server that does not know it replies with an error, and
    the library is loaded."""
    return not isinstance(replies[-1], Exception)
