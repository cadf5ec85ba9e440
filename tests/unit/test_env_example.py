"""config/env.example and Settings name the same variables."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from verify_service.settings.settings import Settings

ROOT = Path(__file__).parent.parent.parent
OF_THE_SERVER = {"PORT", "WEB_CONCURRENCY", "THREADS"}


def _explained() -> dict[str, str]:
    text = (ROOT / "config/env.example").read_text("utf-8")
    found = re.findall(r"((?:^#.*\n)+)^([A-Z_]+)=", text, re.MULTILINE)
    return {name: comment for comment, name in found}


def test_every_variable_is_explained() -> None:
    """What Settings and the server's configuration read stands in env.example, and no more."""
    read = {field.name.upper() for field in fields(Settings)} | OF_THE_SERVER
    assert set(_explained()) == read


def test_every_explanation_says_default_or_required() -> None:
    """An operator learns of each variable what happens if it is left out."""
    silent = [
        name
        for name, comment in _explained().items()
        if "Default:" not in comment and "Required in production" not in comment
    ]
    assert silent == []


def test_every_secret_is_marked() -> None:
    """What Settings keeps out of its own repr is marked (secret)."""
    secrets = {field.name.upper() for field in fields(Settings) if not field.repr}
    marked = {name for name, comment in _explained().items() if "(secret)" in comment}
    assert marked == secrets
