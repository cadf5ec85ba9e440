"""app.json: the settings that a platform prepares, and the secrets that it generates."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

from verify_service.settings.settings import Settings

from .conftest import PRODUCTION, Read

ROOT = Path(__file__).parents[2]
APP = json.loads((ROOT / "app.json").read_text("utf-8"))
ENV = APP["env"]
GENERATED = {
    name: name.lower().ljust(64, "0")
    for name, entry in ENV.items()
    if entry.get("generator") == "secret"
}
GIVEN = {name: entry["value"] for name, entry in ENV.items() if "value" in entry}
ASKED = set(ENV) - set(GENERATED) - set(GIVEN)


def test_every_variable_is_one_of_ours() -> None:
    assert {name.lower() for name in ENV} <= {field.name for field in fields(Settings)}


def test_the_services_own_secrets_are_generated() -> None:
    """A person would choose weaker ones. Secrets that others must know are asked for."""
    assert {"CODE_SECRET", "NUMBER_SECRET"} <= set(GENERATED)
    assert {"ACCESS_KEYS", "PROVIDER_ACCESS_KEY", "CALLBACK_APP_KEYS"} == ASKED


def test_production_starts_with_the_variables_of_app_json(read: Read) -> None:
    """The add-on provides REDIS_URL."""
    assert APP["addons"][0]["as"] == "REDIS"
    least = {name: PRODUCTION[name] for name in (*ASKED, "REDIS_URL")}
    settings = read(**{**dict.fromkeys(PRODUCTION), **GENERATED, **GIVEN, **least})
    assert settings.production
    assert not settings.redis_verify
