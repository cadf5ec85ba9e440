"""Phone numbers: parse, allow or refuse, mask."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cache
from itertools import chain, product

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
    country_code_for_region,
    example_number_for_type,
    format_number,
    is_possible_number_for_type_with_reason,
    is_valid_number,
    is_valid_number_for_region,
    number_type,
    parse,
    region_code_for_number,
    supported_types_for_region,
)

from verify_service.domain.errors import DestinationNotAllowed, InvalidNumber
from verify_service.domain.readings import (
    HOW_TO_WRITE,
    IN_E164,
    readings,
    readings_of_first_line,
    spelled_digits,
)
from verify_service.domain.separators import strip_separators

ANY_COUNTRY = "*"
GLOBAL_REGION = "001"
"""The region of numbers that belong to no country: satellite networks and global services."""
COUNTRIES = frozenset(SUPPORTED_REGIONS)
"""The countries whose national spellings can be read: ISO 3166 codes."""
REGIONS = frozenset({*SUPPORTED_REGIONS, ANY_COUNTRY, GLOBAL_REGION})
"""The values of ``ALLOWED_COUNTRIES``."""
SATELLITE = ("+7954",)
"""Satellite ranges within a country's numbering plan. phonenumbers classifies them as mobile, but
they cost as much as the global ranges, so they are refused like those. Source: the Russian
numbering plan (954, GlobalTel)."""
TWO_LINES = "The digits after the slash may be those of a second line: send one number."
_MOBILE_TYPES = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
_MOBILE_PREFIXES = {54: "9"}
"""Of country codes whose mobile numbers have one more digit abroad than a line in the same town.
Argentina: ``+54 9 11 …`` is mobile, ``+54 11 …`` is a landline."""

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

    def require_allowed(self, text: str, country: str | None = None) -> str:
        """Return the number in E.164, as it is dialed today.

        Args:
            text: As a person writes it. Digits without a plus are international, unless there is
                a country.
            country: The ISO 3166 code of the country whose national spellings are read.

        Raises:
            InvalidNumber: The text is not a valid number.
            DestinationNotAllowed: Calls to the number are not allowed.
        """
        number = _valid(text, country, self.types)
        e164 = format_number(number, PhoneNumberFormat.E164)
        region = region_code_for_number(number) or "unknown"
        if not self._allows(region, number):
            rule = "country" if len(region) == 2 else "range"
            raise DestinationNotAllowed(
                e164, rule, f"Flash calls to numbers of region {region} are not allowed."
            )
        satellite = next((head for head in SATELLITE if e164.startswith(head)), None)
        if satellite and GLOBAL_REGION not in self.countries:
            raise DestinationNotAllowed(
                e164, "range", f"Flash calls to numbers of range {satellite} are not allowed."
            )
        if (kind := _type_of(number)) not in self.types:
            hint = _mobile_spelling(number) or _international_spelling(text, country)
            raise DestinationNotAllowed(
                e164, "type", f"Flash calls to numbers of type {kind} are not allowed.{hint}"
            )
        return e164

    def without_numbers(self) -> dict[str, str]:
        """Return the listed countries that have no numbers to call, each with one to list instead.

        Such a country shares the numbering plan of another one, and its numbers of the allowed
        types count as numbers of that one. For example, the mobile numbers of MF count as GP's.
        """
        types = frozenset(self.types)
        return {
            country: main
            for country in sorted(self.countries & COUNTRIES)
            if (main := _main_country(country)) != country
            and not _has_numbers(country, types)
            and _has_numbers(main, types)
        }

    def _allows(self, region: str, number: PhoneNumber) -> bool:
        if region in self.countries or (ANY_COUNTRY in self.countries and len(region) == 2):
            return True
        # A range that two countries of one plan share, for example +44 7924 of GB and IM.
        sharing = COUNTRY_CODE_TO_REGION_CODE.get(number.country_code or 0, ())
        return len(sharing) > 1 and any(
            is_valid_number_for_region(number, country) for country in self.countries & {*sharing}
        )


def parse_callback_number(text: str) -> str:
    """Return the number of a provider's callback in E.164. It need not exist.

    Raises:
        InvalidNumber: The text does not have the digits of a phone number.
    """
    try:
        return normalize(text)
    except InvalidNumber as error:
        raise InvalidNumber(IN_E164) from error


def normalize(text: str, country: str | None = None) -> str:
    """Return a number in E.164, from any spelling that a start accepts. It need not exist.

    For example, ``+44 (0)7911 123456`` is ``+447911123456``.

    Args:
        text: As in :meth:`Destinations.require_allowed`.
        country: As there.

    Raises:
        InvalidNumber: The text does not have the digits of a phone number.
    """
    return possible_numbers(text, country)[0]


def possible_numbers(text: str, country: str | None = None) -> list[str]:
    """Return the numbers in E.164 that a text may stand for, the most probable one first.

    Args:
        text: As in :meth:`Destinations.require_allowed`.
        country: As there.

    Raises:
        InvalidNumber: The text does not have the digits of a phone number.
    """
    numbers = list(readings(text, country))
    if len(numbers) > 1:
        numbers.sort(key=is_valid_number, reverse=True)
    if numbers:
        return [format_number(each, PhoneNumberFormat.E164) for each in numbers]
    if country:
        raise InvalidNumber(HOW_TO_WRITE)
    return [f"+{spelled_digits(text).removeprefix('+')}"]


def require_valid(text: str) -> str:
    """Return a number in E.164, whether or not it may be called.

    Raises:
        InvalidNumber: Its country's numbering plan has no such number.
    """
    return format_number(_valid(text, None, TYPE_NAMES), PhoneNumberFormat.E164)


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


def _valid(text: str, country: str | None, types: Set[str]) -> PhoneNumber:
    """Return the first valid number that a text may stand for, one of these types if there is one.

    Raises:
        InvalidNumber: The text is not a valid number.
    """
    numbers = list(readings(text, country))
    if not numbers:
        raise InvalidNumber(f"The number starts with no known country code. {HOW_TO_WRITE}")
    if any(map(is_valid_number, readings_of_first_line(text, country))):
        raise InvalidNumber(TWO_LINES)
    valid = list(filter(is_valid_number, numbers))
    if not valid:
        how = "" if "+" in strip_separators(text) else f" {HOW_TO_WRITE}"
        raise InvalidNumber(f"No such number exists in its country's numbering plan.{how}")
    return next((each for each in valid if _type_of(each) in types), valid[0])


def _type_of(number: PhoneNumber) -> str:
    return str(PhoneNumberType.to_string(number_type(number)))


def _international_spelling(text: str, country: str | None) -> str:
    """Return how to write a number that begins with its country code, if a text may be one."""
    code = str(country_code_for_region(country)) if country else ""
    if not code or not strip_separators(text).startswith(code):
        return ""
    return f" If it begins with the country code, write +{code} first."


def _mobile_spelling(number: PhoneNumber) -> str:
    """Return how to write the mobile number of a landline's digits, where people confuse them."""
    prefix = _MOBILE_PREFIXES.get(number.country_code or 0)
    if prefix is None:
        return ""
    e164 = format_number(number, PhoneNumberFormat.E164)
    code = f"+{number.country_code}"
    if number_type(parse(f"{code}{prefix}{e164.removeprefix(code)}", None)) not in _MOBILE_TYPES:
        return ""
    return f" A mobile number has a {prefix} after {code}: write {code} {prefix} first."


def _main_country(country: str) -> str:
    """Return the country that gives its name to a numbering plan."""
    return str(COUNTRY_CODE_TO_REGION_CODE[country_code_for_region(country)][0])


@cache
def _has_numbers(country: str, types: frozenset[str]) -> bool:
    """Return whether any number of these types belongs to this country, not to its plan's others.

    It tries the metadata's examples, then the numbers that begin with each four digits and go on
    with one digit repeated.
    """
    return any(
        region_code_for_number(number) == country and _type_of(number) in types
        for number in chain(_examples(country), _samples(country, types))
    )


def _examples(country: str) -> Iterator[PhoneNumber]:
    types = supported_types_for_region(country)
    return filter(None, (example_number_for_type(country, each) for each in types))


def _samples(country: str, types: Set[str]) -> Iterator[PhoneNumber]:
    code, plan = country_code_for_region(country), PhoneMetadata.metadata_for_region(country)
    ranges = {name.lower().removesuffix("_or_mobile") for name in types}
    for each in filter(None, (getattr(plan, name, None) for name in sorted(ranges))):
        own = re.compile(each.national_number_pattern or "")
        for length, head, rest in product(each.possible_length, range(1_000, 10_000), "0123456789"):
            national = f"{head}{rest * length}"[:length]
            if own.fullmatch(national):
                yield PhoneNumber(code, int(national))
