"""The document as the reference page shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verify_service.api.openapi.document import document
from verify_service.api.openapi.schema_text import limits, type_name

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A row of a table: a field, a parameter or a header."""

    name: str
    required: bool
    type: str
    limits: str
    description: str
    words: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A summary and the text of a request or of a response."""

    summary: str
    text: str


@dataclass(frozen=True, slots=True)
class Response:
    """The responses of an operation with one HTTP status."""

    http: str
    title: str
    description: str
    headers: tuple[Field, ...]
    bodies: tuple[tuple[str, tuple[Field, ...]], ...]
    outcomes: tuple[tuple[str, str], ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    keys: tuple[str, ...]
    parameters: tuple[Field, ...]
    takes: tuple[str, ...]
    fields: tuple[Field, ...]
    examples: tuple[Example, ...]
    responses: tuple[Response, ...]


def operations(tag: str) -> Iterator[Operation]:
    """Return the operations under a tag, in the document's order."""
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield _operation(method, path, operation)


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Operation:
    content = operation.get("requestBody", {}).get("content", {})
    schema, examples = _first(content)
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        keys=tuple(name for way in operation["security"] for name in way),
        parameters=tuple(_parameter(_whole(each)) for each in operation["parameters"]),
        takes=tuple(content),
        fields=tuple(_fields(schema)),
        examples=examples,
        responses=tuple(_response(*each) for each in operation["responses"].items()),
    )


def _response(http: str, reference: Mapping[str, Any]) -> Response:
    response = _whole(reference)
    schema, examples = _first(response.get("content", {}))
    return Response(
        http=http,
        title=_title(response["description"]),
        description=response["description"],
        headers=tuple(_header(name, _whole(each)) for name, each in response["headers"].items()),
        bodies=tuple(_bodies(schema)),
        outcomes=tuple(
            (each["title"], each["description"])
            for each in schema.get("oneOf", ())
            if "title" in each
        ),
        examples=examples,
    )


def _title(description: str) -> str:
    """Return one line: the words of ``status`` if there are several."""
    if not description.startswith("- "):
        return description
    return ", ".join(line[2:].partition(":")[0] for line in description.split("\n"))


def _first(content: Mapping[str, Any]) -> tuple[Schema, tuple[Example, ...]]:
    """Return the schema and the examples of the first media type. The others have the same."""
    for media in content.values():
        examples = dict(media.get("examples", {}))
        if "example" in media:
            examples["example"] = {"summary": "Example", "value": media["example"]}
        shown = (Example(each["summary"], _text(each["value"])) for each in examples.values())
        return _whole(media["schema"]), tuple(shown)
    return {}, ()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2)


def _bodies(schema: Schema) -> Iterator[tuple[str, tuple[Field, ...]]]:
    """Return the fields of a body, or of each of its alternatives, with a title."""
    if "properties" in schema:
        yield "Body", tuple(_fields(schema))
        return
    for each in schema.get("oneOf", ()):
        kind = _whole(each)
        yield f"Body: {kind['properties']['status']['const']}", tuple(_fields(kind))


def _fields(schema: Schema, prefix: str = "") -> Iterator[Field]:
    required = schema.get("required", ())
    for name, reference in schema.get("properties", {}).items():
        own = _whole(reference)
        yield _field(prefix + name, own, required=name in required)
        if own.get("properties"):
            yield from _fields(own, f"{prefix}{name}.")


def _parameter(parameter: Mapping[str, Any]) -> Field:
    described = parameter["schema"] | {"description": parameter["description"]}
    return _field(parameter["name"], described, required=parameter["required"])


def _header(name: str, header: Mapping[str, Any]) -> Field:
    described = header["schema"] | {"description": header["description"]}
    return _field(name, described, required=header["required"])


def _field(name: str, schema: Schema, *, required: bool) -> Field:
    meanings = schema.get("x-enum-descriptions", ())
    return Field(
        name=name,
        required=required,
        type=type_name(schema),
        limits=limits(schema),
        description=schema.get("description", ""),
        words=tuple(zip(schema.get("enum", ()), meanings, strict=False)),
    )


def _whole(reference: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object that a reference refers to. Other objects are returned as they are."""
    if "$ref" not in reference:
        return reference
    found: Any = document()
    for step in reference["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return _whole(found)
