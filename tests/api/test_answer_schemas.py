"""A response is what marshmallow makes of its schema, although `Answer.dump` is a shorter way."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import Schema

from verify_service.api import schemas
from verify_service.api.openapi.examples import examples

BODIES = {
    name: example["value"]
    for name, example in examples().items()
    if {"nextAction", "reason"} & example["value"].keys()
}


def schema_of(body: dict[str, Any]) -> Schema:
    if "reason" in body:
        return schemas.ErrorAnswer()
    return schemas.CheckAnswer() if "verified" in body else schemas.VerificationAnswer()


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_response_is_what_marshmallow_makes_of_it(body: dict[str, Any]) -> None:
    """The same fields in the same order. What the schema does not have is left out."""
    schema = schema_of(body)
    fields = schema.load(body) | {"unknown": 1}
    dumped = schema.dump(fields)
    assert dumped == body
    assert list(dumped.items()) == list(Schema.dump(schema, fields).items())
