"""Answers as the contract shows them, for a server that only pretends."""

from __future__ import annotations

from typing import Any

from .server import Fate, says

ID = "AbC-_123"


def verification(**fields: Any) -> dict[str, Any]:
    """What start and status say; `fields` change it, None takes one away."""
    said = {
        "status": "ok",
        "verificationId": ID,
        "state": "pending",
        "number": "+7917•••••87",
        "call": call(),
        "checksLeft": 3,
        "expiresAt": 1_790_000_300,
        "expiresIn": 300,
        "restartIn": 30,
        "nextAction": "enterCode",
        **fields,
    }
    return {name: value for name, value in said.items() if value is not None}


def call(**fields: Any) -> dict[str, Any]:
    said = {"state": "placed", "callerPrefix": "7917913", "callerLength": 11, "codeDigits": 4}
    said |= fields
    return {name: value for name, value in said.items() if value is not None}


def check(**fields: Any) -> dict[str, Any]:
    said = {
        "status": "ok",
        "verified": False,
        "state": "pending",
        "checksLeft": 2,
        "expiresIn": 212,
        "nextAction": "enterCode",
        **fields,
    }
    return {name: value for name, value in said.items() if value is not None}


def error(http: int, status: str = "someError", **fields: Any) -> Fate:
    """The service's own error; with `retryAfter` its header too."""
    headers = {"Retry_After": str(fields["retryAfter"])} if "retryAfter" in fields else {}
    return says(http, {"status": status, "errorReason": "Said so.", **fields}, **headers)


STARTED = says(201, verification())
READ = says(200, verification())
CHECKED = says(200, check())
PAUSED = error(503, "rpcError", retryAfter=2)
