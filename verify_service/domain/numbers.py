"""Phone numbers: parse, judge, mask. The only file that knows ``phonenumbers``."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass

from phonenumbers import (
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
    format_number,
    is_possible_number_for_type_with_reason,
    is_valid_number,
    number_type,
    parse,
    region_code_for_number,
)

from verify_service.domain.errors import DestinationNotAllowed, InvalidNumber

ANY_COUNTRY = "*"
GLOBAL_REGION = "001"
"""The region of the ranges that belong to no country: satellite, global services."""
REGIONS = frozenset({*SUPPORTED_REGIONS, ANY_COUNTRY, GLOBAL_REGION})
"""What ``ALLOWED_COUNTRIES`` may list."""
SATELLITE = ("+7954",)
"""Satellite ranges within a country's own plan, which phonenumbers takes for mobile ones. They cost
what the global ranges cost and are refused as those are. Source: the Russian numbering plan (954,
GlobalTel)."""
_DECORATION = re.compile(r"[ .()\[\]-]")
_DIALABLE = re.compile(r"\+?[0-9]{7,15}\Z")
"""E.164 has at most 15 digits; the shortest mobile numbers in use have 7 with the country code."""

TYPE_NAMES = frozenset(
    name
    for name in vars(PhoneNumberType)
    if name.isupper() and isinstance(vars(PhoneNumberType)[name], int)
)
"""The names ``ALLOWED_NUMBER_TYPES`` may list, e.g. ``MOBILE`` and ``PREMIUM_RATE``."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """Which numbers flash calls may go to.

    A refusal names its rule: the country, the range (what belongs to no country, and satellites
    within one), or the type.

    Args:
        countries: ISO 3166 codes, or ``*`` for every country. The ranges that belong to no
            country (satellite, global services: region ``001``) are in only if named: their
            calls cost a hundred times as much.
        types: Names from :data:`TYPE_NAMES`.
    """

    countries: Set[str]
    types: Set[str]

    def accept(self, text: str) -> str:
        """Return the number in E.164.

        Digits without a plus are international too, never national: whose nation would it be?

        Raises:
            InvalidNumber: It is no number that could be called.
            DestinationNotAllowed: It is one, and calls to it are switched off.
        """
        number = _parse(text)
        e164 = format_number(number, PhoneNumberFormat.E164)
        country = region_code_for_number(number) or "unknown"
        kind = PhoneNumberType.to_string(number_type(number))
        if not self._allows(country):
            rule = "country" if len(country) == 2 else "range"
            raise DestinationNotAllowed(
                e164, rule, f"Flash calls to numbers of region {country} are not allowed."
            )
        satellite = next((head for head in SATELLITE if e164.startswith(head)), None)
        if satellite and GLOBAL_REGION not in self.countries:
            raise DestinationNotAllowed(
                e164, "range", f"Flash calls to numbers of range {satellite} are not allowed."
            )
        if kind not in self.types:
            raise DestinationNotAllowed(
                e164, "type", f"Flash calls to numbers of type {kind} are not allowed."
            )
        return e164

    def _allows(self, country: str) -> bool:
        return country in self.countries or (ANY_COUNTRY in self.countries and len(country) == 2)


def parse_callback_number(text: str) -> str:
    """Return a number in E.164 as the provider's callback may spell it, unjudged.

    Raises:
        InvalidNumber: The text has no digits of a phone number.
    """
    return f"+{_digits(text)}"


def normalize(text: str) -> str:
    """Return a number in E.164 whether or not it exists, from any spelling that a start may have.

    So ``+44 (0)7911 123456`` is ``+447911123456`` here too: who looked for it under the former
    would take it for another number.

    Raises:
        InvalidNumber: The text has no digits of a phone number.
    """
    plain = parse_callback_number(text)
    try:
        return format_number(parse(plain, None), PhoneNumberFormat.E164)
    except NumberParseException:
        return plain


def require_valid(text: str) -> str:
    """Return a number in E.164 that its country's plan has, whether or not it may be called.

    Raises:
        InvalidNumber: There is none.
    """
    return format_number(_parse(text), PhoneNumberFormat.E164)


def strip_separators(text: str) -> str:
    """Return a text without what people write between digits."""
    return _DECORATION.sub("", text)


def has_room(prefix: str, digits: int) -> bool:
    """Whether a mobile number can have so many digits more than this prefix, with its plus."""
    try:
        number = parse(prefix + "5" * digits, None)
    except NumberParseException:
        return len(prefix) < len("+998")  # the beginning of country codes, or of none
    reason = is_possible_number_for_type_with_reason(number, PhoneNumberType.MOBILE)
    return reason != ValidationResult.TOO_LONG


def country_of(number: str) -> str:
    """Return the ISO 3166 code of an E.164 number, ``001`` for none in particular."""
    try:
        return region_code_for_number(parse(number, None)) or "unknown"
    except NumberParseException:
        return "unknown"


def mask(number: str) -> str:
    """Return ``+7917•••••87`` for ``+79179136787``: at least four digits stay hidden."""
    digits = number.removeprefix("+")
    head = max(0, min(4, len(digits) - 6))
    return f"+{digits[:head]}{'•' * (len(digits) - head - 2)}{digits[-2:]}"


def mask_scope(place: str) -> str:
    """Return ``+7917•••`` for the prefix ``+7917913``; what is no prefix stays as it is.

    It shows the same first digits as :func:`mask` does of a number with this prefix: a line about
    the one and a line about the other, read together, give away nothing more.
    """
    if not place.startswith("+"):
        return place
    digits = place.removeprefix("+")
    head = max(0, min(4, len(digits) - 2))
    return f"+{digits[:head]}{'•' * (len(digits) - head)}"


def _digits(text: str) -> str:
    bare = strip_separators(text)
    if not _DIALABLE.match(bare):
        raise InvalidNumber(
            "Write the number in E.164, e.g. +79179136787: 7 to 15 digits, country code first."
        )
    return bare.removeprefix("+")


def _parse(text: str) -> PhoneNumber:
    try:
        number = parse(f"+{_digits(text)}", None)
    except NumberParseException as error:
        # The library's message may quote the number; ours does not.
        raise InvalidNumber("The number starts with no known country code.") from error
    if not is_valid_number(number):
        raise InvalidNumber("No such number exists in its country's numbering plan.")
    return number
