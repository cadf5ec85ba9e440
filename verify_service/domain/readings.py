"""Which numbers a text may stand for, as people write numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    country_code_for_region,
    format_number,
    is_valid_number,
    is_valid_number_for_region,
    parse,
)

from verify_service.domain.errors import InvalidNumber
from verify_service.domain.renumbered import dialed_today
from verify_service.domain.separators import (
    first_line,
    has_other_digits,
    strip_separators,
    without_fraction,
    without_trunk_zero,
)

_SPELLED = re.compile(r"\+?[0-9]{4,18}\Z")
"""A national number may have four digits; with the prefix of a call abroad, a number has 18."""
_INTERNATIONAL = re.compile(r"[0-9]{7,15}\Z")
"""E.164 allows 15 digits. The shortest mobile numbers in use have 7, country code included."""
_CALL_ABROAD = "00"
"""The prefix of a call abroad that the ITU recommends. No number of a country begins with it."""
IN_E164 = "Write the number in E.164: country code first, 7 to 15 digits, for example +79179136787."
HOW_TO_WRITE = (
    f"{IN_E164} Or send `country` with it: then it may be written as in that country, for example "
    "8 916 123-45-67 with RU."
)
_OTHER_DIGITS = "Send the digits 0-9: convert those of other scripts first."


def readings(text: str, country: str | None) -> Iterator[PhoneNumber]:
    """Yield the numbers that a text may stand for, the most probable one first.

    A ``(0)`` belongs to the number in Italy; elsewhere the number exists only without it.

    Raises:
        InvalidNumber: The text does not have the digits of a phone number.
    """
    for each in dict.fromkeys((text, without_trunk_zero(text))):
        spelled = spelled_digits(each)
        if country is None:
            yield from _international(spelled.removeprefix("+"))
        else:
            yield from _in_country(spelled, country)


def readings_of_first_line(text: str, country: str | None) -> list[PhoneNumber]:
    """Return what the text before a last slash may stand for, if another line may follow it."""
    try:
        return list(readings(first_line(text) or "", country))
    except InvalidNumber:
        return []


def spelled_digits(text: str) -> str:
    """Return the digits of a number as it was written, with its plus if it has one.

    Raises:
        InvalidNumber: The text does not have the digits of a phone number.
    """
    if has_other_digits(text):
        raise InvalidNumber(f"{_OTHER_DIGITS} {HOW_TO_WRITE}")
    bare = strip_separators(without_fraction(text))
    if not _SPELLED.match(bare):
        raise InvalidNumber(HOW_TO_WRITE)
    return bare


def _international(digits: str) -> Iterator[PhoneNumber]:
    if not _INTERNATIONAL.match(digits):
        raise InvalidNumber(HOW_TO_WRITE)
    yield from filter(None, [_parse(f"+{digits}", None)])


def _in_country(spelled: str, country: str) -> Iterator[PhoneNumber]:
    """Yield the readings of a text from a country.

    A text with a plus is international. If no country code begins with its digits, for example
    ``+8 916 …``, it is read like digits without a plus. These may begin with the prefix of a call
    abroad; else they are national, or international without a plus. A typing error must not make
    them the number of a stranger abroad.
    """
    code, digits = country_code_for_region(country), spelled.removeprefix("+")
    if digits != spelled and (number := _abroad(digits)):
        yield number
        return
    if digits.startswith(_CALL_ABROAD) and (number := _abroad(digits[len(_CALL_ABROAD) :])):
        yield number
        if number.country_code == code:
            return
    number = _parse(digits, country)
    if number and (number.country_code == code or _calls_abroad(digits, country)):
        yield number
    number = _abroad(digits)
    if number and is_valid_number_for_region(number, country):
        yield number


def _abroad(digits: str) -> PhoneNumber | None:
    return _parse(f"+{digits}", None) if _INTERNATIONAL.match(digits) else None


def _calls_abroad(digits: str, country: str) -> bool:
    """Return whether digits begin with the one prefix that a country has for calls abroad.

    Where carriers have prefixes of their own, for example 0055 in Brazil, these look like 00 and a
    country code.
    """
    plan = PhoneMetadata.metadata_for_region(country)
    written = plan and (plan.preferred_international_prefix or plan.international_prefix)
    prefix = (written or "").replace("~", "")  # where one waits for another dial tone
    return prefix.isdigit() and digits.startswith(prefix)


def _parse(spelled: str, country: str | None) -> PhoneNumber | None:
    """Return the number as it is dialed today; None if no country code begins with its digits."""
    try:
        number = parse(spelled, country)
    except NumberParseException:
        return None
    digits = format_number(number, PhoneNumberFormat.E164).removeprefix("+")
    if not _INTERNATIONAL.match(digits):
        return None
    today = dialed_today(digits)
    if today == digits:
        return number
    renumbered = parse(f"+{today}", None)
    return renumbered if is_valid_number(renumbered) else number
