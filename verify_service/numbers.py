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
    format_number,
    is_valid_number,
    number_type,
    parse,
    region_code_for_number,
)

from verify_service.errors import DestinationNotAllowed, InvalidNumber

ANY_COUNTRY = "*"
GLOBAL_REGION = "001"
"""The region of the ranges that belong to no country: satellite, global services."""
REGIONS = frozenset({*SUPPORTED_REGIONS, ANY_COUNTRY, GLOBAL_REGION})
"""What ``ALLOWED_COUNTRIES`` may list."""
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
        self._judge_country(region_code_for_number(number) or "unknown")
        self._judge_type(PhoneNumberType.to_string(number_type(number)))
        return format_number(number, PhoneNumberFormat.E164)

    def _judge_country(self, country: str) -> None:
        if country in self.countries:
            return
        if ANY_COUNTRY in self.countries and len(country) == 2:
            return
        raise DestinationNotAllowed(f"Flash calls to numbers of region {country} are not allowed.")

    def _judge_type(self, kind: str) -> None:
        if kind not in self.types:
            raise DestinationNotAllowed(f"Flash calls to numbers of type {kind} are not allowed.")


def canonical(text: str) -> str:
    """Return a number in E.164 as the provider's callback may spell it, unjudged.

    Raises:
        InvalidNumber: The text has no digits of a phone number.
    """
    return f"+{_digits(text)}"


def mask(number: str) -> str:
    """Return ``+7917•••••87`` for ``+79179136787``: at least four digits stay hidden."""
    digits = number.removeprefix("+")
    head = max(0, min(4, len(digits) - 6))
    return f"+{digits[:head]}{'•' * (len(digits) - head - 2)}{digits[-2:]}"


def _digits(text: str) -> str:
    bare = _DECORATION.sub("", text)
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
