"""Connections to Redis that break at one script, before it runs or with its answer on the way."""

from __future__ import annotations

from typing import Any

import pytest

from verify_service.errors import StoreUnavailable
from verify_service.store.scripts import Command

from .service import Service


class _Cut:
    def __init__(self, each, script: str, *, answer_only: bool) -> None:
        self._each = each
        self._script = script
        self._answer_only = answer_only

    def __call__(self, *commands: Command, **more: Any) -> object:
        if all(command.name != self._script for command in commands):
            return self._each(*commands, **more)
        if self._answer_only:
            self._each(*commands, **more)
        raise StoreUnavailable("cut")


def cut(
    service: Service, monkeypatch: pytest.MonkeyPatch, script: str, *, answer_only: bool = False
) -> None:
    """Fail exactly this script, like a connection cut at that moment.

    With `answer_only` the script has run, and only its answer is lost.
    """
    context = service.app.extensions["verify_service"]
    for scripts in (context.repeats.store._scripts, context.repeats.claims._store._scripts):
        monkeypatch.setattr(scripts, "each", _Cut(scripts.each, script, answer_only=answer_only))
