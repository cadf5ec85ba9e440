"""Connections to Redis that break at one script, before it runs or with its answer on the way."""

from __future__ import annotations

import pytest

from verify_service.errors import StoreUnavailable

from .service import Service


class _Cut:
    def __init__(self, run, script: str, *, answer_only: bool) -> None:
        self._run = run
        self._script = script
        self._answer_only = answer_only

    def __call__(self, script: str, *args: object) -> object:
        if script != self._script:
            return self._run(script, *args)
        if self._answer_only:
            self._run(script, *args)
        raise StoreUnavailable("cut")


def cut(
    service: Service, monkeypatch: pytest.MonkeyPatch, script: str, *, answer_only: bool = False
) -> None:
    """Fail exactly this script, like a connection cut at that moment.

    With `answer_only` the script has run, and only its answer is lost.
    """
    context = service.app.extensions["verify_service"]
    for scripts in (context.repeats.store._scripts, context.repeats.claims._store._scripts):
        monkeypatch.setattr(scripts, "run", _Cut(scripts.run, script, answer_only=answer_only))
