"""Reads a JSON object strictly, field by field; each complaint says what is allowed."""

import json
import re
from collections.abc import Callable, Collection
from typing import Any, NoReturn, TypeVar

from flask import Request

from verify_service.sandbox.complaints import Complaint, wrong_shape

LONGEST_TEXT = 256
"""Characters of a field that is free text."""
LARGEST_INTEGER = 2**53 - 1
"""What every program reads without loss."""
LONGEST_NUMBER = 64
"""Characters of a phone number, brackets and all."""
Kind = TypeVar("Kind")

_WORD = re.compile(r"[A-Za-z0-9\-]{1,64}")
_PRINTABLE = re.compile(r"[ -~]{0,256}")
_BETWEEN = re.compile(r"[ .()\-]")
_NUMBER = re.compile(r"\+?[0-9]{7,15}")


def read_object(request: Request) -> "Fields":
    """The body of a request.

    Raises:
        Complaint: its Content-Type or its text is no JSON, or it is no object.
    """
    if not request.is_json:
        reason = "Content-Type must be application/json"
        raise Complaint(415, "requiredJsonError", reason)
    try:
        body = json.loads(
            request.get_data(), object_pairs_hook=_each_once, parse_constant=_no_constant
        )
        # JSON can spell half a character ("\\ud800"), which could not be sent on.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Complaint(400, "requiredJsonError", "the body must be JSON in UTF-8") from None
    if not isinstance(body, dict):
        raise wrong_shape("the body must be an object")
    return Fields(body)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise wrong_shape("each field must stand there once")
    return found


def _no_constant(name: str) -> NoReturn:
    raise wrong_shape(f"{name} is no JSON number")


class Fields:
    """The fields of an object, each to be asked for by name; what nobody asks for is unknown.

    Every reader raises a Complaint for a value that is not allowed, and returns None for a field
    that is not there. `null` is a value, and not an allowed one.
    """

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self._known: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether it is there, be it null."""
        return name in self._body

    def is_null(self, name: str) -> bool:
        """Whether it is there, and null."""
        return self.has(name) and self.raw(name) is None

    def raw(self, name: str) -> object:
        """The value as it is."""
        self._known.add(name)
        return self._body.get(name)

    def text(self, name: str) -> str | None:
        """Text of at least one character."""
        return self._take(name, str, _is_short, f"a text of 1 to {LONGEST_TEXT} characters")

    def identity(self, name: str) -> str | int | None:
        """What a requestId may be."""
        if is_integer(self._body.get(name)):
            return self.integer(name, 0, LARGEST_INTEGER)
        return self._take(name, str, _is_short, "a text or an integer")

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """One of a few words."""
        return self._take(name, str, lambda word: word in allowed, one_of(allowed))

    def choices(self, name: str, allowed: Collection[str], most: int) -> list[str] | None:
        """A list of such words."""

        def good(words: list[str]) -> bool:
            return len(words) <= most and all(word in list(allowed) for word in words)

        return self._take(name, list, good, f"a list of at most {most}, each {one_of(allowed)}")

    def integer(self, name: str, least: int, most: int) -> int | None:
        """A JSON integer within bounds."""
        allowed = f"an integer from {least} to {most}"
        return self._take(name, int, lambda value: least <= value <= most, allowed)

    def integers(self, name: str, least: int, most: int) -> list[int] | None:
        """A list of such integers."""

        def good(values: list[int]) -> bool:
            return all(is_integer(value) and least <= value <= most for value in values)

        return self._take(name, list, good, f"a list of integers from {least} to {most}")

    def seconds(self, name: str, most: int) -> float | None:
        """A duration."""
        value = self.raw(name)
        if isinstance(value, int) and is_integer(value) and 0 <= value <= most:
            return float(value)
        return self._take(name, float, lambda value: 0 <= value <= most, f"seconds, 0 to {most}")

    def texts(self, name: str, most: int) -> dict[str, str] | None:
        """An object of texts in printable ASCII."""

        def good(found: dict[str, str]) -> bool:
            return len(found) <= most and all(
                _WORD.fullmatch(key) and isinstance(value, str) and _PRINTABLE.fullmatch(value)
                for key, value in found.items()
            )

        allowed = f"an object of at most {most} texts in printable ASCII"
        return self._take(name, dict, good, allowed)

    def end(self) -> None:
        """Complain of a field that nobody has asked for."""
        for name in self._body:
            if name not in self._known:
                allowed = ", ".join(sorted(self._known))
                raise wrong_shape(f"{name[:32]!a} is no field; there are: {allowed}")

    def _take(
        self, name: str, kind: type[Kind], good: Callable[[Kind], bool], allowed: str
    ) -> Kind | None:
        value = self.raw(name)
        if not self.has(name):
            return None
        # JSON's true is no integer, though Python's is.
        if isinstance(value, kind) and not isinstance(value, bool) and good(value):
            return value
        raise wrong_shape(f"{name} must be {allowed}")


def one_of(words: Collection[str]) -> str:
    """What is allowed, in words."""
    return f"one of: {', '.join(words)}"


def is_integer(value: object) -> bool:
    """Whether it is a JSON integer."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_short(text: str) -> bool:
    return 0 < len(text) <= LONGEST_TEXT


def is_number(text: str) -> bool:
    """Whether it could be called: 7 to 15 digits, however they are grouped."""
    return len(text) <= LONGEST_NUMBER and bool(_NUMBER.fullmatch(_BETWEEN.sub("", text)))
