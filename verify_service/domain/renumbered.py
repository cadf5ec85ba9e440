"""Numbers that are written in two ways: old numbering plans, and plans that share lines.

phonenumbers describes the numbering plan of each calling code. It does not know that two numbers
are one line, and refuses most old spellings as numbers that do not exist. People still type them
from their contacts. This table has each spelling that the metadata or a regulator names, and what
to dial today. ``tests/unit/test_renumbered.py`` compares it with the metadata, and searches the
metadata for further pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Renumbering:
    """A range of numbers, and how each of them is dialed today.

    Attributes:
        old: Matches all digits of an old number, country code included.
        new: What replaces it, as in ``re.sub``.
        source: The regulator or the metadata that defines it.
    """

    old: re.Pattern[str]
    new: str
    source: str


def _vietnam() -> Iterator[tuple[str, str]]:
    """The last seven digits are unchanged; a prefix of two digits replaces one of three."""
    prefixes = (
        "120:70 121:79 122:77 126:76 128:78 123:83 124:84 125:85 127:81 129:82 "
        "162:32 163:33 164:34 165:35 166:36 167:37 168:38 169:39 186:56 188:58 199:59"
    )
    for pair in prefixes.split():
        old, new = pair.split(":")
        yield rf"84{old}(\d{{7}})", rf"84{new}\1"


def _soviet_trunk_prefix() -> Iterator[tuple[str, str]]:
    """Some people write the new prefix, 0, after the old one: ``8 067 …`` in Ukraine."""
    digits = {"373": 8, "374": 8, "380": 9, "992": 9, "994": 9, "995": 9, "996": 9, "998": 9}
    for code, count in digits.items():
        yield rf"{code}80?(\d{{{count}}})", rf"{code}\1"


_SOURCES: dict[str, list[tuple[str, str]]] = {
    # Gabon: 8 digits since 2019, without the trunk prefix 0. Older numbers had 7 digits, and an
    # optional 0 in calls from abroad. The range 03 was not moved.
    "ARCEP Gabon, 15 November 2019; the older plans ended on 6 April 2024": [
        (r"2410?([256]\d{6})", r"2416\1"),
        (r"2410?([47]\d{6})", r"2417\1"),
        (r"2410?(3\d{6})", r"2410\1"),
        (r"24101(\d{6})", r"24111\1"),
    ],
    "IFT Mexico: since 3 August 2019 ten digits without 1, 01, 044 and 045": [
        (r"52(?:0?1|044|045)([2-9]\d{9})", r"52\1"),
    ],
    # Numbers of trunked radio begin with 7. They kept eight digits.
    "Anatel Brazil, resolution 553: a ninth digit, 9, for all mobile numbers, 2012 to 2016": [
        (r"55([1-9]{2})([689]\d{7})", r"55\g<1>9\2"),
    ],
    "ARTCI Ivory Coast, 31 January 2021: 01, 05 or 07 before the eight digits, by the second one": [
        (r"225([04-9][0-3]\d{6})", r"22501\1"),
        (r"225([04-9][4-6]\d{6})", r"22505\1"),
        (r"225([04-9][7-9]\d{6})", r"22507\1"),
    ],
    "ARCEP Benin, 30 November 2024: 01 before the eight digits": [
        (r"229([24-9]\d{7})", r"22901\1"),
    ],
    "Ministry of Posts of Cameroon, 21 November 2014: 6 before mobile numbers, 2 before others": [
        (r"237([679]\d{7})", r"2376\1"),
        (r"237((?:22|33)\d{6})", r"2372\1"),
    ],
    "Ministry of Information of Vietnam, 15 September 2018: ten digits instead of 11": [
        *_vietnam()
    ],
    # Landlines still have seven digits; none of them begins with 7 or 9.
    "ICTA Mauritius, 1 September 2013: 5 before mobile numbers": [
        (r"230([79]\d{6})", r"2305\1"),
    ],
    # Landlines have eight digits too; none of them begins with 8 or 9.
    "Government of Ecuador, 30 September 2012: 9 before mobile numbers": [
        (r"593([89]\d{7})", r"5939\1"),
    ],
    # The numbers 015 with eleven digits were moved too; the range is another operator's today.
    "NTRA Egypt, 6 October 2011: a digit of the operator after 1": [
        (r"201([069]\d{7})", r"2010\1"),
        (r"201([14]\d{7})", r"2011\1"),
        (r"201([278]\d{7})", r"2012\1"),
    ],
    "ictQATAR, 28 July 2010: the first digit twice": [
        (r"974([3-7])(\d{6})", r"974\1\1\2"),
    ],
    # 90 was the range of fixed wireless lines.
    "GNCC Georgia, 20 June 2011: 5 before mobile numbers": [
        (r"995((?:[57]\d|9[1-9])\d{6})", r"9955\1"),
    ],
    "ARN Guinea-Bissau, 1 November 2015: 95 or 96 before the seven digits, by the operator": [
        (r"245(5\d{6})", r"24595\1"),
        (r"245(6\d{6})", r"24596\1"),
    ],
    "World Telephone Numbering Guide: Seychelles, 4 May 2011: 2 before mobile numbers": [
        (r"248([57]\d{5})", r"2482\1"),
    ],
    "World Telephone Numbering Guide: Equatorial Guinea, 9 April 2010: 222 before mobile numbers": [
        (r"240([25]\d{5})", r"240222\1"),
    ],
    "French Polynesia, 23 June 2014: 87 before the mobile numbers of Vini": [
        (r"689([27]\d{5}|3[0-59]\d{4})", r"68987\1"),
    ],
    "SPTC Swaziland to the ITU: 7 before mobile numbers, 2 before others, 2010 and 2011": [
        (r"268(6\d{6})", r"2687\1"),
        (r"268([2-5]\d{6})", r"2682\1"),
    ],
    # The numbers 555 were changed.
    "NANPA, planning letter 423: Sint Maarten has +1 721 since 2011, instead of 5 of +599": [
        (r"599(5(?!55)\d{6})", r"1721\1"),
    ],
    # Without the 9, a number may be a landline's.
    "Subtel Chile, 6 February 2016: nine digits without 0": [
        (r"560(9\d{8})", r"56\1"),
    ],
    "East Timor to the ITU, 27 March 2013: since 1 January 7 before mobile numbers": [
        (r"670(7[2-8]\d{5})", r"6707\1"),
    ],
    # The countries of this plan that have 0 or no prefix since then; the others still have 8.
    "World Telephone Numbering Guide: the trunk prefix of the Soviet Union was 8": [
        *_soviet_trunk_prefix()
    ],
    "UKE Poland, 15 May 2010: no trunk prefix any more; it was 0": [
        (r"480(\d{9})", r"48\1"),
    ],
    "CTU, Czech Republic, 22 September 2002: no trunk prefix any more; it was 0": [
        (r"4200(\d{9})", r"420\1"),
    ],
    # Slovenia has withdrawn 49, and uses 43 itself.
    "ARKEP Kosovo: +383 since 15 December 2016, instead of ranges of +377, +381 and +386": [
        (r"377(4[456]\d{6})", r"383\1"),
        (r"38649(\d{6})", r"38349\1"),
        (r"381((?:2[89]|3[89])\d{6,7})", r"383\1"),
    ],
    # Palestinian lines can be dialed by the code of Israel too, whose plan leaves them this range.
    "Metadata of phonenumbers: IL and PS have the same mobile numbers 56 and 59": [
        (r"972(5[69]\d{7})", r"970\1"),
    ],
    "Metadata of phonenumbers: IT has the fixed lines of SM, 0549": [
        (r"39(0549\d{6})", r"378\1"),
    ],
    "Metadata of phonenumbers 9.0: GM has each number of seven digits with two more digits too": [
        (r"220([27]\d{6}|4[015]\d{5})", r"22087\1"),
        (r"220(3\d{6}|5[0-489]\d{5}|556\d{4})", r"22083\1"),
        (r"220(6\d{6}|8[4-7]\d{5})", r"22086\1"),
        (r"220(9\d{6})", r"22089\1"),
    ],
    "Metadata of phonenumbers: LR has each number of seven digits with two more digits too": [
        (r"231(5\d{6})", r"23155\1"),
        (r"231(6\d{6})", r"23188\1"),
    ],
}

RENUMBERED = tuple(
    Renumbering(re.compile(old, re.ASCII), new, source)
    for source, rules in _SOURCES.items()
    for old, new in rules
)
_BY_FIRST_DIGITS = {
    first: [each for each in RENUMBERED if each.old.pattern.startswith(first)]
    for first in {each.old.pattern[:2] for each in RENUMBERED}
}
"""Each pattern begins with a calling code, and most calling codes have no pattern."""


def dialed_today(digits: str) -> str:
    """Return the digits of a number, country code included, as they are dialed today.

    The result does not exist if the old number did not exist.
    """
    for each in _BY_FIRST_DIGITS.get(digits[:2], ()):
        match = each.old.fullmatch(digits)
        if match:
            return match.expand(each.new)
    return digits
