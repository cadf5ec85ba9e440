"""Teaches apispec our own fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields

from verify_service.api.schemas.fields import Request


def marshmallow_plugin() -> MarshmallowPlugin:
    """Return the plugin that turns schemas into JSON Schema."""
    return _Plugin(schema_name_resolver=lambda schema: _class_of(schema).__name__)


class _Plugin(MarshmallowPlugin):
    def init_spec(self, spec: Any) -> None:
        super().init_spec(spec)
        assert self.converter  # noqa: S101 - set by the line above
        self.converter.add_attribute_function(field_schema)  # type: ignore[no-untyped-call]


def _class_of(schema: Any) -> type:
    return schema if isinstance(schema, type) else type(schema)


def field_schema(_converter: Any, field: fields.Field[Any], ret: dict[str, Any]) -> dict[str, Any]:
    """Return the keywords of JSON Schema for a field, beyond its type.

    Args:
        ret: The keywords so far. It may be changed.
    """
    if isinstance(field, fields.Constant):
        del ret["default"]
        return {"type": "string", "const": field.constant}
    own: dict[str, Any] | None = getattr(field, "JSON_SCHEMA", None)
    if own is not None:
        ret.pop("type", None)
        ret.pop("format", None)
    nullable = isinstance(field.parent, Request) and not field.required
    return (own or {}) | (_or_null(own or ret) if nullable else {})


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of the schema that have to change for it to allow null too."""
    if "type" in schema:
        return {"type": [schema["type"], "null"]}
    choice = "anyOf" if "anyOf" in schema else "oneOf"
    return {choice: [*schema[choice], {"type": "null"}]}
