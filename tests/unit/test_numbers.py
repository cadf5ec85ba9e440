"""Numbers: every spelling is one number, and expensive ones are refused."""

from __future__ import annotations

import unicodedata

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from verify_service.domain.errors import DestinationNotAllowed, InvalidNumber
from verify_service.domain.numbers import (
    ANY_COUNTRY,
    TYPE_NAMES,
    Destinations,
    has_room,
    mask,
    mask_scope,
    normalize,
    parse_callback_number,
    require_valid,
)
from verify_service.domain.scopes import prefix_of

DEFAULT_TYPES = {"MOBILE", "FIXED_LINE_OR_MOBILE"}
ANYWHERE = Destinations({ANY_COUNTRY}, DEFAULT_TYPES)
RUSSIAN = [
    *("8 916 123-45-67", "8(916)1234567", "+8 916 123-45-67", "916 123 45 67"),
    *("7 916 123-45-67", "+7 916 123-45-67", "8\u00a0916\u00a0123\u201145\u201167"),
]
EVERYTHING = Destinations({ANY_COUNTRY, "001"}, TYPE_NAMES)


def example(region: str, kind: int) -> phonenumbers.PhoneNumber | None:
    return phonenumbers.example_number_for_type(region, kind)


REGIONS = [
    region
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if example(region, PhoneNumberType.MOBILE) is not None
]


OLD_EXAMPLES = {
    "+24106031234": "+24166031234",
    "+24101441234": "+24111441234",
    "+2203012345": "+220833012345",
}
"""Examples of the library in an old spelling, and how they are dialed today."""


def spellings(region: str) -> tuple[str, set[str]]:
    """Return a mobile number of the region in E.164, and the spellings in use abroad."""
    number = example(region, PhoneNumberType.MOBILE)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    spaced = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    country, own = spaced.split(" ", 1)
    head, tail = own[:2], own[2:]
    with_plus = {
        *(e164, spaced, f" {spaced} ", " ".join(e164)),
        *(spaced.replace(" ", mark) for mark in (".", "-", " - ", "")),
        *(f"{country} ({own})", f"{country}({head}){tail}", f"{country} [{head}] {tail}"),
    }
    return e164, with_plus | {text.replace("+", "") for text in with_plus}


@pytest.mark.parametrize("region", REGIONS)
def test_a_mobile_number_of_every_region_is_accepted(region: str) -> None:
    """Every international spelling of it, with plus or without, is the same number."""
    e164, texts = spellings(region)
    assert len(texts) >= 14
    found = {ANYWHERE.require_allowed(text) for text in texts}
    assert found == {OLD_EXAMPLES.get(e164, e164)}


def test_every_region_has_one() -> None:
    """Except Tristan da Cunha, for which the library has only fixed lines (+290 8)."""
    assert set(phonenumbers.SUPPORTED_REGIONS) - set(REGIONS) <= {"TA"}
    assert len(REGIONS) > 240


REFUSED = {
    "PREMIUM_RATE": PhoneNumberType.PREMIUM_RATE,
    "SHARED_COST": PhoneNumberType.SHARED_COST,
    "VOIP": PhoneNumberType.VOIP,
    "PAGER": PhoneNumberType.PAGER,
    "TOLL_FREE": PhoneNumberType.TOLL_FREE,
    "UAN": PhoneNumberType.UAN,
    "VOICEMAIL": PhoneNumberType.VOICEMAIL,
    "PERSONAL_NUMBER": PhoneNumberType.PERSONAL_NUMBER,
    "FIXED_LINE": PhoneNumberType.FIXED_LINE,
}


@pytest.mark.parametrize(("name", "kind"), REFUSED.items())
def test_types_refused_by_default_in_every_region(name: str, kind: int) -> None:
    """They are accepted if the operator lists their type."""
    seen = 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        number = example(region, kind)
        if number is None or phonenumbers.number_type(number) != kind:
            continue
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        if not 7 <= len(e164) - 1 <= 15:
            continue
        seen += 1
        with pytest.raises(DestinationNotAllowed, match=name):
            ANYWHERE.require_allowed(e164)
        today = OLD_EXAMPLES.get(e164, e164)
        assert Destinations({ANY_COUNTRY}, {name}).require_allowed(e164) == today
    assert seen


@pytest.mark.parametrize(
    "number", ["+881612345678", "+870301234567", "+80012345678", "+979123456789", "+883510012345"]
)
def test_ranges_without_a_country_are_allowed_only_by_name(number: str) -> None:
    """Satellite and global ranges: `*` does not include them."""
    with pytest.raises(DestinationNotAllowed):
        Destinations({ANY_COUNTRY}, TYPE_NAMES).require_allowed(number)


def test_satellite_ranges_are_allowed_by_name() -> None:
    assert EVERYTHING.require_allowed("+881612345678") == "+881612345678"


@pytest.mark.parametrize(("number", "country"), [("+77011234567", "KZ"), ("+79179136787", "RU")])
def test_a_country_is_not_decided_by_its_prefix(number: str, country: str) -> None:
    assert Destinations({country}, DEFAULT_TYPES).require_allowed(number) == number
    other = {"KZ": "RU", "RU": "KZ"}[country]
    with pytest.raises(DestinationNotAllowed):
        Destinations({other}, DEFAULT_TYPES).require_allowed(number)


def ignored() -> list[str]:
    """Return every blank, dash, bracket and formatting character of Unicode, and slashes, dots."""
    kinds = {"Zs", "Pd", "Ps", "Pe", "Cf"}
    every = map(chr, range(0x110000))
    return [*(each for each in every if unicodedata.category(each) in kinds), *OTHERS]


OTHERS = (
    "./\u00b7\u06d4\u2024\u2027\u3002\uff0e\u30fb"  # dots
    "\u2044\u2215\uff0f"  # slashes
    "\u2212\u2043\u2053\u30fc\uff5e"  # minus signs and dashes
    "\u034f\u3164\u2800\ufe0f\ufe0e"  # characters that show nothing
)


def test_what_people_and_programs_put_between_digits_is_ignored() -> None:
    characters = ignored()
    assert len(characters) > 300
    for each in characters:
        text = f"{each}+7{each}917 913-67-87{each}{each}"
        assert ANYWHERE.require_allowed(text) == "+79179136787", hex(ord(each))
    assert ANYWHERE.require_allowed("\uff0b7 917 913-67-87") == "+79179136787"


@pytest.mark.parametrize(
    "other",
    [*"\t\n\r\v\f\x1c\x1f\x85\x00\u2028\u2029", *"x,;:#*_'\"", "\u0667", "\uff17", "\u00b2"],
)
def test_other_characters_are_refused(other: str) -> None:
    """Line breaks, tabs, letters, and digits of other scripts."""
    for text in (f"+7{other}9179136787", f"+79179136787{other}", f"+7917913678{other}"):
        with pytest.raises(InvalidNumber, match=r"E\.164"):
            ANYWHERE.require_allowed(text)


NATIONAL = [
    *[("RU", text, "+79161234567") for text in RUSSIAN],
    ("RU", "+380 50 123 45 67", "+380501234567"),
    ("RU", "8 10 380 50 123 45 67", "+380501234567"),
    ("RU", "00 380 50 123 45 67", "+380501234567"),
    ("KZ", "8 (701) 123-45-67", "+77011234567"),
    ("GB", "07911 123456", "+447911123456"),
    ("GB", "(0) 7911 / 123456", "+447911123456"),
    ("DE", "0171/1234567", "+491711234567"),
    ("DE", "+0171 1234567", "+491711234567"),
    ("US", "(415) 555-2671", "+14155552671"),
    ("US", "011 44 7911 123456", "+447911123456"),
    ("IT", "339 123 4567", "+393391234567"),
    ("AD", "312 345", "+376312345"),
    ("GA", "06 03 12 34", "+24166031234"),
    ("GA", "066 03 12 34", "+24166031234"),
    ("MX", "044 55 1234 5678", "+525512345678"),
    ("MX", "045 55 1234 5678", "+525512345678"),
    ("MX", "55 1234 5678", "+525512345678"),
    ("AR", "011 15 2345-6789", "+5491123456789"),
    ("BR", "(011) 8123-4567", "+5511981234567"),
    ("BR", "0 15 11 98123-4567", "+5511981234567"),
    ("VN", "0120 123 4567", "+84701234567"),
]


@pytest.mark.parametrize(("country", "text", "number"), NATIONAL)
def test_a_national_spelling_is_read_as_one_of_the_country(
    country: str, text: str, number: str
) -> None:
    assert ANYWHERE.require_allowed(text, country) == number
    assert normalize(text, country) == number


@pytest.mark.parametrize("text", ["8 916 123-45-6", "44 7911 123456", "112", "+8 916 123-45-6"])
def test_what_is_no_number_of_the_country_is_refused(text: str) -> None:
    """Digits without a plus are not tried as another country's: a typing error would be a call to
    a stranger abroad."""
    with pytest.raises(InvalidNumber):
        ANYWHERE.require_allowed(text, "RU")


@pytest.mark.parametrize(
    ("text", "country", "beginning"),
    [
        ("+123456", None, "Write the number in E.164"),
        ("1" * 16, None, "Write the number in E.164"),
        ("8 916 123-45-67", None, "The number starts with no known country code. Write"),
        ("0049 171 1234567", None, "The number starts with no known country code. Write"),
        ("415 555 2671", None, "No such number exists in its country's numbering plan. Write"),
        ("+7 916 123-45-6", None, "No such number exists in its country's numbering plan."),
        ("8 916 123-45-6", "RU", "No such number exists in its country's numbering plan. Write"),
    ],
)
def test_a_refusal_says_how_to_write_the_number(
    text: str, country: str | None, beginning: str
) -> None:
    with pytest.raises(InvalidNumber) as refused:
        ANYWHERE.require_allowed(text, country)
    assert refused.value.reason.startswith(beginning)
    assert ("Or send `country`" in refused.value.reason) is ("Write" in beginning)


def test_without_a_country_digits_are_international() -> None:
    assert ANYWHERE.require_allowed("44 7911 123456") == "+447911123456"
    with pytest.raises(InvalidNumber, match=r"Or send `country` .* 8 916 123-45-67 with RU"):
        ANYWHERE.require_allowed("8 916 123-45-67")


def test_a_range_that_countries_share_belongs_to_both() -> None:
    """Of the mobile numbers of IM the library counts some as numbers of GB."""
    island = Destinations({"IM"}, DEFAULT_TYPES)
    for number in ("+447924123456", "+447624123456"):
        assert island.require_allowed(number) == number
    with pytest.raises(DestinationNotAllowed):
        island.require_allowed("+447400123456")


@pytest.mark.parametrize(
    "text",
    ["", "+", "x", "123456", "1" * 16, "89179136787", "+7917913678७", "+79179136787\n", "+0791"],
)
def test_an_invalid_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidNumber) as caught:
        ANYWHERE.require_allowed(text)
    assert "canary" not in caught.value.reason


@pytest.mark.parametrize("number", ["+79161234567", "+19002345678", "+881612345678", "+7916123"])
def test_a_refusal_never_repeats_the_number(number: str) -> None:
    """It becomes an answer's errorReason, and so may reach a log."""
    narrow = Destinations({"GB"}, DEFAULT_TYPES)
    with pytest.raises((InvalidNumber, DestinationNotAllowed)) as caught:
        narrow.require_allowed(number)
    assert number.removeprefix("+") not in caught.value.reason


@pytest.mark.parametrize("spelling", ["+79179136787", "79179136787", "+7 (917) 913-67.87"])
def test_a_callbacks_number_is_not_validated(spelling: str) -> None:
    """It is not validated: the number was validated when it was called."""
    assert parse_callback_number(spelling) == "+79179136787"


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+79179136787", "+7917•••••87"),
        ("+442071838750", "+4420••••••50"),
        ("+6831234", "+6••••34"),
        ("+123456789012345", "+1234•••••••••45"),
        ("+12345678", "+12••••78"),
    ],
)
def test_a_mask_hides_four_digits_at_least(number: str, masked: str) -> None:
    assert mask(number) == masked
    assert masked.count("•") >= 4
    assert len(masked) == len(number)


@pytest.mark.parametrize("number", ["+79179136787", "+6831234", "+123456789012345", "+12345678"])
def test_a_masked_prefix_shows_what_the_masked_number_does(number: str) -> None:
    """Both together show no more than either."""
    scope = mask_scope(prefix_of(number))
    assert len(scope) == len(number) - 4
    assert scope.rstrip("•") == mask(number).partition("•")[0]


@pytest.mark.parametrize("scope", ["RU", "001", "unknown", ""])
def test_other_scopes_are_not_masked(scope: str) -> None:
    assert mask_scope(scope) == scope


@pytest.mark.parametrize(
    "prefix",
    [
        *("+7", "+9", "+21", "+7917913", "+1202555", "+491512345", "+683", "+88161234"),
    ],
)
def test_a_prefix_leaves_room_for_subscriber_digits(prefix: str) -> None:
    assert has_room(prefix, 4)


@pytest.mark.parametrize(
    "prefix", ["+79179136", "+79179136787", "+12025551", "+4915123456789", "+88161234567", "+2100"]
)
def test_a_text_that_is_not_a_prefix_is_refused(prefix: str) -> None:
    """Or no beginning of a number."""
    assert not has_room(prefix, 4)


@pytest.mark.parametrize("region", REGIONS)
def test_every_mobile_number_has_a_valid_prefix(region: str) -> None:
    """The guards count by this prefix: an operator can allow whatever they block."""
    e164, _ = spellings(region)
    assert has_room(prefix_of(e164), 4)


def test_a_number_exists_wherever_calls_may_go() -> None:
    assert require_valid("7 495 123-45-67") == "+74951234567"
    with pytest.raises(InvalidNumber):
        require_valid("+7917913678")
