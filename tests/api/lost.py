"""Requests whose exchange with Redis breaks, or sleeps, at one decision."""

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
    """Return which decisions are asked for: a function's name is a decision's and a digest."""
    called = [str(command[1]) for command in commands if command[0] == "FCALL"]
    return [name.rpartition("_")[0] for name in called]


def cut(
    service: Service, monkeypatch: pytest.MonkeyPatch, decision: str, *, answer_only: bool = False
) -> None:
    """Fail exactly this decision, like a connection cut at that moment.

    With `answer_only` the function has run, and only its answer is lost.
    """

    def broken(send: Send, commands: Sequence[Command]) -> list[Any]:
        if answer_only:
            replies = send(*commands)
            if not _has_run(replies):
                return replies
        raise redis.ConnectionError("cut")

    _at(service, monkeypatch, decision, broken)


def sleep_before(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    decision: str,
    meanwhile: Callable[[], object],
) -> None:
    """Have this process stop right before it first asks for a decision, and go on after."""
    slept: list[str] = []

    def sleepy(send: Send, commands: Sequence[Command]) -> list[Any]:
        if not slept:
            slept.append(decision)
            meanwhile()
        return send(*commands)

    _at(service, monkeypatch, decision, sleepy)


def sleep_after(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    decision: str,
    meanwhile: Callable[[], object],
) -> None:
    """Have this process stop with the first answer to a decision in its hands, and go on after."""
    slept: list[str] = []

    def sleepy(send: Send, commands: Sequence[Command]) -> list[Any]:
        replies = send(*commands)
        if not slept and _has_run(replies):
            slept.append(decision)
            meanwhile()
        return replies

    _at(service, monkeypatch, decision, sleepy)


def _at(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    decision: str,
    act: Callable[[Send, Sequence[Command]], list[Any]],
) -> None:
    """Let something else happen where this decision, and no other, is asked for."""
    send = service.client.send

    def sent(*commands: Command, **more: float) -> list[Any]:
        if decision in decisions(commands):
            return act(partial(send, **more), commands)
        return send(*commands, **more)

    monkeypatch.setattr(service.client, "send", sent)


def _has_run(replies: Sequence[Any]) -> bool:
    """Whether the function ran: a server that does not know it says so, and is given it."""
    return not isinstance(replies[-1], Exception)
