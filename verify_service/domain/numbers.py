"""Phone numbers: parse, allow or refuse, mask. The only file that imports ``phonenumbers``."""

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
"""The region of numbers that belong to no country: satellite networks and global services."""
REGIONS = frozenset({*SUPPORTED_REGIONS, ANY_COUNTRY, GLOBAL_REGION})
"""The values of ``ALLOWED_COUNTRIES``."""
SATELLITE = ("+7954",)
"""Satellite ranges within a country's numbering plan. phonenumbers classifies them as mobile, but
they cost as much as the global ranges, so they are refused like those. Source: the Russian
numbering plan (954, GlobalTel)."""
_SEPARATORS = re.compile(r"[ .()\[\]-]")
_DIALABLE = re.compile(r"\+?[0-9]{7,15}\Z")
"""E.164 allows 15 digits. The shortest mobile numbers in use have 7, country code included."""

TYPE_NAMES = frozenset(
    name
    for name in vars(PhoneNumberType)
    if name.isupper() and isinstance(vars(PhoneNumberType)[name], int)
)
"""The values of ``ALLOWED_NUMBER_TYPES``, for example ``MOBILE`` and ``PREMIUM_RATE``."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """The numbers that may be called.

    A refusal names its rule: the country, the range (numbers of no country, and satellites within
    one), or the type.

    Args:
        countries: ISO 3166 codes, or ``*`` for every country. Numbers of no country (region
            ``001``) are allowed only if ``001`` is listed: calls to them cost a hundred times as
            much.
        types: Names from :data:`TYPE_NAMES`.
    """

    countries: Set[str]
    types: Set[str]

    def require_allowed(self, text: str) -> str:
        """Return the number in E.164.

        Digits without a plus are international, never national.

        Raises:
            InvalidNumber: The text is not a valid number.
            DestinationNotAllowed: Calls to the number are not allowed.
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
    """Return the number of a provider's callback in E.164. It need not exist.

    Raises:
        InvalidNumber: The text does not have the digits of a phone number.
    """
    return f"+{_digits(text)}"


def normalize(text: str) -> str:
    """Return a number in E.164, from any spelling that a start accepts. It need not exist.

    For example, ``+44 (0)7911 123456`` is ``+447911123456``.

    Raises:
        InvalidNumber: The text does not have the digits of a phone number.
    """
    plain = parse_callback_number(text)
    try:
        return format_number(parse(plain, None), PhoneNumberFormat.E164)
    except NumberParseException:
        return plain


def require_valid(text: str) -> str:
    """Return a number in E.164, whether or not it may be called.

    Raises:
        InvalidNumber: Its country's numbering plan has no such number.
    """
    return format_number(_parse(text), PhoneNumberFormat.E164)


def strip_separators(text: str) -> str:
    """Return a text without the separators that people write between digits."""
    return _SEPARATORS.sub("", text)


def has_room(prefix: str, digits: int) -> bool:
    """Return whether a mobile number can have ``digits`` more digits than this prefix."""
    try:
        number = parse(prefix + "5" * digits, None)
    except NumberParseException:
        return len(prefix) < len("+998")  # it may be the beginning of a country code
    reason = is_possible_number_for_type_with_reason(number, PhoneNumberType.MOBILE)
    return reason != ValidationResult.TOO_LONG


def country_of(number: str) -> str:
    """Return the ISO 3166 code of an E.164 number; ``001`` for a number of no country."""
    try:
        return region_code_for_number(parse(number, None)) or "unknown"
    except NumberParseException:
        return "unknown"


def mask(number: str) -> str:
    """Return ``+7917•••••87`` for ``+79179136787``: at least four digits are hidden."""
    digits = number.removeprefix("+")
    head = max(0, min(4, len(digits) - 6))
    return f"+{digits[:head]}{'•' * (len(digits) - head - 2)}{digits[-2:]}"


def mask_scope(scope: str) -> str:
    """Return ``+7917•••`` for the prefix ``+7917913``; a scope that is not a prefix is unchanged.

    It shows the same first digits as :func:`mask` shows of a number with this prefix, so that two
    log lines together reveal no more than one.
    """
    if not scope.startswith("+"):
        return scope
    digits = scope.removeprefix("+")
    head = max(0, min(4, len(digits) - 2))
    return f"+{digits[:head]}{'•' * (len(digits) - head)}"


def _digits(text: str) -> str:
    bare = strip_separators(text)
    if not _DIALABLE.match(bare):
        raise InvalidNumber(
            "Write the number in E.164: country code first, 7 to 15 digits, "
            "for example +79179136787."
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
