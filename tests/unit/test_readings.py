"""What a text may stand for: calls abroad, country codes without a plus, zeros, slashes, floats."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

from verify_service.domain.errors import DestinationNotAllowed, InvalidNumber
from verify_service.domain.numbers import (
    ANY_COUNTRY,
    TYPE_NAMES,
    Destinations,
    normalize,
    possible_numbers,
)

DEFAULT_TYPES = {"MOBILE", "FIXED_LINE_OR_MOBILE"}
ANYWHERE = Destinations({ANY_COUNTRY}, DEFAULT_TYPES)
EVERY_TYPE = Destinations({ANY_COUNTRY}, TYPE_NAMES)


def mobile(region: str) -> str:
    """Return the digits of a mobile number of a region, country code included."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    assert number
    return phonenumbers.format_number(number, PhoneNumberFormat.E164).removeprefix("+")


def code_of(region: str) -> str:
    return str(phonenumbers.country_code_for_region(region))


CARRIERS = [*map(str, range(10)), *(f"{number:02}" for number in range(100))]


def longer_than_00(region: str) -> bool:
    """Return whether a region has prefixes of calls abroad that begin with 00 and go on."""
    plan = PhoneMetadata.metadata_for_region(region)
    prefix = re.compile(plan.international_prefix)
    return any(prefix.fullmatch(f"00{more}") for more in CARRIERS)


PREFIXED = [
    region
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if region != "TA" and longer_than_00(region)
]
"""The regions in which 00 and a country code may look like the prefix of a carrier."""
ABROAD = ["US", "MA", "PE", "GB", "DE", "BR", "CN", "AU", "CO", "NG", "RU", "IN", "KR", "GA", "MW"]


def test_the_regions_with_prefixes_of_carriers_are_found() -> None:
    assert {"BR", "KR", "HK", "SG", "TH", "ID", "KH", "TW", "CO", "AU", "TZ", "UG"} <= {*PREFIXED}


@pytest.mark.parametrize("region", PREFIXED)
@pytest.mark.parametrize("target", ABROAD)
def test_00_and_a_country_code_is_a_call_to_that_country(region: str, target: str) -> None:
    """Also where the first digits of the country code are a carrier's."""
    digits = mobile(target)
    expected = ANYWHERE.require_allowed(f"+{digits}")
    assert ANYWHERE.require_allowed(f"00{digits}", region) == expected
    assert ANYWHERE.require_allowed(f"00{mobile(region)}", region) == ANYWHERE.require_allowed(
        f"+{mobile(region)}"
    )


@settings(deadline=None)
@given(st.sampled_from(PREFIXED), st.integers(10**6, 10**12))
@example("BR", 51_987_654_321)
def test_a_typing_error_after_00_calls_no_stranger_abroad(region: str, typed: int) -> None:
    """The country's own code after 00 is this country, whatever a carrier's prefix is."""
    try:
        number = EVERY_TYPE.require_allowed(f"00{code_of(region)}{typed}", region)
    except (InvalidNumber, DestinationNotAllowed):
        return
    assert number.startswith(f"+{code_of(region)}")


@pytest.mark.parametrize(
    ("country", "text", "number"),
    [
        ("BR", "0055 51 99999-9999", "+5551999999999"),
        ("BR", "00 55 (51) 9 9999 9999", "+5551999999999"),
        ("AU", "0011 49 171 1234567", "+491711234567"),
        ("US", "011 49 171 1234567", "+491711234567"),
        ("RU", "8~10 49 171 1234567", "+491711234567"),
        ("KR", "001 82 10 1234 5678", "+821012345678"),
        ("HK", "00 1 415 555 2671", "+14155552671"),
    ],
)
def test_a_call_abroad_by_the_countrys_own_prefix(country: str, text: str, number: str) -> None:
    assert ANYWHERE.require_allowed(text, country) == number


@pytest.mark.parametrize(
    ("country", "text"),
    [
        ("BR", "0055 51 9999-999"),
        ("BR", "0015 1 415 555 2671"),
        ("KR", "001 49 171 1234567"),
        ("FI", "990 49 171 1234567"),
        ("CL", "1230 49 171 1234567"),
    ],
)
def test_a_carriers_prefix_leads_to_no_other_country(country: str, text: str) -> None:
    """It may as well be a typing error; the refusal says to write the number in E.164."""
    with pytest.raises(InvalidNumber, match=r"E\.164"):
        ANYWHERE.require_allowed(text, country)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS - {"TA"}))
def test_a_country_code_without_a_plus_is_understood_beside_its_country(region: str) -> None:
    digits = mobile(region)
    expected = ANYWHERE.require_allowed(f"+{digits}")
    assert ANYWHERE.require_allowed(digits, region) == expected


@pytest.mark.parametrize(
    ("country", "text", "number"),
    [
        ("UA", "8 (067) 123-45-67", "+380671234567"),
        ("UA", "80671234567", "+380671234567"),
        ("UA", "+8 067 123 45 67", "+380671234567"),
        ("UA", "8-67-123-45-67", "+380671234567"),
        ("AM", "8 091 23 45 67", "+37491234567"),
        ("AZ", "8 (050) 212-34-56", "+994502123456"),
        ("GE", "8 555 12 34 56", "+995555123456"),
        ("KG", "8 0555 123 456", "+996555123456"),
        ("MD", "8 069 112 345", "+37369112345"),
        ("TJ", "8 917 12 3456", "+992917123456"),
        ("UZ", "8 (90) 123-45-67", "+998901234567"),
        ("PL", "0 501 234 567", "+48501234567"),
        ("CZ", "0602/123 456", "+420602123456"),
    ],
)
def test_a_trunk_prefix_that_a_country_had_is_not_dialed(
    country: str, text: str, number: str
) -> None:
    """People have it in their contacts."""
    assert ANYWHERE.require_allowed(text, country) == number


@pytest.mark.parametrize(
    ("country", "text"), [("UA", "8 0049 171 1234567"), ("FR", "8 6 12 34 56 78")]
)
def test_a_former_trunk_prefix_leads_to_no_other_country(country: str, text: str) -> None:
    with pytest.raises(InvalidNumber):
        ANYWHERE.require_allowed(text, country)


@pytest.mark.parametrize(
    ("country", "text", "number"),
    [
        ("DE", "4917612345678", "+4917612345678"),
        ("XK", "38343233030", "+38343233030"),
        ("AT", "43 664 1234567", "+436641234567"),
        ("IT", "39 339 123 4567", "+393391234567"),
        ("FI", "358 40 1234567", "+358401234567"),
    ],
)
def test_a_mobile_number_goes_before_a_landline_with_the_same_digits(
    country: str, text: str, number: str
) -> None:
    """The national reading may be a landline, which is not called."""
    assert ANYWHERE.require_allowed(text, country) == number
    assert number in possible_numbers(text, country)


def test_the_national_reading_goes_first_where_its_type_is_allowed() -> None:
    both = Destinations({ANY_COUNTRY}, DEFAULT_TYPES | {"FIXED_LINE"})
    assert both.require_allowed("49 491 12345", "DE") == "+4949112345"
    national = EVERY_TYPE.require_allowed("04917612345678"[:12], "DE")
    assert EVERY_TYPE.require_allowed("4917612345678"[:11], "DE") == national


@pytest.mark.parametrize(("country", "text"), [("RU", "44 7911 123456"), ("DE", "7 916 1234567")])
def test_another_countrys_code_needs_its_plus(country: str, text: str) -> None:
    with pytest.raises((InvalidNumber, DestinationNotAllowed)):
        ANYWHERE.require_allowed(text, country)


@pytest.mark.parametrize(
    ("country", "text", "hint"),
    [
        ("DE", "49 30 123456", " If it begins with the country code, write +49 first."),
        ("DE", "030 123456", ""),
        ("DE", "+49 30 123456", ""),
        (None, "49 30 123456", ""),
    ],
)
def test_a_refused_type_says_how_to_write_a_country_code(
    country: str | None, text: str, hint: str
) -> None:
    with pytest.raises(DestinationNotAllowed) as refused:
        ANYWHERE.require_allowed(text, country)
    assert refused.value.reason.partition("are not allowed.")[2] == hint


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+48 (0) 601 123 456", None, "+48601123456"),
        ("48 (0)601123456", None, "+48601123456"),
        ("+44 (0) 7911 123456", None, "+447911123456"),
        ("+1 (0) 415 555 2671", None, "+14155552671"),
        ("+7 (0) 916 123-45-67", None, "+79161234567"),
        ("+34 [ 0 ] 612 345 678", None, "+34612345678"),
        ("+351\uff080\uff09912345678", None, "+351912345678"),
        ("+39 (0) 339 1234567", None, "+393391234567"),
        ("+47 (0) 406 12 345", None, "+4740612345"),
        ("+61 (0)412 345 678", None, "+61412345678"),
        ("0048 (0) 601 123 456", "DE", "+48601123456"),
        ("(0) 612 345 678", "ES", "+34612345678"),
    ],
)
def test_a_zero_in_brackets_is_not_dialed(text: str, country: str | None, number: str) -> None:
    """Where a number exists only without it, also in plans that have no such zero."""
    assert ANYWHERE.require_allowed(text, country) == number


def test_the_zero_of_italian_landlines_is_dialed() -> None:
    assert EVERY_TYPE.require_allowed("+39 (0)6 1234 5678") == "+390612345678"


@pytest.mark.parametrize("slash", ["/", " / ", "\uff0f", "\u2044", "\u2215"])
@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("+49 171 1234567{}8", None),
        ("+49 171 1234567{}68", None),
        ("0171 1234567{}8", "DE"),
        ("+7 917 913-67-87{}88", None),
        ("+43 664 1234567{}9", None),
        ("+62 812 3456 789{}0", None),
    ],
)
def test_two_lines_in_one_text_are_refused(text: str, country: str | None, slash: str) -> None:
    """Together the digits may be a stranger's number."""
    with pytest.raises(InvalidNumber, match="second line: send one number"):
        ANYWHERE.require_allowed(text.format(slash), country)


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("0171/1234567", "DE", "+491711234567"),
        ("+7 916 123/45/67", None, "+79161234567"),
        ("8/916/123/45/67", "RU", "+79161234567"),
        ("+33 6/12/34/56/78", None, "+33612345678"),
    ],
)
def test_a_slash_between_the_digits_of_one_number_is_ignored(
    text: str, country: str | None, number: str
) -> None:
    assert ANYWHERE.require_allowed(text, country) == number


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("491711234567.0", None, "+491711234567"),
        ("+491711234567.0", None, "+491711234567"),
        (" 79161234567.00 ", None, "+79161234567"),
        ("9161234567.0", "RU", "+79161234567"),
    ],
)
def test_the_fraction_of_a_spreadsheet_is_no_digit(
    text: str, country: str | None, number: str
) -> None:
    """The German number with one more zero would be another one's."""
    assert ANYWHERE.require_allowed(text, country) == number
    assert normalize(text, country) == number


@pytest.mark.parametrize("text", ["4.9e11", "4.91711234567E+11", "491711234567,0"])
def test_another_spelling_of_a_float_is_refused(text: str) -> None:
    with pytest.raises(InvalidNumber):
        ANYWHERE.require_allowed(text)


def test_groups_between_dots_are_digits() -> None:
    assert ANYWHERE.require_allowed("+33.6.12.34.56.70") == "+33612345670"
    assert ANYWHERE.require_allowed("7.9161234560") == "+79161234560"


@pytest.mark.parametrize(
    "text",
    [
        "+٧٩١٧٩١٣٦٧٨٧",
        "۷۹۱۷۹۱۳۶۷۸۷",
        "+७९१७९१३६७८७",
        "\uff0b\uff17\uff19\uff11\uff17\uff19\uff11\uff13\uff16\uff17\uff18\uff17",
        "+7917913678\u0667",
        "+7917913678\u00b2",
        "+7917913678\u2460",
    ],
)
def test_digits_of_other_scripts_are_named(text: str) -> None:
    with pytest.raises(InvalidNumber, match=r"^Send the digits 0-9: convert .* E\.164"):
        ANYWHERE.require_allowed(text)
