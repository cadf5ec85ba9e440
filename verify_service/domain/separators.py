"""What people, their keyboards and their contact lists write between the digits of a number."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_IGNORED_CATEGORIES = {"Zs", "Pd", "Ps", "Pe", "Cf"}
"""Unicode's categories of spaces, dashes, opening and closing brackets, and invisible formatting
characters. Line breaks and tabs are in none of them."""
BLANK_GLYPHS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))  # variation selectors
)
"""Letters, marks and symbols that show nothing. Python counts them as printable."""
_IGNORED_CHARACTERS = BLANK_GLYPHS | frozenset(
    "./"
    "\u00b7\u06d4\u2024\u2027\u2219\u22c5\u2e31\u2e33\u3002\u30fb\ufe52\uff0e\uff61\uff65"  # dots
    "\u2044\u2215\u29f8\uff0f"  # slashes
    "~\u02d7\u2043\u2053\u207b\u208b\u2212\u223c\u2796\u30fc\uff5e\uff70"  # dashes and minus signs
)
"""Characters of other categories that people, their keyboards and their contact lists write between
digits, or that show nothing."""
_TRUNK_ZERO = re.compile(r"[(\[{]\s*0\s*[)\]}]")
_SPREADSHEET = re.compile(r"(\+?[0-9]+)\.0+\Z")
_SECOND_LINE = re.compile(r"(.+)[/\u2044\u2215\u29f8\uff0f]\s*[0-9]{1,2}\s*\Z")
_PLUS_SIGNS = str.maketrans("\uff0b\ufe62", "++")


def strip_separators(text: str) -> str:
    """Return a text without what people write between digits, and with ``+`` for any plus sign."""
    if text.isascii():  # as almost every number is; one look at each character is slow
        return text.translate(_IGNORED_ASCII)
    bare = "".join(character for character in text if not _is_ignored(character))
    return bare.translate(_PLUS_SIGNS)


def without_trunk_zero(text: str) -> str:
    """Return a text without its ``(0)``, which is not dialed after a country code."""
    pattern = _TRUNK_ZERO if text.isascii() else _trunk_zero_in_any_brackets()
    return pattern.sub("", text)


@cache
def _trunk_zero_in_any_brackets() -> re.Pattern[str]:
    """Return the pattern for Unicode's brackets. Looking for them takes 13 ms, so it is done late.

    There are almost 80 of each, and later versions of Unicode may have more.
    """
    opening, closing = (
        "".join(each for each in map(chr, range(0x10000)) if unicodedata.category(each) == kind)
        for kind in ("Ps", "Pe")
    )
    return re.compile(rf"[{re.escape(opening)}]\s*0\s*[{re.escape(closing)}]")


def without_fraction(text: str) -> str:
    """Return a number without the ``.0`` that a spreadsheet adds to all digits and no separator."""
    return _SPREADSHEET.sub(r"\1", text.strip(" "))


def first_line(text: str) -> str | None:
    """Return what is before a slash with one or two digits, which may be another line's; or None.

    For example, ``123 4567`` of ``123 4567/8``, which many people write for two lines.
    """
    match = _SECOND_LINE.match(text)
    return match[1] if match else None


def has_other_digits(text: str) -> bool:
    """Return whether a text has digits other than 0-9: of another script, or small or circled."""
    return not text.isascii() and any(not each.isascii() and each.isdigit() for each in text)


def _is_ignored(character: str) -> bool:
    return (
        unicodedata.category(character) in _IGNORED_CATEGORIES or character in _IGNORED_CHARACTERS
    )


_IGNORED_ASCII = {code: None for code in range(128) if _is_ignored(chr(code))}
