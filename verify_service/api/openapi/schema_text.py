"""JSON Schema in words: the type of a field, and what bounds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_FORMATS = {
    "ipv4": "IPv4 address",
    "ipv6": "IPv6 address",
    "printable": "printable characters",
    "phone": "E.164",
    "country": "ISO 3166 code",
    "uri-reference": "path",
}


def type_name(schema: Schema) -> str:
    """Return the type in words: for example, ``string or integer``."""
    own = schema.get("type", ())
    names = [own] if isinstance(own, str) else list(own)
    for each in _alternatives(schema):
        names.append(type_name(each))
    return " or ".join(dict.fromkeys(name for name in names if name))


def limits(schema: Schema) -> str:
    """Return what bounds a field, in words."""
    alternatives = [limits(each) for each in _alternatives(schema)]
    either = "; or ".join(each for each in alternatives if each)
    return ", ".join([*_own(schema), *([either] if either else [])])


def _alternatives(schema: Schema) -> list[Schema]:
    # The reference shows the alternatives of an object one by one.
    if "properties" in schema:
        return []
    return [*schema.get("oneOf", ()), *schema.get("anyOf", ())]


def _own(schema: Schema) -> Iterator[str]:
    if "const" in schema:
        yield f"always `{schema['const']}`"
    if "enum" in schema and "x-enum-descriptions" not in schema:
        yield ", ".join(f"`{word}`" for word in schema["enum"])
    if "format" in schema:
        yield _FORMATS[schema["format"]]
    if "minLength" in schema or "maxLength" in schema:
        yield _span(schema.get("minLength"), schema.get("maxLength"), "characters")
    if "minimum" in schema or "maximum" in schema:
        yield _span(schema.get("minimum"), schema.get("maximum"))
    if "pattern" in schema and "format" not in schema:
        yield f"`{schema['pattern']}`"


def _span(least: int | None, most: int | None, unit: str = "") -> str:
    if least is None:
        words = f"at most {most}"
    elif most is None:
        words = f"at least {least}"
    else:
        words = f"{least} to {most}"
    return f"{words} {unit}".strip()
