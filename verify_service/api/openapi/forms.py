"""The same fields as a form, which has text and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


def as_form(schema: Schema) -> dict[str, Any]:
    """Return the schema of an object with each field as the text that it may be."""
    fields = {name: _as_text(field) for name, field in schema["properties"].items()}
    return {**schema, "properties": fields}


def _as_text(field: Schema) -> dict[str, Any]:
    rest = {name: value for name, value in field.items() if name != "oneOf"}
    texts = [each for each in field.get("oneOf", ()) if each["type"] == "string"]
    return {**rest, **(texts[0] if texts else {})}
