"""The schema of a form, in which every value is text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


def as_form(schema: Schema) -> dict[str, Any]:
    """Return the schema of an object with each field as text."""
    fields = {name: _as_text(field) for name, field in schema["properties"].items()}
    return {**schema, "properties": fields}


def _as_text(field: Schema) -> dict[str, Any]:
    rest = {name: value for name, value in field.items() if name != "oneOf"}
    texts = [each for each in field.get("oneOf", ()) if each["type"] == "string"]
    return {**rest, **(texts[0] if texts else {})}
