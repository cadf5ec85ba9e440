"""Connections to Redis that break at one script, before it runs or with its answer on the way."""

from __future__ import annotations

from typing import Any

import pytest

from verify_service.errors import StoreUnavailable
from verify_service.store.scripts import Command, Scripts

from .service import Service


class _Cut:
    def __init__(self, send, script: str, *, answer_only: bool) -> None:
        self._send = send
        self._script = script
        self._answer_only = answer_only

    def __call__(self, *commands: Command, **more: Any) -> object:
        if all(command.name != self._script for command in commands):
            return self._send(*commands, **more)
        if self._answer_only:
            self._send(*commands, **more)
        raise StoreUnavailable("cut")


def scripts_of(service: Service) -> list[Scripts]:
    """Return through what a service asks Redis: about verifications, for starts, about keys."""
    context = service.app.extensions["verify_service"]
    store, claims = context.repeats.store, context.repeats.claims._store
    return [store._scripts, store._admission._scripts, claims._scripts]


def cut(
    service: Service, monkeypatch: pytest.MonkeyPatch, script: str, *, answer_only: bool = False
) -> None:
    """Fail exactly this script, like a connection cut at that moment.

    With `answer_only` the script has run, and only its answer is lost.
    """
    for scripts in scripts_of(service):
        monkeypatch.setattr(scripts, "send", _Cut(scripts.send, script, answer_only=answer_only))
