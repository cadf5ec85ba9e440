"""Old spellings of a number, and spellings that two plans share, are one number."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict

import phonenumbers
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from verify_service.domain.errors import DestinationNotAllowed
from verify_service.domain.numbers import (
    ANY_COUNTRY,
    TYPE_NAMES,
    Destinations,
    normalize,
    parse_callback_number,
    require_valid,
)
from verify_service.domain.renumbered import RENUMBERED, Renumbering, dialed_today
from verify_service.domain.separators import strip_separators

ANYWHERE = Destinations({ANY_COUNTRY}, TYPE_NAMES)
VIETNAM = (
    "120:70 121:79 122:77 126:76 128:78 123:83 124:84 125:85 127:81 129:82 "
    "162:32 163:33 164:34 165:35 166:36 167:37 168:38 169:39 186:56 188:58 199:59"
)
ONE_LINE = {
    "Gabon": ("+24166031234", ["+241 06 03 12 34", "+241 6 03 12 34", "241 066 03 12 34"]),
    "Gabon, Airtel": ("+24177280150", ["+241 07 28 01 50", "+241 7 28 01 50", "+241 77 28 01 50"]),
    "Gabon, 03": ("+24103123456", ["+241 3 12 34 56", "+241 03 12 34 56"]),
    "Gabon, a landline": ("+24111441234", ["+241 01 44 12 34", "+241 011 44 12 34"]),
    "Mexico": (
        "+525512345678",
        ["+52 1 55 1234 5678", "+52 044 55 1234 5678", "+52 045 55 1234 5678", "+52 01 5512345678"],
    ),
    "Brazil": ("+5511981234567", ["+55 11 8123-4567", "+55 (011) 8123-4567", "+55 11 98123 4567"]),
    "Brazil, trunked radio": ("+551177123456", ["+55 11 7712-3456"]),
    "Ivory Coast, Orange": ("+2250707123456", ["+225 07 12 34 56"]),
    "Ivory Coast, MTN": ("+2250505123456", ["+225 05 12 34 56"]),
    "Ivory Coast, Moov": ("+2250101123456", ["+225 01 12 34 56"]),
    "Benin": ("+2290197123456", ["+229 97 12 34 56", "+229 01 97 12 34 56"]),
    "Cameroon": ("+237675505247", ["+237 75 50 52 47", "+237 6 75 50 52 47"]),
    "Cameroon, a landline": ("+237222146469", ["+237 22 14 64 69"]),
    "Gambia, QCell": ("+220835012345", ["+220 501 2345"]),
    "Gambia, Africell": ("+220877012345", ["+220 701 2345"]),
    "Gambia, Comium": ("+220866012345", ["+220 601 2345"]),
    "Gambia, Gamcel": ("+220899012345", ["+220 901 2345"]),
    "Liberia, Lonestar": ("+231886123456", ["+231 6 123 456"]),
    **{
        f"Vietnam, {old}": (f"+84{new}1234567", [f"+84 {old} 1234567"])
        for old, new in (each.split(":") for each in VIETNAM.split())
    },
    "Vietnam": ("+84701234567", ["+84 120 1234567", "+84 0120 1234567", "+84 70 123 4567"]),
    "Mauritius": ("+23057123456", ["+230 712 3456", "+230 5712 3456"]),
    "Ecuador": ("+593987654321", ["+593 8 765 4321", "+593 08 765 4321", "+593 98 765 4321"]),
    "Ecuador, 9": ("+593998765432", ["+593 9 876 5432", "+593 99 876 5432"]),
    "Egypt, Vodafone": ("+201001234567", ["+20 10 123 4567", "+20 010 123 4567"]),
    "Egypt, Vodafone, 16": ("+201061234567", ["+20 16 123 4567"]),
    "Egypt, Etisalat": ("+201111234567", ["+20 11 123 4567"]),
    "Egypt, Mobinil": ("+201221234567", ["+20 12 123 4567", "+20 122 123 4567"]),
    "Egypt, Mobinil, 18": ("+201281234567", ["+20 18 123 4567"]),
    "Qatar": ("+97455123456", ["+974 512 3456", "+974 5512 3456"]),
    "Georgia": ("+995577123456", ["+995 77 123456", "+995 577 12 34 56"]),
    "Georgia, Magti": ("+995599123456", ["+995 99 123456"]),
    "Guinea-Bissau, Orange": ("+245955123456", ["+245 512 3456"]),
    "Guinea-Bissau, MTN": ("+245966123456", ["+245 612 3456"]),
    "Seychelles": ("+2482512345", ["+248 512 345", "+248 2 512 345"]),
    "Equatorial Guinea": ("+240222212345", ["+240 212 345"]),
    "Equatorial Guinea, 5": ("+240222512345", ["+240 512 345"]),
    "French Polynesia": ("+68987712345", ["+689 71 23 45", "+689 87 71 23 45"]),
    "Eswatini": ("+26876123456", ["+268 612 3456"]),
    "Eswatini, a landline": ("+26822171234", ["+268 217 1234"]),
    "Sint Maarten": ("+17215201234", ["+599 520 1234", "+1 721 520 1234"]),
    "Chile": ("+56987654321", ["+56 09 8765 4321", "+56 9 8765 4321"]),
    "East Timor": ("+67077212345", ["+670 721 2345", "+670 7721 2345"]),
    "Kosovo, of Monaco": ("+38344123456", ["+377 44 123 456", "+383 44 123 456"]),
    "Kosovo, of Slovenia": ("+38349123456", ["+386 49 123 456"]),
    "Slovenia": ("+38643123456", ["+386 43 123 456"]),
    "Kosovo, of Serbia": ("+38338212345", ["+381 38 212 345"]),
    "Palestine": ("+970599123456", ["+972 59 912 3456", "+970 59 912 3456"]),
    "San Marino": ("+3780549881234", ["+39 0549 881234", "+378 0549 881234", "+378 881234"]),
    "Gambia": ("+220833012345", ["+220 301 2345", "+220 83 301 2345"]),
    "Liberia": ("+231555123456", ["+231 5 123 456", "+231 55 5123456"]),
    "Argentina": ("+5491123456789", ["+54 9 11 2345-6789", "+54 11 15 2345-6789"]),
    "Ukraine": ("+380671234567", ["+380 8 067 123 45 67", "+380 067 123 45 67", "+380 8671234567"]),
    "Armenia": ("+37491234567", ["+374 8 091 23 45 67"]),
    "Azerbaijan": ("+994502123456", ["+994 8 050 212 34 56"]),
    "Georgia, 8": ("+995555123456", ["+995 8 555 12 34 56"]),
    "Kyrgyzstan": ("+996555123456", ["+996 8 0555 12 34 56"]),
    "Moldova": ("+37369112345", ["+373 8 069 112 345"]),
    "Tajikistan": ("+992917123456", ["+992 8 917 12 34 56"]),
    "Uzbekistan": ("+998901234567", ["+998 8 90 123 45 67"]),
    "Poland": ("+48501234567", ["+48 0 501 234 567", "+48 501 234 567"]),
    "Czech Republic": ("+420602123456", ["+420 0602 123 456", "+420 602 123 456"]),
    "Russia": ("+79161234567", ["+7 8 916 123-45-67", "+7 916 123 45 67"]),
}


@pytest.mark.parametrize(("number", "spellings"), ONE_LINE.values(), ids=ONE_LINE)
def test_every_spelling_is_the_number_that_is_dialed_today(
    number: str, spellings: list[str]
) -> None:
    """For a start, a callback, a test number and an operator alike."""
    for each in spellings:
        assert ANYWHERE.require_allowed(each) == number
        assert parse_callback_number(each) == number
        assert normalize(each) == number
        assert require_valid(each) == number


def test_a_landline_of_argentina_is_not_called_as_a_mobile_number() -> None:
    """The digits may be another line's: the refusal says how to write a mobile number."""
    mobile = Destinations({ANY_COUNTRY}, {"MOBILE"})
    with pytest.raises(DestinationNotAllowed) as argentina:
        mobile.require_allowed("+54 11 2345-6789")
    assert argentina.value.reason.endswith("write +54 9 first.")
    with pytest.raises(DestinationNotAllowed) as russia:
        mobile.require_allowed("+7 495 123-45-67")
    assert russia.value.reason.endswith("of type FIXED_LINE are not allowed.")


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("09 8765 4321", "CL", "+56987654321"),
        ("08 765 4321", "EC", "+593987654321"),
        ("012 123 4567", "EG", "+201221234567"),
        ("77 123456", "GE", "+995577123456"),
        ("512 3456", "QA", "+97455123456"),
        ("512 3456", "GW", "+245955123456"),
        ("71 23 45", "PF", "+68987712345"),
    ],
)
def test_an_old_spelling_is_read_beside_its_country(text: str, country: str, number: str) -> None:
    assert ANYWHERE.require_allowed(text, country) == number


ON_BOTH = ("Metadata of phonenumbers", "ARKEP Kosovo", "ARCEP Gabon")
"""Sources of spellings that the metadata has beside the new ones."""


@settings(deadline=None)
@given(st.data())
@pytest.mark.parametrize(
    "rule",
    [each for each in RENUMBERED if not each.source.startswith(ON_BOTH)],
    ids=lambda rule: rule.old.pattern,
)
def test_no_number_in_use_is_read_as_an_old_one(rule: Renumbering, data: st.DataObject) -> None:
    """It would ring another phone."""
    old = data.draw(st.from_regex(rule.old, fullmatch=True))
    assume(old.isascii() and dialed_today(old) != old)
    assert not (is_valid(old) and is_valid(dialed_today(old)))


def is_valid(digits: str) -> bool:
    return phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits}"))


def test_each_range_has_a_source_and_an_example() -> None:
    """What is dialed today is not renumbered again."""
    written = [strip_separators(each) for _, texts in ONE_LINE.values() for each in texts]
    digits = [each.removeprefix("+") for each in written]
    for each in RENUMBERED:
        assert each.source
        assert any(map(each.old.fullmatch, digits)), each.old.pattern
    news = [dialed_today(each) for each in digits]
    assert [dialed_today(each) for each in news] == news


# The search: regions where all mobile numbers of one length that begin with the same digit are
# mobile numbers with the same one or two digits before them as well.
PAIRS = {"GA", "GM", "LR"}
LENGTHS_DIFFER = {*("AT", "AX", "EE", "FI", "HR", "ID", "IT", "KH", "KR", "MM", "NZ", "SO", "VA")}
"""Plans with numbers of several lengths: each length has lines of its own."""
OTHER_LINES = {
    "CD": "88 with seven digits has no lines in use; 88 with nine digits is another operator's",
    "IS": "38 and seven digits are ranges for machines and data",
    "LI": "7 has seven digits, 64 and 65 have nine: different operators",
    "MC": "3 has eight digits, 6 and 7 have nine",
    "PA": "1, 2 and 8 with seven digits are local services, 6 is mobile",
    "SB": "48 with five digits is a range of its own",
}


@pytest.mark.slow
def test_the_metadata_has_no_further_pairs() -> None:
    """A new version of phonenumbers may bring one: decide whether it is one line, and list it."""
    found = {region for region in phonenumbers.SUPPORTED_REGIONS if prefixed(region)}
    assert found == PAIRS | LENGTHS_DIFFER | set(OTHER_LINES)


RUNS = [*map(str, range(10)), *(f"{run:02}" for run in range(100))]


def prefixed(region: str) -> set[str]:
    plan = PhoneMetadata.metadata_for_region(region).mobile
    if plan is None or len(plan.possible_length) < 2:
        return set()
    own = re.compile(plan.national_number_pattern)
    longer = defaultdict(list)
    for length, head, rest in itertools.product(
        plan.possible_length, range(100, 1000), "0123456789"
    ):
        short = f"{head}{rest * length}"[:length]
        if length < max(plan.possible_length) and own.fullmatch(short):
            longer[short[0]].append(
                {
                    run
                    for run in RUNS
                    if length + len(run) in plan.possible_length and own.fullmatch(run + short)
                }
            )
    return {digit for digit, runs in longer.items() if set.intersection(*runs)}
