"""Constraints between the fields of a response, as JSON Schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verify_service.domain.models import NextAction, State


def together(names: Sequence[str]) -> dict[str, list[str]]:
    """Return JSON Schema's ``dependentRequired`` for fields that are present all or not at all."""
    return {name: [other for other in names if other != name] for name in names}


BLOCKED = together(("limit", "retryAfter"))
"""The limit that blocks a number, and for how long."""

_ONLY_WHERE_OPEN = ("expiresIn", "restartIn", "limit", "retryAfter")


def _never(names: Sequence[str]) -> dict[str, Any]:
    # `false` means the same, but not every tool supports it.
    return {name: {"not": {}} for name in names}


CHECK_OUTCOMES: list[dict[str, Any]] = [
    {
        "title": "Verified",
        "description": "Log the person in, for `number`.",
        "properties": {
            "verified": {"const": True},
            "state": {"const": str(State.APPROVED)},
            "nextAction": {"const": str(NextAction.DONE)},
            **_never(_ONLY_WHERE_OPEN),
        },
        "required": ["number", "checksLeft"],
    },
    {
        "title": "Approved before",
        "description": "The code was used already. Do not log the person in.",
        "properties": {
            "verified": {"const": False},
            "state": {"const": str(State.APPROVED)},
            "nextAction": {"const": str(NextAction.STOP)},
            **_never(("number", "checksLeft", *_ONLY_WHERE_OPEN)),
        },
    },
    {
        "title": "Not verified",
        "description": "Wrong, too late, or not compared. Do what `nextAction` says.",
        "properties": {
            "verified": {"const": False},
            "state": {"enum": [str(each) for each in State if each is not State.APPROVED]},
            "nextAction": {"enum": [str(each) for each in NextAction if each != NextAction.DONE]},
            **_never(("number",)),
        },
        "required": ["checksLeft"],
    },
]
"""JSON Schema's ``oneOf`` for the response to a check."""
