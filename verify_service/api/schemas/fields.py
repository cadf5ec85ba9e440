"""Our own fields. Each has its JSON Schema next to the code that loads it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing, pre_load
from marshmallow.validate import Length

from verify_service.domain.codes import FIRST, LAST
from verify_service.domain.numbers import COUNTRIES
from verify_service.domain.separators import strip_separators

# The patterns are valid in JSON Schema and are used with `fullmatch`: in Python `$` also matches
# before a trailing line break.
CODE_PATTERN = "^[0-9]{4}$"
MOMENT_PATTERN = "^[ \\t\\r\\n]*[0-9]{1,15}([.,][0-9]{1,20})?[ \\t\\r\\n]*$"
"""A comma is the decimal separator of many locales."""
_BETWEEN = r"[ ./~()\[\]{}\-\u00a0-\u2027\u202a-\uffff]*"
NUMBER_PATTERN = rf"^{_BETWEEN}(\+{_BETWEEN})?([0-9]{_BETWEEN}){{4,18}}$"
"""4 to 18 digits, with or without a plus and separators: what ``numbers.py`` can parse. Letters
that are not ASCII match too, to keep it short; a number with them is refused."""
COUNTRY_PATTERN = "^[A-Za-z]{2}$"
_WHOLE_NUMBER_DIGITS = 7
NOT_BLANK = r"[^\s\x1c-\x1f\x85]"
_LATEST = 10**15 - 1


_JSON_AS_THEY_ARE = {fields.String, fields.Integer, fields.Boolean}


class Camel(Schema):
    """Snake case in Python, camel case in JSON, like the provider's API."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Set the name in JSON."""
        head, *tail = field_name.split("_")
        field_obj.data_key = head + "".join(word.capitalize() for word in tail)


class Answer(Camel):
    """The base of all responses. Clients ignore fields that they do not know."""

    class Meta:
        unknown = EXCLUDE

    def dump(self, obj: dict[str, Any], *, many: bool | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Return the fields that a view's dictionary has, under their names in JSON.

        Text, integers and booleans are JSON as they are, in the order of the schema. marshmallow
        would look each of them up and convert it, which takes five times as many calls.
        """
        dumped: dict[str, Any] = {}
        for name, field in self.dump_fields.items():
            if type(field) not in _JSON_AS_THEY_ARE:
                value = field.serialize(name, obj, dict.get)
            else:
                value = obj.get(name, missing)
            if value is not missing:
                dumped[field.data_key or name] = value
        return dumped


class Request(Camel):
    """The base of all requests. An optional field that is null counts as absent."""

    @pre_load
    def _without_null(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if None not in data.values():
            return data
        optional = {field.data_key for field in self.fields.values() if not field.required}
        return {
            name: value for name, value in data.items() if value is not None or name not in optional
        }


class Code(fields.Field[str]):
    """Four ASCII digits, as text or as an integer.

    The document has the text alone: generators make a class of their own for "either".
    """

    JSON_SCHEMA: ClassVar[dict[str, Any]] = {"type": "string", "pattern": CODE_PATTERN}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and FIRST <= value <= LAST:
            return str(value)
        if isinstance(value, str) and re.fullmatch(CODE_PATTERN, value):
            return value
        if _is_whole_number(value):
            raise ValidationError(
                "This is a whole phone number. The code is its last four digits: let your login "
                "send only these."
            )
        raise ValidationError(
            f"Must be a string of four digits 0-9, or an integer from {FIRST} to {LAST}."
        )


def _is_whole_number(code: Any) -> bool:
    digits = strip_separators(str(code)[:64]) if isinstance(code, str | int) else ""
    return re.fullmatch(rf"\+?[0-9]{{{_WHOLE_NUMBER_DIGITS},15}}", digits) is not None


class Country(fields.Field[str]):
    """A country with a numbering plan: an ISO 3166 code, in upper or lower case."""

    # The countries are no enumeration: a new one would be a change of the document.
    JSON_SCHEMA: ClassVar[dict[str, Any]] = {
        "type": "string",
        "format": "country",
        "pattern": COUNTRY_PATTERN,
    }

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        code = value.upper() if isinstance(value, str) and value.isascii() else ""
        if code not in COUNTRIES:
            raise ValidationError("Must be the ISO 3166 code of a country, for example RU.")
        return code


class Opaque(fields.Field[str]):
    """A string or an integer, kept as text: the provider's ids may be either.

    In JSON Schema 5178.0 is an integer.
    """

    JSON_SCHEMA: ClassVar[dict[str, Any]] = {
        "type": ["string", "integer"],
        "pattern": NOT_BLANK,
        "maxLength": 256,
    }

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise ValidationError("Must be a string or an integer.")
        text = str(value).strip()
        if not 0 < len(text) <= 256:
            raise ValidationError("Must have 1 to 256 characters.")
        return text


class Moment(fields.Field[int]):
    """Unixtime: a number, or its digits as text, as in a form. A fraction is dropped."""

    JSON_SCHEMA: ClassVar[dict[str, Any]] = {
        "type": ["number", "string"],
        "minimum": 0,
        "maximum": _LATEST,
        "pattern": MOMENT_PATTERN,
    }

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        # 1e999 is a JSON number, and infinite in Python.
        if isinstance(value, float) and math.isfinite(value) and value >= 0:
            value = int(value)
        if isinstance(value, bool | float) or not re.fullmatch(MOMENT_PATTERN, str(value)):
            raise ValidationError("Must be unixtime, in seconds or milliseconds.")
        return int(re.split("[.,]", str(value))[0])


class Address(fields.IP):
    """An IPv4 or IPv6 address."""

    # JSON Schema has a format for each of the two, and none for both.
    JSON_SCHEMA: ClassVar[dict[str, Any]] = {"type": "string", "format": "ip"}


def printable(shortest: int, longest: int, description: str, **more: Any) -> fields.String:
    """Return a field for text of printable characters, spaces included."""
    return fields.String(
        validate=[Length(shortest or None, longest), _printable],
        # Regular expressions have no portable class of printable characters, hence our own format.
        metadata=about(description, pattern="^[^\\x00-\\x1f\\x7f]*$", format="printable", **more),
    )


def _printable(text: str) -> None:
    if not text.isprintable():
        raise ValidationError("Must be printable characters only.")


def word(words: Mapping[Any, str], description: str, **kwargs: Any) -> fields.String:
    """Return a field for a word, of which a later release may have more.

    Its description lists the words of today, each with its meaning. They are no ``enum``: a client
    that was generated from it would refuse a new word.
    """
    listed = "\n".join(f"- `{each}`: {meaning}" for each, meaning in words.items())
    known = {"x-extensible-enum": [str(each) for each in words]}
    return fields.String(metadata=about(f"{description}\n\n{listed}", **known), **kwargs)


def about(description: str, **schema: Any) -> dict[str, Any]:
    """Return a field's metadata: its description and further keywords of JSON Schema."""
    return {"description": description, **schema}
